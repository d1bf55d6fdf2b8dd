/** The command `rds-csi simulate` as a program of its own, for the tests of its command line. */
import { simulateCommand } from "../../../src/cli/simulate.ts";

await simulateCommand().parseAsync(Deno.args, { from: "user" });
