/**
 * Runs the tests of this folder, two processes side by side. The argument says how many sequences
 * there are to be, unless MODEL_SEQUENCES does.
 *
 * Processes, not `deno test --parallel`: Deno 2.9.3 closes the descriptor of every Unix socket
 * twice, and where threads share descriptors the second time may hit a file that another test has
 * just opened.
 */
const HALVES: readonly (readonly string[])[] = [
  ["box_1_test.ts", "storm_test.ts", "planted_bug_test.ts", "memory_test.ts"],
  ["box_2_test.ts", "box_modes_test.ts"],
];
const HERE = new URL("./", import.meta.url);

checkComplete();
const [sequences] = Deno.args;
const codes = await Promise.all(HALVES.map(runTests));
Deno.exit(codes.find((code) => code !== 0) ?? 0);

/** Runs some of the tests and then prints all they said. @returns the exit code */
async function runTests(files: readonly string[]): Promise<number> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...files],
    cwd: HERE,
    env: sequences === undefined ? {} : { MODEL_SEQUENCES: wanted(sequences) },
  }).output();
  for (const bytes of [stdout, stderr]) {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(Deno.stdout.writeSync(rest));
  }
  return code;
}

function wanted(count: string): string {
  return Deno.env.get("MODEL_SEQUENCES") ?? count;
}

/** A test file that is in no half would never run. */
function checkComplete(): void {
  const listed = new Set(HALVES.flat());
  for (const { name } of Deno.readDirSync(HERE)) {
    if (name.endsWith("_test.ts") && !listed.has(name)) throw new Error(`${name} is in no half`);
  }
}
