/** What nobody asks for again: half-made and half-removed items go when a driver starts. */
import assert from "node:assert/strict";
import { slotAliasOf } from "../../../src/domain/slot.ts";
import { aNewSnapshot, aNewVolume } from "../../builders/stores.ts";
import { assertEmpty, type } from "./console_client.ts";
import { soon, startRig } from "./rig.ts";
import type { Rig } from "./rig.ts";

const HOUR_MS = 3_600_000;

/** Puts the last letter of an item's record, its state, to `letter`, as a dying call leaves it. */
async function setState(rig: Rig, slot: string, letter: string): Promise<void> {
  const item = `[/disk/find where slot="${slot}"]`;
  const note = `[/disk/get ${item} comment]`;
  await type(
    rig.simulator,
    `:local note ${note}; /disk/set ${item} comment=([:pick $note 0 ([:len $note] - 1)] . "${letter}")`,
  );
}

/** The slot that the box shows for an id: the id itself, or its alias. */
async function slotOnBox(rig: Rig, id: string): Promise<string> {
  const alias = slotAliasOf(id as Parameters<typeof slotAliasOf>[0]);
  const shown = await type(rig.simulator, `:put [:len [/disk/find where slot="${alias}"]]`);
  return shown.trim() === "1" ? alias : id;
}

Deno.test("a driver that starts removes what is half-made or half-removed, and reports it", async () => {
  await using rig = await startRig();
  const { volumes, snapshots } = rig.array;
  const old = { createdAtMs: Date.now() - HOUR_MS };
  const made = await volumes.create(aNewVolume("half-made", old), soon());
  const removed = await volumes.create(aNewVolume("half-removed", old), soon());
  const cut = await snapshots.create(
    { ...aNewSnapshot("half-cut", "half-made"), takenAtMs: Date.now() - HOUR_MS },
    soon(),
  );
  const slots = await Promise.all([made.id, removed.id, cut.id].map((id) => slotOnBox(rig, id)));
  for (const [index, letter] of ["c", "d", "c"].entries()) {
    await setState(rig, slots[index] ?? "", letter);
  }
  await using next = rig.open({});
  await next.prepare(soon());
  await assertEmpty(rig.simulator, "storage-pool/k8s/csi");
  const reported = rig.events.flatMap((event) =>
    event.kind === "left-over-removed" ? [event.item] : []
  );
  assert.deepEqual(reported.toSorted(), slots.toSorted());
  assert.deepEqual(rig.simulator.violations(), []);
});

Deno.test("a driver that starts leaves alone what is ready, and what may still be in the making", async () => {
  await using rig = await startRig();
  const { volumes } = rig.array;
  const ready = await volumes.create(
    aNewVolume("ready", { createdAtMs: Date.now() - HOUR_MS }),
    soon(),
  );
  const young = await volumes.create(aNewVolume("young", { createdAtMs: Date.now() }), soon());
  const slot = await slotOnBox(rig, young.id);
  await setState(rig, slot, "c");
  await using next = rig.open({});
  await next.prepare(soon());
  assert.deepEqual(await next.volumes.find(ready.id, soon()), ready);
  const shown = await type(rig.simulator, `:put [:len [/disk/find where slot="${slot}"]]`);
  assert.equal(shown.trim(), "1");
});
