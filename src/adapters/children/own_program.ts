/** How this program starts itself once more. */
import { fileURLToPath } from "node:url";

/** The first argument that makes the program a worker for kernel calls; people never see it. */
export const KERNEL_CALLS_COMMAND = "kernel-calls";

/** The flags of V8 that keep a process small; a compiled program has them in itself. */
export const WORKER_V8_FLAGS =
  "--max-semi-space-size=1,--optimize-for-size,--no-maglev,--no-turbofan";

/** A command line that runs this program: from its source, as a bundle, or compiled. */
export function ownProgram(): readonly string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const flags = ["run", "--quiet", "--cached-only", "-A", `--v8-flags=${WORKER_V8_FLAGS}`];
  return [Deno.execPath(), ...flags, fileURLToPath(Deno.mainModule)];
}
