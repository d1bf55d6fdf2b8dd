import assert from "node:assert/strict";
import { describeEvent } from "../../../../src/adapters/logging/event_log.ts";

const CALLS: { method: string; code: string; level: string }[] = [
  { method: "csi.v1.Identity/Probe", code: "OK", level: "debug" },
  { method: "csi.v1.Node/NodeGetVolumeStats", code: "OK", level: "debug" },
  { method: "csi.v1.Controller/CreateVolume", code: "OK", level: "info" },
  { method: "csi.v1.Controller/CreateVolume", code: "ALREADY_EXISTS", level: "info" },
  { method: "csi.v1.Controller/CreateVolume", code: "UNAVAILABLE", level: "warning" },
  { method: "csi.v1.Controller/CreateVolume", code: "RESOURCE_EXHAUSTED", level: "warning" },
  { method: "csi.v1.Identity/Probe", code: "INTERNAL", level: "error" },
];

for (const { method, code, level } of CALLS) {
  Deno.test(`a call of ${method} that answers ${code} is logged as ${level}`, () => {
    assert.equal(describeEvent({ kind: "rpc-finished", method, code, durationMs: 1 }).level, level);
  });
}

Deno.test("an array whose copies are not proved is a warning, one whose are is not", () => {
  const probed = { kind: "copy-probed", array: "main" } as const;
  assert.equal(describeEvent({ ...probed, result: "independent" }).level, "info");
  const refused = describeEvent({ ...probed, result: "refused", reason: "copies are empty" });
  assert.equal(refused.level, "warning");
  assert.match(refused.text, /copies are empty/);
});

Deno.test("an array that could not be prepared is a warning that says why", () => {
  const error = new Error("comments are cut after 20 characters");
  const { level, text } = describeEvent({ kind: "preparation-failed", array: "main", error });
  assert.equal(level, "warning");
  assert.match(text, /"main" could not be prepared: comments are cut/);
});
