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
 * The flags for the role of a node, which waits for kernels and not for its own code: without the
 * last compiler it is about 25 MiB smaller, and a call takes a tenth longer.
 */
export const NODE_V8_FLAGS: string = `${V8_FLAGS},--no-turbofan`;

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
    await bundleFile("src/main.ts", part);
    await Deno.rename(part, `${ROOT}${OUTPUT}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  return `${ROOT}${OUTPUT}`;
}

/**
 * Bundles a program of this repository, with its packages, into one file.
 * @throws {Error} when it cannot be built; why is on stderr.
 */
export async function bundleFile(source: string, output: string): Promise<void> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform=deno", "--minify", "-o", output],
      ...EXTERNAL.flatMap((pattern) => ["--external", pattern]),
      source,
    ],
    cwd: ROOT,
    signal: AbortSignal.timeout(LONGEST_MS),
  }).spawn().status;
  if (code !== 0) throw new Error(`Cannot bundle ${source}: the bundler ended with code ${code}`);
  await Deno.writeTextFile(output, BANNER + await Deno.readTextFile(output));
}

async function main(): Promise<void> {
  const { size } = await Deno.stat(await buildBundle());
  const mebibytes = (size / 1024 ** 2).toFixed(1);
  const lines = [
    `${OUTPUT}: ${mebibytes} MiB. Run it with the flags that keep memory small:`,
    `  deno run -A --v8-flags=${V8_FLAGS} ${OUTPUT} controller --help`,
    `  deno run -A --v8-flags=${NODE_V8_FLAGS} ${OUTPUT} node --help`,
  ];
  await Deno.stdout.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
}

if (import.meta.main) await main();
