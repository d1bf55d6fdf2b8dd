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

Deno.test("stuck children are an error that names them, and their end is none", () => {
  const stuck = describeEvent({
    kind: "children-stuck",
    count: 1,
    children: ["umount of 259:1 (17)"],
  });
  assert.equal(stuck.level, "error");
  assert.match(stuck.text, /umount of 259:1/);
  const freed = describeEvent({ kind: "children-stuck", count: 0, children: [] });
  assert.equal(freed.level, "info");
});

Deno.test("what happens to a volume on a node is said with what became of it", () => {
  const volumeId = "pvc-1";
  const regained = { kind: "controller-regained", volumeId, device: "259:2" } as const;
  assert.match(describeEvent({ ...regained, isSameDevice: true }).text, /the same as before/);
  assert.match(describeEvent({ ...regained, isSameDevice: false }).text, /its mounts are dead/);
  const recovered = { kind: "volume-recovered", volumeId, durationMs: 61_400 } as const;
  assert.match(describeEvent(recovered).text, /well again after 61 s/);
  const unclaimed = { kind: "session-unclaimed", nqn: "nqn.1", finding: "unused" } as const;
  assert.match(describeEvent({ ...unclaimed, isClosed: true }).text, /disconnected: unused/);
  assert.match(describeEvent({ ...unclaimed, isClosed: false }).text, /left alone: unused/);
});
