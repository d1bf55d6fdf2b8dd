/** The program. Which parts are put together how stands in src/cli, one file for each role. */
import "./runtime_guard.ts";
import { PROCESS_OUTPUT } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";

Deno.exit(await runProgram(Deno.args, PROCESS_OUTPUT));
