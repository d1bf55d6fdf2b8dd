/**
 * Imported before everything else by main.ts: ends the process on a version of Deno that would
 * fail later and worse. The one module with an effect on import, because the imports of main.ts
 * are evaluated before its first line.
 */
import { refusalOfRuntime } from "./runtime_version.ts";

const refusal = refusalOfRuntime(Deno.version.deno);
if (refusal !== undefined) {
  Deno.stderr.writeSync(new TextEncoder().encode(`rds-csi: ${refusal}\n`));
  Deno.exit(1);
}
