/** What SnapshotStore promises about finding, keeping and removing snapshots. */
import assert from "node:assert/strict";
import { GIB } from "../../src/domain/capacity.ts";
import { snapshotIdOf } from "../../src/domain/snapshot_id.ts";
import type { CopyProof, Snapshot } from "../../src/domain/snapshot.ts";
import { volumeIdForName } from "../../src/domain/volume_id.ts";
import { aNewSnapshot, aNewVolume } from "../builders/stores.ts";
import { START_MS } from "../fakes/manual_clock.ts";
import { contentOf, FOREVER, neighbourOf } from "./store_harness.ts";
import type { Clause, StoreHarness } from "./store_harness.ts";

const byId = (left: Snapshot, right: Snapshot): number => left.id < right.id ? -1 : 1;

async function take({ volumes, snapshots }: StoreHarness, name = "s"): Promise<Snapshot> {
  await volumes.create(aNewVolume("origin"), FOREVER);
  return await snapshots.create(aNewSnapshot(name, "origin"), FOREVER);
}

/** Says what the array was set up to be. */
function proofClause(result: CopyProof["result"]): Clause {
  return {
    name: `copyProof() finds out that copies are ${result}`,
    setup: { copies: result },
    check: async ({ volumes, snapshots }) => {
      for (let time = 0; time < 2; time++) {
        const proof = await snapshots.copyProof(FOREVER);
        assert.equal(proof.result, result);
        if (proof.result === "refused") assert.notEqual(proof.reason, "");
      }
      assert.deepEqual(await volumes.list(FOREVER), []);
      assert.deepEqual(await snapshots.list(FOREVER), []);
    },
  };
}

/** A snapshot's life after it was taken. */
export const SNAPSHOT_LIFE_CLAUSES: readonly Clause[] = [
  proofClause("independent-cow"),
  proofClause("independent-full"),
  proofClause("refused"),
  {
    name: "find() gives undefined for a snapshot that is not there",
    check: async ({ snapshots }) => {
      const id = snapshotIdOf(volumeIdForName("never-made"), START_MS / 1000);
      assert.equal(await snapshots.find(id, FOREVER), undefined);
    },
  },
  {
    name: "list() gives every snapshot, and no volume",
    check: async ({ volumes, snapshots }) => {
      assert.deepEqual(await snapshots.list(FOREVER), []);
      const taken: Snapshot[] = [];
      for (const origin of ["a", "b"]) {
        await volumes.create(aNewVolume(origin), FOREVER);
        for (const turn of [1, 2, 3]) {
          const wanted = aNewSnapshot(`${origin}${turn}`, origin);
          taken.push(await snapshots.create(wanted, FOREVER));
        }
      }
      assert.deepEqual((await snapshots.list(FOREVER)).sort(byId), taken.sort(byId));
    },
  },
  {
    name: "a snapshot survives the deletion of its source, whole, and can be restored",
    needs: ["content"],
    check: async (harness) => {
      const content = contentOf(harness);
      const { id } = await harness.volumes.create(aNewVolume("origin"), FOREVER);
      await content.write(id, "precious");
      const snapshot = await harness.snapshots.create(aNewSnapshot("s", "origin"), FOREVER);
      await harness.volumes.delete(id, FOREVER);
      assert.deepEqual(await harness.snapshots.find(snapshot.id, FOREVER), snapshot);
      const source = { kind: "snapshot", id: snapshot.id } as const;
      const restored = aNewVolume("restored", { source, capacityBytes: 2 * GIB });
      const volume = await harness.volumes.create(restored, FOREVER);
      assert.equal(await content.read(volume.id), "precious");
    },
  },
  {
    name: "a restored volume survives the deletion of its snapshot, whole",
    needs: ["content"],
    check: async (harness) => {
      const content = contentOf(harness);
      const { id } = await harness.volumes.create(aNewVolume("origin"), FOREVER);
      await content.write(id, "precious");
      const snapshot = await harness.snapshots.create(aNewSnapshot("s", "origin"), FOREVER);
      const source = { kind: "snapshot", id: snapshot.id } as const;
      const volume = await harness.volumes.create(aNewVolume("restored", { source }), FOREVER);
      await harness.snapshots.delete(snapshot.id, FOREVER);
      assert.deepEqual(await harness.volumes.find(volume.id, FOREVER), volume);
      assert.equal(await content.read(volume.id), "precious");
    },
  },
  {
    name: "delete() removes a snapshot and nothing else, and succeeds when it is gone",
    check: async (harness) => {
      const { volumes, snapshots } = harness;
      const { id } = await take(harness);
      const other = await snapshots.create(aNewSnapshot("other", "origin"), FOREVER);
      const before = await volumes.capacity(FOREVER);
      for (let time = 0; time < 2; time++) {
        await snapshots.delete(id, FOREVER);
        assert.equal(await snapshots.find(id, FOREVER), undefined);
        assert.deepEqual(await snapshots.list(FOREVER), [other]);
      }
      assert.equal((await volumes.list(FOREVER)).length, 1);
      assert.ok((await volumes.capacity(FOREVER)).availableBytes >= before.availableBytes);
    },
  },
  {
    name: "a name can be used again once its snapshot is deleted, for a new snapshot",
    check: async (harness) => {
      const first = await take(harness);
      await harness.snapshots.delete(first.id, FOREVER);
      const wanted = aNewSnapshot("s", "origin", { takenAtMs: START_MS + 1000 });
      const second = await harness.snapshots.create(wanted, FOREVER);
      assert.notEqual(second.id, first.id);
      await harness.snapshots.delete(first.id, FOREVER);
      assert.deepEqual(await harness.snapshots.list(FOREVER), [second]);
    },
  },
  {
    name: "no method sees, changes or removes what another cluster has",
    needs: ["neighbour"],
    check: async (harness) => {
      const theirs = await take({ ...harness, ...neighbourOf(harness) });
      assert.deepEqual(await harness.snapshots.list(FOREVER), []);
      assert.equal(await harness.snapshots.find(theirs.id, FOREVER), undefined);
      // Whether this is a success or a refusal: what counts is that it stays.
      await harness.snapshots.delete(theirs.id, FOREVER).catch(() => {});
      assert.deepEqual(await neighbourOf(harness).snapshots.find(theirs.id, FOREVER), theirs);
    },
  },
  {
    name: "an aborted call rejects and changes nothing",
    check: async (harness) => {
      const snapshot = await take(harness);
      const aborted = AbortSignal.abort();
      const calls: (() => Promise<unknown>)[] = [
        () => harness.snapshots.create(aNewSnapshot("other", "origin"), aborted),
        () => harness.snapshots.find(snapshot.id, aborted),
        () => harness.snapshots.list(aborted),
        () => harness.snapshots.delete(snapshot.id, aborted),
      ];
      for (const call of calls) await assert.rejects(call);
      assert.deepEqual(await harness.snapshots.list(FOREVER), [snapshot]);
    },
  },
];
