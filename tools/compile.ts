/**
 * `deno task compile`: the program as one executable, dist/rds-csi. Deno puts it together from a
 * runtime named denort, which it downloads once; where it cannot, DENORT_BIN names one.
 */
import { fileURLToPath } from "node:url";
import { V8_FLAGS } from "./bundle.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUTPUT = "dist/rds-csi";
const LONGEST_MS = 600_000;

async function compile(): Promise<number> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["compile", "-A", `--v8-flags=${V8_FLAGS}`, "--output", OUTPUT, "src/main.ts"],
    cwd: ROOT,
    signal: AbortSignal.timeout(LONGEST_MS),
  }).spawn().status;
  if (code !== 0) await explain();
  return code;
}

/** What to do about the failure that people meet: no runtime to build on. */
async function explain(): Promise<void> {
  const named = Deno.env.get("DENORT_BIN");
  const { deno: version } = Deno.version;
  const lines = [
    "",
    `Cannot compile ${OUTPUT}. If the runtime denort could not be downloaded, see above:`,
    named === undefined
      ? "  DENORT_BIN is not set, so Deno looked for denort in its cache and then on the network."
      : `  DENORT_BIN is "${named}"; it must be denort ${version} for the platform compiled for.`,
    `  Unpack denort of release v${version} of denoland/deno where there is a network, then`,
    "  set DENORT_BIN to it and try again. Without it use the bundle: deno task bundle",
  ];
  await Deno.stderr.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
}

if (import.meta.main) Deno.exit(await compile());
