/**
 * What .ci/run runs once Deno is there: the steps below one after the other, their output as it
 * comes, and at the end what failed once more and one line that counts. Exit status 1 when anything
 * failed.
 */
import {
  add,
  concluded,
  namesFailure,
  NO_TESTS,
  type Tally,
  tallyOfLine,
  verdict,
} from "./tally.ts";

/** One step: a task of deno.json. */
interface Step {
  readonly task: string;
  readonly args?: readonly string[];
  /** Whether its output counts tests; otherwise the step itself is one. */
  readonly countsTests: boolean;
}

const STEPS: readonly Step[] = [
  { task: "test", countsTests: true },
  { task: "test:sanity", countsTests: true },
  { task: "test:host", countsTests: true },
  { task: "test:kernel", args: ["--minutes", "35"], countsTests: true },
  { task: "demo", countsTests: false },
];
const LONGEST_STEP_MS = 60 * 60_000;
/** So many failures are named again at the end, of all steps together. */
const REPEATED_MAX = 100;

/** The lines that named a failure, with their steps. */
const failures: string[] = [];

const encoder = new TextEncoder();

function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(text));
}

async function runStep({ task, args = [], countsTests }: Step): Promise<Tally> {
  print(`\n=== deno task ${task}\n`);
  const process = new Deno.Command(Deno.execPath(), {
    args: ["task", task, ...args],
    signal: AbortSignal.timeout(LONGEST_STEP_MS),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let tally = NO_TESTS;
  for await (const line of linesOf(process.stdout)) {
    print(`${line}\n`);
    tally = add(tally, tallyOfLine(line));
    if (namesFailure(line) && failures.length < REPEATED_MAX) failures.push(`${task}: ${line}`);
  }
  const { success, code } = await process.status;
  const result = concluded(tally, { isOk: success, countsTests });
  print(`=== deno task ${task}: exit status ${code}, ${verdict(result)}\n`);
  return result;
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

let total = NO_TESTS;
for (const step of STEPS) total = add(total, await runStep(step));
if (failures.length > 0) print(`\n=== What failed\n${failures.join("\n")}\n`);
print(`\n${verdict(total)}\n`);
Deno.exit(total.failed === 0 ? 0 : 1);
