/** When an export begins, goes on and ends, and which faults strike it. */
import assert from "node:assert/strict";
import type { ExportEntry } from "../../../../src/simulator/box/export_list.ts";
import type { ExportFault } from "../../../../src/simulator/faults.ts";
import { ExportSchedule } from "../../../../src/simulator/nvmet/export_schedule.ts";
import { FaultPlan } from "../../../../src/simulator/server/fault_plan.ts";

const FRESH = { namespaceUuid: "ffffffff-0000-4000-8000-000000000001", serial: "ffffffffffffffff" };

function entry(slot: string, more: Partial<ExportEntry> = {}): ExportEntry {
  return {
    slot,
    nqn: `nqn.2000-02.com.mikrotik:${slot}`,
    port: 4420,
    backingPath: `/data/files/${slot}.img`,
    offsetBytes: 0,
    sizeBytes: 2 ** 20,
    namespaceUuid: `00000000-0000-4000-8000-00000000000${slot}`,
    serial: "0123456789abcdef",
    allowedHosts: [],
    ...more,
  };
}

class Scene {
  nowMs = 1_000_000;
  readonly plan: FaultPlan = new FaultPlan();
  readonly schedule: ExportSchedule = new ExportSchedule({
    nowMs: () => this.nowMs,
    strike: (slot) => this.plan.strikeExport(slot),
    newIdentity: () => FRESH,
  });

  constructor(...faults: ExportFault[]) {
    for (const fault of faults) this.plan.add(fault);
  }

  wanted(slot: string): ReturnType<ExportSchedule["wanted"]>[number] | undefined {
    return this.schedule.wanted().find(({ nqn }) => nqn.endsWith(`:${slot}`));
  }
}

Deno.test("a late export is not linked until its time, and the others are", () => {
  const scene = new Scene({ kind: "late-export", seconds: 5, slot: "a", times: 1 });
  scene.schedule.update([entry("a"), entry("b")]);
  assert.equal(scene.wanted("a")?.isLinked, false);
  assert.equal(scene.wanted("b")?.isLinked, true);
  assert.equal(scene.schedule.nextDueMs(), scene.nowMs + 5000);
  scene.nowMs += 5000;
  assert.equal(scene.wanted("a")?.isLinked, true);
  assert.equal(scene.schedule.nextDueMs(), undefined);
});

Deno.test("a late namespace is linked at once and enabled at its time", () => {
  const scene = new Scene({ kind: "late-namespace", seconds: 6, slot: "a", times: 1 });
  scene.schedule.update([entry("a")]);
  assert.deepEqual([scene.wanted("a")?.isLinked, scene.wanted("a")?.isEnabled], [true, false]);
  scene.nowMs += 6000;
  assert.equal(scene.wanted("a")?.isEnabled, true);
});

Deno.test("a new identity strikes when the export begins, and the box is told", () => {
  const scene = new Scene();
  scene.schedule.update([entry("a")]);
  scene.plan.add({ kind: "new-identity", slot: "a", times: 1 });
  scene.schedule.update([entry("a", { sizeBytes: 2 ** 21 })]);
  assert.equal(scene.wanted("a")?.namespaceUuid, entry("a").namespaceUuid);
  scene.schedule.update([]);
  const { identities } = scene.schedule.update([entry("a")]);
  assert.deepEqual([...identities], [["a", { ...FRESH, serial: entry("a").serial }]]);
  assert.equal(scene.wanted("a")?.namespaceUuid, FRESH.namespaceUuid);
  scene.schedule.takeEnded();
  scene.schedule.update([entry("a", { namespaceUuid: FRESH.namespaceUuid })]);
  assert.deepEqual([...scene.schedule.takeEnded()], []);
});

Deno.test("a new controller has another serial and the ids that were asked for", () => {
  const scene = new Scene({ kind: "new-controller", leastId: 500, slot: "a", times: 1 });
  scene.schedule.update([entry("a")]);
  assert.equal(scene.wanted("a")?.serial, FRESH.serial);
  assert.equal(scene.wanted("a")?.leastControllerId, 500);
  assert.equal(scene.wanted("a")?.namespaceUuid, entry("a").namespaceUuid);
});

Deno.test("a double has the ids of the other disk for one export and its own in the next", () => {
  const scene = new Scene({ kind: "same-identity", as: "b", slot: "a", times: 1 });
  const { identities } = scene.schedule.update([entry("a"), entry("b")]);
  assert.equal(scene.wanted("a")?.namespaceUuid, entry("b").namespaceUuid);
  assert.equal(identities.size, 0);
  scene.schedule.update([entry("b")]);
  scene.schedule.update([entry("a"), entry("b")]);
  assert.equal(scene.wanted("a")?.namespaceUuid, entry("a").namespaceUuid);
});

Deno.test("several faults strike one export; skip and times count the exports of that slot", () => {
  const scene = new Scene(
    { kind: "new-controller", leastId: 7, slot: "a", times: 1 },
    { kind: "late-export", seconds: 1, slot: "a", times: 2, skip: 1 },
  );
  const lateness = [1, 2, 3, 4].map(() => {
    scene.schedule.update([entry("a"), entry("b")]);
    const isLate = scene.wanted("a")?.isLinked === false;
    scene.schedule.update([]);
    return isLate;
  });
  assert.deepEqual(lateness, [false, true, true, false]);
  assert.deepEqual(scene.plan.struck(), { "new-controller": 1, "late-export": 2 });
});

Deno.test("an export that was off in between has ended, also when it is back", () => {
  const scene = new Scene();
  scene.schedule.update([entry("a")]);
  assert.equal(scene.schedule.takeEnded().size, 0);
  scene.schedule.update([]);
  scene.schedule.update([entry("a")]);
  assert.deepEqual([...scene.schedule.takeEnded()], [entry("a").nqn]);
  assert.equal(scene.schedule.takeEnded().size, 0);
});

Deno.test("size, port and allowed hosts change below an export that goes on", () => {
  const scene = new Scene();
  scene.schedule.update([entry("a")]);
  scene.schedule.update([
    entry("a", { sizeBytes: 1024, port: 4501, allowedHosts: ["nqn.test:h"] }),
  ]);
  assert.equal(scene.schedule.takeEnded().size, 0);
  const { sizeBytes, port, allowedHosts } = scene.wanted("a") ?? {};
  assert.deepEqual({ sizeBytes, port, allowedHosts }, {
    sizeBytes: 1024,
    port: 4501,
    allowedHosts: ["nqn.test:h"],
  });
});

Deno.test("of two disks with one NQN the first is exported, the other refused with both slots", () => {
  const scene = new Scene();
  const nqn = entry("a").nqn;
  const { refused } = scene.schedule.update([entry("a"), entry("b", { nqn })]);
  assert.match(refused.get(nqn) ?? "", /"b".*"a"/);
  assert.equal(scene.schedule.wanted().length, 1);
});

Deno.test("a name that would leave its directory never becomes a path", () => {
  const names = ["..", ".", "a/b", "../../ports/1", "", "with space", "x".repeat(223), "é"];
  for (const name of names) {
    const scene = new Scene();
    const { refused } = scene.schedule.update([entry("a", { nqn: name })]);
    assert.match(refused.get(name) ?? "", /is no NQN that Linux takes/, name);
    const hosts = scene.schedule.update([entry("b", { allowedHosts: [name] })]);
    assert.equal(hosts.refused.size, 1, name);
    assert.deepEqual(scene.schedule.wanted(), []);
  }
});
