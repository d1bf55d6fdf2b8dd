/** The program. Which parts are put together how stands in src/cli, one file for each role. */
import "./runtime_guard.ts";
import { KERNEL_CALLS_COMMAND } from "./adapters/children/own_program.ts";

Deno.exit(await run(Deno.args));

/** As a worker for kernel calls, which starts often, it loads nothing but that. */
async function run(args: readonly string[]): Promise<number> {
  if (args[0] === KERNEL_CALLS_COMMAND) {
    const { serveKernelCalls } = await import("./adapters/children/worker_main.ts");
    return serveKernelCalls();
  }
  const { runProgram } = await import("./cli/program.ts");
  const { PROCESS_OUTPUT } = await import("./cli/output.ts");
  return await runProgram(args, PROCESS_OUTPUT);
}
