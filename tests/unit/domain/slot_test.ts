/** Slots: the id where it fits, else an alias that never changes. */
import assert from "node:assert/strict";
import { SLOT_ALIAS_LENGTH, slotAliasOf, slotOf } from "../../../src/domain/slot.ts";
import { snapshotIdOf } from "../../../src/domain/snapshot_id.ts";
import { parseVolumeId, volumeIdForName } from "../../../src/domain/volume_id.ts";

const VOLUME = parseVolumeId("pvc-11111111-2222-3333-4444-555555555555") ?? volumeIdForName("v");
const SNAPSHOT = snapshotIdOf(VOLUME, 1_763_690_000);

Deno.test("slotOf() is the id where it fits and the alias where it does not", () => {
  assert.equal(slotOf(VOLUME, 40), VOLUME);
  assert.equal(slotOf(VOLUME, 39), slotAliasOf(VOLUME));
  assert.equal(slotOf(SNAPSHOT, 55), SNAPSHOT);
  assert.equal(slotOf(SNAPSHOT, 54), slotAliasOf(SNAPSHOT));
});

Deno.test("slotAliasOf() has 28 characters of a-z, 2-7 and differs for different ids", () => {
  for (const id of [VOLUME, SNAPSHOT]) {
    assert.match(slotAliasOf(id), /^s-[a-z2-7]{26}$/);
    assert.equal(slotAliasOf(id).length, SLOT_ALIAS_LENGTH);
  }
  const ids = Array.from({ length: 1000 }, (_, index) => volumeIdForName(`v${index}`));
  assert.equal(new Set(ids.map(slotAliasOf)).size, 1000);
});

Deno.test("slotAliasOf() never changes: arrays hold items under these names", () => {
  assert.equal(slotAliasOf(VOLUME), "s-yrd4xvnj72ulwo7ryyd4gstjka");
});
