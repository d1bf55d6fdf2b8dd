/** What this is. */
import manifest from "../deno.json" with { type: "json" };

/** The name of the program. */
export const PROGRAM_NAME = "rds-csi";

/** The version of the driver, as deno.json has it. */
export const VERSION: string = manifest.version;
