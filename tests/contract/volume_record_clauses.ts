/** What VolumeStore promises about finding, growing, recording and removing volumes. */
import assert from "node:assert/strict";
import { GIB, MIB } from "../../src/domain/capacity.ts";
import { volumeIdForName } from "../../src/domain/volume_id.ts";
import { aNewSnapshot, aNewVolume, aNodeId, aPublication } from "../builders/stores.ts";
import { assertFails, contentOf, FOREVER, neighbourOf } from "./store_harness.ts";
import type { Clause } from "./store_harness.ts";

const UNKNOWN = volumeIdForName("never-made");
/** Two nodes with the longest names there can be. */
const LONG_PUBLICATIONS = ["a", "b"].map((letter, index) =>
  aPublication({ node: aNodeId(letter.repeat(64), String(index)), isShared: true })
);

const byId = (left: { id: string }, right: { id: string }): number => left.id < right.id ? -1 : 1;

/** Looking, listing, growing. */
export const VOLUME_CLAUSES: readonly Clause[] = [
  {
    name: "find() gives undefined for a volume that is not there",
    check: async ({ volumes }) => {
      assert.equal(await volumes.find(UNKNOWN, FOREVER), undefined);
    },
  },
  {
    name: "list() gives every volume, and no snapshot",
    check: async ({ volumes, snapshots }) => {
      assert.deepEqual(await volumes.list(FOREVER), []);
      const names = Array.from({ length: 7 }, (_, index) => `v${index}`);
      const made = await Promise.all(
        names.map((name) => volumes.create(aNewVolume(name), FOREVER)),
      );
      await snapshots.create(aNewSnapshot("s", "v0"), FOREVER);
      assert.deepEqual((await volumes.list(FOREVER)).sort(byId), made.sort(byId));
    },
  },
  {
    name: "no method sees, changes or removes what another cluster has",
    needs: ["neighbour"],
    check: async (harness) => {
      const { volumes } = harness;
      const theirs = await neighbourOf(harness).volumes.create(aNewVolume("v"), FOREVER);
      const { id } = theirs;
      assert.deepEqual(await volumes.list(FOREVER), []);
      assert.equal(await volumes.find(id, FOREVER), undefined);
      await assertFails(volumes.expand(id, 2 * GIB, FOREVER), "not-found", "in-use");
      const amended = volumes.amend(theirs, { publications: [aPublication()] }, FOREVER);
      await assertFails(amended, "not-found", "in-use");
      // Whether this is a success or a refusal: what counts is that it stays.
      await volumes.delete(id, FOREVER).catch(() => {});
      assert.deepEqual(await neighbourOf(harness).volumes.find(id, FOREVER), theirs);
    },
  },
  {
    name: "expand() grows a volume to exactly the bytes asked for and changes nothing else",
    check: async ({ volumes }) => {
      const created = await volumes.create(aNewVolume("v"), FOREVER);
      const before = await volumes.amend(created, { publications: [aPublication()] }, FOREVER);
      const capacityBytes = 2 * GIB + 3 * MIB;
      const after = await volumes.expand(before.id, capacityBytes, FOREVER);
      assert.deepEqual(after, { ...before, capacityBytes });
      assert.deepEqual(await volumes.find(before.id, FOREVER), after);
    },
  },
  {
    name: "expand() leaves a volume alone that is as large already, and never shrinks",
    check: async ({ volumes }) => {
      const volume = await volumes.create(aNewVolume("v", { capacityBytes: 3 * GIB }), FOREVER);
      for (const capacityBytes of [3 * GIB, 2 * GIB]) {
        assert.deepEqual(await volumes.expand(volume.id, capacityBytes, FOREVER), volume);
      }
    },
  },
  {
    name: "expand() keeps the content",
    needs: ["content"],
    check: async (harness) => {
      const { id } = await harness.volumes.create(aNewVolume("v"), FOREVER);
      await contentOf(harness).write(id, "kept");
      await harness.volumes.expand(id, 2 * GIB, FOREVER);
      assert.equal(await contentOf(harness).read(id), "kept");
    },
  },
  {
    name: "expand() fails with not-found for a volume that is not there",
    check: async ({ volumes }) => {
      await assertFails(volumes.expand(UNKNOWN, GIB, FOREVER), "not-found");
    },
  },
  {
    name: "expand() fails with out-of-space when the pool is too small, and changes nothing",
    setup: { poolBytes: 8 * GIB },
    check: async ({ volumes }) => {
      const volume = await volumes.create(aNewVolume("v"), FOREVER);
      await assertFails(volumes.expand(volume.id, 100 * GIB, FOREVER), "out-of-space");
      assert.deepEqual(await volumes.find(volume.id, FOREVER), volume);
    },
  },
  {
    name: "capacity() falls by what a volume takes and rises when it is deleted",
    check: async ({ volumes }) => {
      const before = await volumes.capacity(FOREVER);
      assert.ok(before.availableBytes > 0 && before.availableBytes <= before.totalBytes);
      const { id } = await volumes.create(aNewVolume("v", { capacityBytes: 2 * GIB }), FOREVER);
      const during = await volumes.capacity(FOREVER);
      assert.ok(before.availableBytes - during.availableBytes >= 2 * GIB);
      assert.equal(during.totalBytes, before.totalBytes);
      await volumes.delete(id, FOREVER);
      const after = await volumes.capacity(FOREVER);
      assert.ok(after.availableBytes - during.availableBytes >= 2 * GIB);
    },
  },
];

/** Records. */
export const AMEND_CLAUSES: readonly Clause[] = [
  {
    name: "amend() records publications in their order, the longest node ids too",
    check: async ({ volumes }) => {
      const volume = await volumes.create(aNewVolume("v"), FOREVER);
      const after = await volumes.amend(volume, { publications: LONG_PUBLICATIONS }, FOREVER);
      const { revision } = after;
      assert.deepEqual(after, { ...volume, revision, publications: LONG_PUBLICATIONS });
      assert.equal(revision, volume.revision + 1);
      assert.deepEqual(await volumes.find(volume.id, FOREVER), after);
    },
  },
  {
    name: "amend() records how a node has the volume",
    check: async ({ volumes }) => {
      let volume = await volumes.create(aNewVolume("v"), FOREVER);
      for (const isReadOnly of [false, true]) {
        for (const isShared of [false, true]) {
          const publications = [aPublication({ isReadOnly, isShared })];
          volume = await volumes.amend(volume, { publications }, FOREVER);
          assert.deepEqual((await volumes.find(volume.id, FOREVER))?.publications, publications);
        }
      }
    },
  },
  {
    name: "amend() records a reconnect policy, and leaves what it does not name alone",
    check: async ({ volumes }) => {
      const wanted = aNewVolume("v", { reconnect: { reconnectDelay: 7 } });
      const volume = await volumes.create(wanted, FOREVER);
      const reconnect = {
        ...{ ctrlLossTmo: 86_400, reconnectDelay: 60, keepAliveTmo: 120 },
        ...{ fastIoFailTmo: 86_399, nrIoQueues: 64 },
      };
      const published = await volumes.amend(
        volume,
        { publications: LONG_PUBLICATIONS },
        FOREVER,
      );
      assert.deepEqual({ ...published.reconnect }, { reconnectDelay: 7 });
      const after = await volumes.amend(published, { reconnect }, FOREVER);
      assert.deepEqual({ ...after.reconnect }, reconnect);
      assert.deepEqual(after.publications, LONG_PUBLICATIONS);
      assert.deepEqual(await volumes.find(volume.id, FOREVER), after);
      const bare = await volumes.amend(after, { publications: [], reconnect: {} }, FOREVER);
      assert.deepEqual({ ...bare.reconnect }, {});
      assert.deepEqual(bare.publications, []);
    },
  },
  {
    name: "amend() keeps what a volume was made from",
    check: async ({ volumes }) => {
      const { id } = await volumes.create(aNewVolume("origin"), FOREVER);
      const source = { kind: "volume", id } as const;
      const clone = await volumes.create(aNewVolume("v", { source }), FOREVER);
      const { revision } = await volumes.amend(
        clone,
        { publications: LONG_PUBLICATIONS },
        FOREVER,
      );
      const found = await volumes.find(clone.id, FOREVER);
      assert.deepEqual(found, { ...clone, revision, publications: LONG_PUBLICATIONS });
    },
  },
  {
    name: "amend() that comes late changes nothing, also when the record was put back meanwhile",
    check: async ({ volumes }) => {
      const seen = await volumes.create(aNewVolume("v"), FOREVER);
      const published = await volumes.amend(seen, { publications: [aPublication()] }, FOREVER);
      const back = await volumes.amend(published, { publications: [] }, FOREVER);
      const late = volumes.amend(seen, { publications: [aPublication()] }, FOREVER);
      await assertFails(late, "busy");
      assert.deepEqual(await volumes.find(seen.id, FOREVER), back);
    },
  },
  {
    name: "amend() fails with busy when the record has changed, and changes nothing",
    check: async ({ volumes }) => {
      const seen = await volumes.create(aNewVolume("v"), FOREVER);
      const current = await volumes.amend(seen, { publications: [aPublication()] }, FOREVER);
      const late = [{ publications: [] }, { reconnect: { keepAliveTmo: 9 } }];
      for (const amendment of late) {
        await assertFails(volumes.amend(seen, amendment, FOREVER), "busy");
      }
      assert.deepEqual(await volumes.find(seen.id, FOREVER), current);
    },
  },
  {
    name: "amend() called at once by ten lets one win",
    check: async ({ volumes }) => {
      const seen = await volumes.create(aNewVolume("v"), FOREVER);
      const nodes = Array.from({ length: 10 }, (_, index) => aNodeId(`worker-${index}`));
      const outcomes = await Promise.allSettled(
        nodes.map((node) =>
          volumes.amend(seen, { publications: [aPublication({ node })] }, FOREVER)
        ),
      );
      const winners = outcomes.filter(({ status }) => status === "fulfilled");
      assert.equal(winners.length, 1);
      const winner = nodes[outcomes.findIndex(({ status }) => status === "fulfilled")];
      const found = await volumes.find(seen.id, FOREVER);
      assert.deepEqual(found?.publications.map(({ node }) => node), [winner]);
    },
  },
  {
    name: "amend() fails with not-found for a volume that is not there",
    check: async ({ volumes }) => {
      const volume = await volumes.create(aNewVolume("v"), FOREVER);
      await volumes.delete(volume.id, FOREVER);
      const amended = volumes.amend(volume, { publications: [aPublication()] }, FOREVER);
      await assertFails(amended, "not-found");
      assert.equal(await volumes.find(volume.id, FOREVER), undefined);
    },
  },
];

/** Removing, and leaving in the middle. */
export const DELETE_CLAUSES: readonly Clause[] = [
  {
    name: "delete() removes a volume and nothing else, and succeeds when it is gone",
    check: async ({ volumes }) => {
      const { id } = await volumes.create(aNewVolume("v"), FOREVER);
      const other = await volumes.create(aNewVolume("other"), FOREVER);
      for (let time = 0; time < 2; time++) {
        await volumes.delete(id, FOREVER);
        assert.equal(await volumes.find(id, FOREVER), undefined);
        assert.deepEqual(await volumes.list(FOREVER), [other]);
      }
      await volumes.delete(UNKNOWN, FOREVER);
    },
  },
  {
    name: "delete() fails with in-use while the volume is published, and leaves it whole",
    check: async ({ volumes }) => {
      const created = await volumes.create(aNewVolume("v"), FOREVER);
      const volume = await volumes.amend(created, { publications: [aPublication()] }, FOREVER);
      await assertFails(volumes.delete(volume.id, FOREVER), "in-use");
      assert.deepEqual(await volumes.find(volume.id, FOREVER), volume);
      await volumes.amend(volume, { publications: [] }, FOREVER);
      await volumes.delete(volume.id, FOREVER);
      assert.equal(await volumes.find(volume.id, FOREVER), undefined);
    },
  },
  {
    name: "delete() called five times at once succeeds every time",
    check: async ({ volumes }) => {
      const { id } = await volumes.create(aNewVolume("v"), FOREVER);
      await Promise.all(Array.from({ length: 5 }, () => volumes.delete(id, FOREVER)));
      assert.equal(await volumes.find(id, FOREVER), undefined);
    },
  },
  {
    name: "a volume made again under a deleted one's name is new and empty",
    needs: ["content"],
    check: async (harness) => {
      const { id } = await harness.volumes.create(aNewVolume("v"), FOREVER);
      await contentOf(harness).write(id, "old");
      await harness.volumes.delete(id, FOREVER);
      const again = await harness.volumes.create(aNewVolume("v", { createdAtMs: 5000 }), FOREVER);
      assert.equal(again.createdAtMs, 5000);
      assert.equal(await contentOf(harness).read(id), "");
    },
  },
  {
    name: "an aborted call rejects and changes nothing",
    check: async ({ volumes }) => {
      const volume = await volumes.create(aNewVolume("v"), FOREVER);
      const aborted = AbortSignal.abort();
      const calls: (() => Promise<unknown>)[] = [
        () => volumes.create(aNewVolume("other"), aborted),
        () => volumes.find(volume.id, aborted),
        () => volumes.list(aborted),
        () => volumes.expand(volume.id, 2 * GIB, aborted),
        () => volumes.amend(volume, { publications: [aPublication()] }, aborted),
        () => volumes.delete(volume.id, aborted),
        () => volumes.capacity(aborted),
      ];
      for (const call of calls) await assert.rejects(call);
      assert.deepEqual(await volumes.list(FOREVER), [volume]);
    },
  },
];
