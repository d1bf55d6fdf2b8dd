/** The reference page of commands per call says what the box counts. */
import assert from "node:assert/strict";
import { COMMANDS_PAGE, renderCommandsPage } from "../../../benches/commands_page.ts";
import { measureCommandsPerCall } from "../../../benches/commands_per_call.ts";
import { Installation } from "../../../benches/installation.ts";
import { ROOMY_BOX } from "../../../benches/many_volumes.ts";

Deno.test("every call sends as many commands as promised, and as its reference page says", async () => {
  await using installation = await Installation.start({ simulatorFlags: ROOMY_BOX });
  const costs = await measureCommandsPerCall(installation);
  const dear = costs.filter(({ commands, atMost }) => atMost !== undefined && commands > atMost);
  assert.deepEqual(dear, []);
  const page = await Deno.readTextFile(new URL(`../../../${COMMANDS_PAGE}`, import.meta.url));
  assert.equal(page, renderCommandsPage(costs), "run: deno task bench --write-reference");
  assert.deepEqual(await installation.control.violations(), []);
});
