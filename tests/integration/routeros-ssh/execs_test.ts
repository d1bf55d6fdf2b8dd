/** What each call costs in commands on the box, once the box was looked at. */
import assert from "node:assert/strict";
import { GIB } from "../../../src/domain/capacity.ts";
import { aNewSnapshot, aNewVolume, aPublication } from "../../builders/stores.ts";
import { soon, startRig } from "./rig.ts";
import type { Rig } from "./rig.ts";

/** How many commands `work` sends, by lane. */
async function execsOf(rig: Rig, work: Promise<unknown>): Promise<Record<string, number>> {
  const before = rig.sent.length;
  await work;
  const counts: Record<string, number> = {};
  for (const { lane } of rig.sent.slice(before)) counts[lane] = (counts[lane] ?? 0) + 1;
  return counts;
}

const ONE_CHANGE = { change: 1 };
const ONE_READ = { read: 1 };

Deno.test("every change of a volume is one command", async () => {
  await using rig = await startRig();
  const { volumes } = rig.array;
  const wanted = aNewVolume("v");
  assert.deepEqual(await execsOf(rig, volumes.create(wanted, soon())), ONE_CHANGE);
  assert.deepEqual(await execsOf(rig, volumes.create(wanted, soon())), ONE_CHANGE);
  assert.deepEqual(await execsOf(rig, volumes.expand(wanted.id, 2 * GIB, soon())), ONE_CHANGE);
  const volume = await volumes.find(wanted.id, soon());
  assert.ok(volume);
  const publications = [aPublication()];
  const publishing = volumes.amend(volume, { publications }, soon());
  assert.deepEqual(await execsOf(rig, publishing), ONE_CHANGE);
  const published = await publishing;
  const withdrawn = volumes.amend(published, { publications: [] }, soon());
  assert.deepEqual(await execsOf(rig, withdrawn), ONE_CHANGE);
  assert.deepEqual(await execsOf(rig, volumes.delete(wanted.id, soon())), ONE_CHANGE);
  assert.deepEqual(await execsOf(rig, volumes.delete(wanted.id, soon())), ONE_CHANGE);
});

Deno.test("taking a snapshot is one command, its proof included", async () => {
  await using rig = await startRig();
  const { volumes, snapshots } = rig.array;
  await volumes.create(aNewVolume("origin"), soon());
  const taken = snapshots.create(aNewSnapshot("s", "origin"), soon());
  assert.deepEqual(await execsOf(rig, taken), ONE_CHANGE);
  const { id } = await taken;
  assert.deepEqual(await execsOf(rig, snapshots.delete(id, soon())), ONE_CHANGE);
});

Deno.test("a restore and a clone are one command each, the compare included", async () => {
  await using rig = await startRig();
  const { volumes, snapshots } = rig.array;
  const origin = await volumes.create(aNewVolume("origin"), soon());
  const { id } = await snapshots.create(aNewSnapshot("s", "origin"), soon());
  const restore = aNewVolume("r", { source: { kind: "snapshot", id }, capacityBytes: 2 * GIB });
  assert.deepEqual(await execsOf(rig, volumes.create(restore, soon())), ONE_CHANGE);
  const clone = aNewVolume("c", { source: { kind: "volume", id: origin.id } });
  assert.deepEqual(await execsOf(rig, volumes.create(clone, soon())), ONE_CHANGE);
});

Deno.test("looking, listing and measuring are one command each", async () => {
  await using rig = await startRig();
  const { volumes, snapshots } = rig.array;
  const { id } = await volumes.create(aNewVolume("v"), soon());
  assert.deepEqual(await execsOf(rig, volumes.find(id, soon())), ONE_READ);
  assert.deepEqual(await execsOf(rig, volumes.list(soon())), ONE_READ);
  assert.deepEqual(await execsOf(rig, snapshots.list(soon())), ONE_READ);
  assert.deepEqual(await execsOf(rig, volumes.capacity(soon())), ONE_READ);
});

Deno.test("a second snapshot within the same second costs one command more", async () => {
  await using rig = await startRig();
  await rig.array.volumes.create(aNewVolume("origin"), soon());
  await rig.array.snapshots.create(aNewSnapshot("s1", "origin"), soon());
  const second = rig.array.snapshots.create(aNewSnapshot("s2", "origin"), soon());
  assert.deepEqual(await execsOf(rig, second), { change: 2 });
});
