/** What SnapshotStore promises about taking snapshots. */
import assert from "node:assert/strict";
import { GIB, MIB } from "../../src/domain/capacity.ts";
import { secondOf, sourceOf } from "../../src/domain/snapshot_id.ts";
import { volumeIdForName } from "../../src/domain/volume_id.ts";
import { aNewSnapshot, aNewVolume, aPublication } from "../builders/stores.ts";
import { START_MS } from "../fakes/manual_clock.ts";
import { assertFails, contentOf, FOREVER, neighbourOf } from "./store_harness.ts";
import type { Clause, StoreHarness } from "./store_harness.ts";

async function makePublished({ volumes }: StoreHarness): Promise<void> {
  const volume = await volumes.create(aNewVolume("origin"), FOREVER);
  await volumes.amend(volume, { publications: [aPublication()] }, FOREVER);
}

/** Taking snapshots, and finding the one that was taken. */
export const SNAPSHOT_CREATION_CLAUSES: readonly Clause[] = [
  {
    name: "create() returns what find() finds: source, name, size, time",
    check: async ({ volumes, snapshots }) => {
      const capacityBytes = GIB + 5 * MIB;
      await volumes.create(aNewVolume("origin", { capacityBytes }), FOREVER);
      const wanted = aNewSnapshot("s", "origin", { takenAtMs: START_MS + 123 });
      const snapshot = await snapshots.create(wanted, FOREVER);
      assert.deepEqual(await snapshots.find(snapshot.id, FOREVER), snapshot);
      assert.equal(sourceOf(snapshot.id), wanted.source);
      assert.equal(secondOf(snapshot.id), START_MS / 1000);
      assert.equal(snapshot.nameDigest, wanted.nameDigest);
      assert.equal(snapshot.sizeBytes, capacityBytes);
      assert.equal(snapshot.takenAtMs, START_MS + 123);
    },
  },
  {
    name: "create() returns the snapshot of that name, also later and for another source",
    check: async ({ volumes, snapshots }) => {
      for (const name of ["origin", "other"]) await volumes.create(aNewVolume(name), FOREVER);
      const first = await snapshots.create(aNewSnapshot("s", "origin"), FOREVER);
      const retries = [
        aNewSnapshot("s", "origin", { takenAtMs: START_MS + 5000 }),
        aNewSnapshot("s", "other"),
        aNewSnapshot("s", "never-made"),
      ];
      for (const wanted of retries) {
        assert.deepEqual(await snapshots.create(wanted, FOREVER), first);
      }
      assert.deepEqual(await snapshots.list(FOREVER), [first]);
    },
  },
  {
    name: "create() returns the snapshot of that name also when its source is gone",
    check: async ({ volumes, snapshots }) => {
      const { id } = await volumes.create(aNewVolume("origin"), FOREVER);
      const first = await snapshots.create(aNewSnapshot("s", "origin"), FOREVER);
      await volumes.delete(id, FOREVER);
      assert.deepEqual(await snapshots.create(aNewSnapshot("s", "origin"), FOREVER), first);
    },
  },
  {
    name: "create() gives an identity second later than the one it is told, which stands nowhere",
    check: async ({ volumes, snapshots }) => {
      await volumes.create(aNewVolume("origin"), FOREVER);
      const afterSecond = START_MS / 1000 + 3;
      const snapshot = await snapshots.create(
        aNewSnapshot("s", "origin", { afterSecond }),
        FOREVER,
      );
      assert.equal(secondOf(snapshot.id), afterSecond + 1);
      assert.equal(snapshot.takenAtMs, START_MS);
    },
  },
  {
    name: "create() called ten times at once for one name takes one snapshot",
    check: async ({ volumes, snapshots }) => {
      await volumes.create(aNewVolume("origin"), FOREVER);
      const calls = Array.from(
        { length: 10 },
        () => snapshots.create(aNewSnapshot("s", "origin"), FOREVER),
      );
      const [first, ...others] = await Promise.all(calls);
      for (const other of others) assert.deepEqual(other, first);
      assert.deepEqual(await snapshots.list(FOREVER), [first]);
    },
  },
  {
    name: "create() gives every snapshot of a source a later second, in one millisecond too",
    check: async ({ volumes, snapshots }) => {
      await volumes.create(aNewVolume("origin"), FOREVER);
      const seconds: number[] = [];
      // The clock stands still, then steps back by five seconds.
      for (const [index, shiftMs] of [0, 0, 0, -5000, -5000].entries()) {
        const wanted = aNewSnapshot(`s${index}`, "origin", { takenAtMs: START_MS + shiftMs });
        const snapshot = await snapshots.create(wanted, FOREVER);
        assert.equal(snapshot.takenAtMs, START_MS + shiftMs);
        seconds.push(secondOf(snapshot.id));
      }
      assert.deepEqual(seconds, [0, 1, 2, 3, 4].map((more) => START_MS / 1000 + more));
    },
  },
  {
    name: "create() goes on counting seconds after its source was deleted and made again",
    check: async ({ volumes, snapshots }) => {
      const { id } = await volumes.create(aNewVolume("origin"), FOREVER);
      const first = await snapshots.create(aNewSnapshot("s1", "origin"), FOREVER);
      await volumes.delete(id, FOREVER);
      await volumes.create(aNewVolume("origin"), FOREVER);
      const second = await snapshots.create(aNewSnapshot("s2", "origin"), FOREVER);
      assert.equal(secondOf(second.id), secondOf(first.id) + 1);
    },
  },
  {
    name: "create() cuts the content of that moment, which never changes after",
    needs: ["content"],
    check: async (harness) => {
      const content = contentOf(harness);
      const { id } = await harness.volumes.create(aNewVolume("origin"), FOREVER);
      await content.write(id, "first");
      const first = await harness.snapshots.create(aNewSnapshot("s1", "origin"), FOREVER);
      await content.write(id, "second");
      const second = await harness.snapshots.create(aNewSnapshot("s2", "origin"), FOREVER);
      await content.write(id, "third");
      assert.equal(await content.read(first.id), "first");
      assert.equal(await content.read(second.id), "second");
      assert.equal(await content.read(id), "third");
    },
  },
  {
    name: "create() leaves its source as it is",
    check: async ({ volumes, snapshots }) => {
      const volume = await volumes.create(aNewVolume("origin"), FOREVER);
      await snapshots.create(aNewSnapshot("s", "origin"), FOREVER);
      assert.deepEqual(await volumes.list(FOREVER), [volume]);
    },
  },
];

/** Snapshots that cannot be taken. */
export const SNAPSHOT_REFUSAL_CLAUSES: readonly Clause[] = [
  {
    name: "create() fails with not-found for a source that is not there",
    check: async ({ snapshots }) => {
      await assertFails(snapshots.create(aNewSnapshot("s", "never-made"), FOREVER), "not-found");
      assert.deepEqual(await snapshots.list(FOREVER), []);
    },
  },
  {
    name: "create() fails with not-found for a source of another cluster",
    needs: ["neighbour"],
    check: async (harness) => {
      await neighbourOf(harness).volumes.create(aNewVolume("theirs"), FOREVER);
      const wanted = aNewSnapshot("s", "theirs");
      await assertFails(harness.snapshots.create(wanted, FOREVER), "not-found");
      assert.deepEqual(await harness.snapshots.list(FOREVER), []);
    },
  },
  {
    name: "create() fails with unavailable when the clock went back far, and takes nothing",
    check: async ({ volumes, snapshots }) => {
      await volumes.create(aNewVolume("origin"), FOREVER);
      const first = await snapshots.create(aNewSnapshot("s1", "origin"), FOREVER);
      const wanted = aNewSnapshot("s2", "origin", { takenAtMs: START_MS - 120_000 });
      await assertFails(snapshots.create(wanted, FOREVER), "unavailable");
      assert.deepEqual(await snapshots.list(FOREVER), [first]);
    },
  },
  {
    name: "create() fails with out-of-space when the pool is full, and takes nothing",
    setup: { poolBytes: 8 * GIB, copies: "independent-full" },
    check: async ({ volumes, snapshots }) => {
      await volumes.create(aNewVolume("origin", { capacityBytes: 5 * GIB }), FOREVER);
      const before = await volumes.capacity(FOREVER);
      await assertFails(snapshots.create(aNewSnapshot("s", "origin"), FOREVER), "out-of-space");
      assert.deepEqual(await snapshots.list(FOREVER), []);
      assert.deepEqual(await volumes.capacity(FOREVER), before);
    },
  },
  {
    name: "create() fails with not-ready where copies are not proved real",
    setup: { copies: "refused" },
    check: async ({ volumes, snapshots }) => {
      await volumes.create(aNewVolume("origin"), FOREVER);
      await assertFails(snapshots.create(aNewSnapshot("s", "origin"), FOREVER), "not-ready");
      assert.deepEqual(await snapshots.list(FOREVER), []);
      assert.equal((await volumes.list(FOREVER)).length, 1);
    },
  },
  {
    name: "create() fails with in-use for a published source where a copy takes a while",
    setup: { copies: "independent-full" },
    check: async (harness) => {
      await makePublished(harness);
      const wanted = aNewSnapshot("s", "origin");
      await assertFails(harness.snapshots.create(wanted, FOREVER), "in-use");
      assert.deepEqual(await harness.snapshots.list(FOREVER), []);
    },
  },
  {
    name: "create() works for a published source where a copy is cut at one instant",
    setup: { copies: "independent-cow" },
    check: async (harness) => {
      await makePublished(harness);
      const snapshot = await harness.snapshots.create(aNewSnapshot("s", "origin"), FOREVER);
      assert.equal(sourceOf(snapshot.id), volumeIdForName("origin"));
    },
  },
  {
    name: "create() works for a source at rest where a copy takes a while",
    setup: { copies: "independent-full" },
    check: async ({ volumes, snapshots }) => {
      await volumes.create(aNewVolume("origin"), FOREVER);
      const snapshot = await snapshots.create(aNewSnapshot("s", "origin"), FOREVER);
      assert.deepEqual(await snapshots.find(snapshot.id, FOREVER), snapshot);
    },
  },
];
