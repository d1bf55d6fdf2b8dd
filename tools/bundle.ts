/**
 * `deno task bundle`: the program and its packages as one file, dist/rds-csi.js. Needs no network
 * once the packages are in Deno's cache.
 */
import { fileURLToPath } from "node:url";

/**
 * Without them V8 keeps about 190 MB after 15,000 small calls; with the first two about 105 MB, and
 * without its middle compiler, whose work areas stay resident, some 10 MB less, at the same speed
 * (pitfall R3; docs/explanation/performance.md).
 */
export const V8_FLAGS = "--max-semi-space-size=1,--optimize-for-size,--no-maglev";

/**
 * Compiled parts that ssh2 uses when they are there and does without when not. They are not: npm's
 * install scripts never run here.
 */
const EXTERNAL: readonly string[] = ["cpu-features", "*.node"];

/** The file is a module, in which these names of CommonJS do not exist; ssh2 asks for the first. */
const BANNER = "const __dirname=import.meta.dirname,__filename=import.meta.filename;\n";

/** The directory of the repository. */
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUTPUT = "dist/rds-csi.js";
const LONGEST_MS = 300_000;

/**
 * Builds the bundle anew and gives its path. Whoever runs the old file meanwhile is not disturbed.
 * @throws {Error} when it cannot be built; why is on stderr.
 */
export async function buildBundle(): Promise<string> {
  await Deno.mkdir(`${ROOT}dist`, { recursive: true });
  const directory = await Deno.makeTempDir({ dir: `${ROOT}dist`, prefix: "bundle-" });
  try {
    const part = `${directory}/rds-csi.js`;
    await runBundler(part);
    await Deno.writeTextFile(part, BANNER + await Deno.readTextFile(part));
    await Deno.rename(part, `${ROOT}${OUTPUT}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  return `${ROOT}${OUTPUT}`;
}

async function runBundler(output: string): Promise<void> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform=deno", "--minify", "-o", output],
      ...EXTERNAL.flatMap((pattern) => ["--external", pattern]),
      "src/main.ts",
    ],
    cwd: ROOT,
    signal: AbortSignal.timeout(LONGEST_MS),
  }).spawn().status;
  if (code !== 0) throw new Error(`Cannot build ${OUTPUT}: the bundler ended with code ${code}`);
}

async function main(): Promise<void> {
  const { size } = await Deno.stat(await buildBundle());
  const mebibytes = (size / 1024 ** 2).toFixed(1);
  const lines = [
    `${OUTPUT}: ${mebibytes} MiB. Run it with the flags that keep memory small:`,
    `  deno run -A --v8-flags=${V8_FLAGS} ${OUTPUT} --help`,
  ];
  await Deno.stdout.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
}

if (import.meta.main) await main();
