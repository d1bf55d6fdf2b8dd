/** A pool that is not mounted hides files and perhaps disks; nothing is concluded from that. */
import assert from "node:assert/strict";
import { GIB } from "../../../src/domain/capacity.ts";
import { slotAliasOf } from "../../../src/domain/slot.ts";
import { aNewSnapshot, aNewVolume } from "../../builders/stores.ts";
import { assertFails } from "../../contract/store_harness.ts";
import { contentsOf, type } from "./console_client.ts";
import { losePool } from "./interposed.ts";
import { soon, startRig } from "./rig.ts";
import type { Rig } from "./rig.ts";

const BASE = "storage-pool/k8s/csi";
const POOL = "storage-pool";
const WANTED = aNewVolume("v");
const SLOT = slotAliasOf(WANTED.id);

const CALLS: Readonly<Record<string, (rig: Rig) => Promise<unknown>>> = {
  "find() of nothing": ({ array }) => array.volumes.find(aNewVolume("none").id, soon()),
  "list()": ({ array }) => array.volumes.list(soon()),
  "create() of another": ({ array }) => array.volumes.create(aNewVolume("other"), soon()),
  "expand()": ({ array }) => array.volumes.expand(WANTED.id, 2 * GIB, soon()),
  "expand() of nothing": ({ array }) => array.volumes.expand(aNewVolume("none").id, GIB, soon()),
  "delete()": ({ array }) => array.volumes.delete(WANTED.id, soon()),
  "delete() of nothing": ({ array }) => array.volumes.delete(aNewVolume("none").id, soon()),
  "capacity()": ({ array }) => array.volumes.capacity(soon()),
  "a snapshot": ({ array }) => array.snapshots.create(aNewSnapshot("s", "v"), soon()),
  "list() of snapshots": ({ array }) => array.snapshots.list(soon()),
};

for (const [name, call] of Object.entries(CALLS)) {
  Deno.test(`${name} is unavailable while the pool is not mounted, and changes nothing`, async () => {
    await using rig = await startRig();
    await rig.array.volumes.create(WANTED, soon());
    const before = await contentsOf(rig.simulator, BASE);
    {
      using _lost = losePool(rig.simulator, POOL);
      await assertFails(call(rig), "unavailable");
    }
    assert.deepEqual(await contentsOf(rig.simulator, BASE), before);
  });
}

Deno.test("a half-made volume stays while the pool is not mounted: its file would be left", async () => {
  await using rig = await startRig();
  await rig.array.volumes.create(WANTED, soon());
  const halfMade = `:local c [/disk/get ${SLOT} comment];` +
    ` /disk/set ${SLOT} comment=([:pick $c 0 ([:len $c] - 1)] . "c")`;
  assert.equal(await type(rig.simulator, halfMade), "");
  const before = await contentsOf(rig.simulator, BASE);
  {
    using _lost = losePool(rig.simulator, POOL);
    await assertFails(rig.array.volumes.create(WANTED, soon()), "unavailable");
  }
  assert.deepEqual(await contentsOf(rig.simulator, BASE), before);
});

Deno.test("delete() never succeeds with its file left, whenever the pool goes away", async () => {
  for (let from = 1; from <= 40; from++) {
    await using rig = await startRig();
    await rig.array.volumes.create(WANTED, soon());
    let isDone = true;
    {
      using _lost = losePool(rig.simulator, POOL, from);
      await rig.array.volumes.delete(WANTED.id, soon()).catch(() => isDone = false);
    }
    const left = await contentsOf(rig.simulator, BASE);
    if (isDone) assert.deepEqual(left, [], `the pool went before command ${from}`);
  }
});
