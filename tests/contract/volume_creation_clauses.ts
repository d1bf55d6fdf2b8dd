/** What VolumeStore promises about making volumes. */
import assert from "node:assert/strict";
import { GIB, MIB } from "../../src/domain/capacity.ts";
import { nqnOf } from "../../src/domain/nvme.ts";
import { snapshotIdOf } from "../../src/domain/snapshot_id.ts";
import type { ContentSource } from "../../src/domain/volume.ts";
import { volumeIdForName } from "../../src/domain/volume_id.ts";
import { aNewSnapshot, aNewVolume, aPublication } from "../builders/stores.ts";
import { assertFails, contentOf, FOREVER, neighbourOf } from "./store_harness.ts";
import type { Clause, StoreHarness } from "./store_harness.ts";

const GONE: readonly ContentSource[] = [
  { kind: "volume", id: volumeIdForName("never-made") },
  { kind: "snapshot", id: snapshotIdOf(volumeIdForName("never-made"), 1_767_225_600) },
];

/** Makes volume "origin" of `capacityBytes` with a snapshot, and gives both as content sources. */
async function makeSources(
  { volumes, snapshots }: StoreHarness,
  capacityBytes = GIB,
): Promise<ContentSource[]> {
  const { id } = await volumes.create(aNewVolume("origin", { capacityBytes }), FOREVER);
  const snapshot = await snapshots.create(aNewSnapshot("s", "origin"), FOREVER);
  return [{ kind: "volume", id }, { kind: "snapshot", id: snapshot.id }];
}

async function assertNothingMade({ volumes }: StoreHarness, name: string): Promise<void> {
  const id = volumeIdForName(name);
  assert.equal(await volumes.find(id, FOREVER), undefined);
  assert.ok((await volumes.list(FOREVER)).every((volume) => volume.id !== id));
}

/** Empty volumes. */
export const EMPTY_VOLUME_CLAUSES: readonly Clause[] = [
  {
    name: "create() makes a volume of exactly the bytes asked for",
    check: async ({ volumes }) => {
      const capacityBytes = 3 * GIB + 7 * MIB;
      const volume = await volumes.create(aNewVolume("v", { capacityBytes }), FOREVER);
      assert.equal(volume.capacityBytes, capacityBytes);
    },
  },
  {
    name: "create() returns what find() finds: identity, name, time, export, no publication",
    check: async ({ volumes }) => {
      const wanted = aNewVolume("v", { reconnect: { ctrlLossTmo: 600, nrIoQueues: 2 } });
      const volume = await volumes.create(wanted, FOREVER);
      assert.deepEqual(await volumes.find(wanted.id, FOREVER), volume);
      assert.equal(volume.id, wanted.id);
      assert.equal(volume.nameDigest, wanted.nameDigest);
      assert.equal(volume.createdAtMs, wanted.createdAtMs);
      assert.equal(volume.nqn, nqnOf(wanted.id));
      assert.equal(volume.source, undefined);
      assert.deepEqual({ ...volume.reconnect }, wanted.reconnect);
      assert.deepEqual(volume.publications, []);
      assert.equal(volume.problem, undefined);
    },
  },
  {
    name: "create() returns the existing volume as it is when called again",
    check: async ({ volumes }) => {
      const first = await volumes.create(aNewVolume("v"), FOREVER);
      const differing = { capacityBytes: 2 * GIB, createdAtMs: 1, port: 4420 };
      const second = await volumes.create(aNewVolume("v", differing), FOREVER);
      assert.deepEqual(second, first);
      assert.equal((await volumes.list(FOREVER)).length, 1);
    },
  },
  {
    name: "create() called 20 times at once for one id makes one volume",
    check: async ({ volumes }) => {
      const calls = Array.from({ length: 20 }, () => volumes.create(aNewVolume("v"), FOREVER));
      const [first, ...others] = await Promise.all(calls);
      for (const other of others) assert.deepEqual(other, first);
      assert.equal((await volumes.list(FOREVER)).length, 1);
    },
  },
  {
    name: "create() gives each volume a port of its own from the range",
    setup: { ports: { first: 44_200, last: 44_211 } },
    check: async ({ volumes }) => {
      const names = Array.from({ length: 12 }, (_, index) => `v${index}`);
      const made = await Promise.all(
        names.map((name) => volumes.create(aNewVolume(name), FOREVER)),
      );
      const ports = made.map(({ port }) => port).sort();
      assert.deepEqual(ports, Array.from({ length: 12 }, (_, index) => 44_200 + index));
    },
  },
  {
    name: "create() fails with out-of-space when every port of the range is taken",
    setup: { ports: { first: 44_200, last: 44_201 } },
    check: async (harness) => {
      for (const name of ["v1", "v2"]) await harness.volumes.create(aNewVolume(name), FOREVER);
      await assertFails(harness.volumes.create(aNewVolume("v3"), FOREVER), "out-of-space");
      await assertNothingMade(harness, "v3");
      await harness.volumes.delete(volumeIdForName("v1"), FOREVER);
      await harness.volumes.create(aNewVolume("v3"), FOREVER);
    },
  },
  {
    name: "create() exports on the port that is asked for, which volumes may share",
    check: async ({ volumes }) => {
      for (const name of ["v1", "v2"]) {
        const volume = await volumes.create(aNewVolume(name, { port: 4420 }), FOREVER);
        assert.equal(volume.port, 4420);
      }
    },
  },
  {
    name: "create() fails with out-of-space when the pool is too small, and leaves nothing",
    setup: { poolBytes: 8 * GIB },
    check: async (harness) => {
      const before = await harness.volumes.capacity(FOREVER);
      const wanted = aNewVolume("v", { capacityBytes: 100 * GIB });
      await assertFails(harness.volumes.create(wanted, FOREVER), "out-of-space");
      await assertNothingMade(harness, "v");
      assert.deepEqual(await harness.volumes.capacity(FOREVER), before);
      const volume = await harness.volumes.create(aNewVolume("v"), FOREVER);
      assert.equal(volume.capacityBytes, GIB);
    },
  },
  {
    name: "create() refuses a basePath outside the base, also one that only begins like it",
    check: async (harness) => {
      for (const basePath of ["/somewhere-else", `${harness.basePath}-evil`]) {
        const wanted = aNewVolume("v", { basePath });
        await assertFails(harness.volumes.create(wanted, FOREVER), "invalid");
        await assertNothingMade(harness, "v");
      }
    },
  },
  {
    name: "create() accepts the base itself as basePath",
    check: async ({ volumes, basePath }) => {
      const volume = await volumes.create(aNewVolume("v", { basePath }), FOREVER);
      assert.deepEqual(await volumes.find(volume.id, FOREVER), volume);
    },
  },
  {
    name: "create() fails with in-use where another cluster has the id, and says so",
    needs: ["neighbour"],
    check: async (harness) => {
      const { volumes } = neighbourOf(harness);
      const theirs = await volumes.create(aNewVolume("v"), FOREVER);
      const message = await assertFails(
        harness.volumes.create(aNewVolume("v"), FOREVER),
        "in-use",
      );
      assert.ok(message.includes(theirs.id), message);
      assert.deepEqual(await volumes.find(theirs.id, FOREVER), theirs);
    },
  },
];

/** Clones and restores. */
export const SOURCED_VOLUME_CLAUSES: readonly Clause[] = [
  {
    name: "create() from a source records it, copies its bytes and shares nothing with it",
    needs: ["content"],
    check: async (harness) => {
      const content = contentOf(harness);
      const { id } = await harness.volumes.create(aNewVolume("origin"), FOREVER);
      await content.write(id, "first");
      const snapshot = await harness.snapshots.create(aNewSnapshot("s", "origin"), FOREVER);
      const sources: ContentSource[] = [{ kind: "volume", id }, {
        kind: "snapshot",
        id: snapshot.id,
      }];
      for (const source of sources) {
        const volume = await harness.volumes.create(
          aNewVolume(`of-${source.kind}`, { source }),
          FOREVER,
        );
        assert.deepEqual(volume.source, source);
        assert.deepEqual(await harness.volumes.find(volume.id, FOREVER), volume);
        assert.equal(await content.read(volume.id), "first");
        await content.write(volume.id, `copy of ${source.kind}`);
        assert.equal(await content.read(source.id), "first");
      }
      await content.write(id, "second");
      assert.equal(await content.read(volumeIdForName("of-volume")), "copy of volume");
      assert.equal(await content.read(volumeIdForName("of-snapshot")), "copy of snapshot");
      assert.equal(await content.read(snapshot.id), "first");
    },
  },
  {
    name: "create() from a source may be larger than it, and is exactly as large as asked",
    check: async (harness) => {
      for (const source of await makeSources(harness)) {
        const wanted = aNewVolume(`of-${source.kind}`, { source, capacityBytes: 2 * GIB + MIB });
        const volume = await harness.volumes.create(wanted, FOREVER);
        assert.equal(volume.capacityBytes, 2 * GIB + MIB);
      }
    },
  },
  {
    name: "create() from a source is never smaller than it",
    check: async (harness) => {
      for (const source of await makeSources(harness, 3 * GIB)) {
        const wanted = aNewVolume(`of-${source.kind}`, { source, limitBytes: 3 * GIB });
        assert.equal((await harness.volumes.create(wanted, FOREVER)).capacityBytes, 3 * GIB);
      }
    },
  },
  {
    name: "create() from a source above the limit fails with out-of-range and leaves nothing",
    check: async (harness) => {
      for (const source of await makeSources(harness, 3 * GIB)) {
        const wanted = aNewVolume("v", { source, limitBytes: 3 * GIB - MIB });
        await assertFails(harness.volumes.create(wanted, FOREVER), "out-of-range");
        await assertNothingMade(harness, "v");
      }
    },
  },
  {
    name: "create() from a source that is not there fails with not-found and leaves nothing",
    check: async (harness) => {
      for (const source of GONE) {
        await assertFails(
          harness.volumes.create(aNewVolume("v", { source }), FOREVER),
          "not-found",
        );
        await assertNothingMade(harness, "v");
      }
    },
  },
  {
    name: "create() from another cluster's volume fails with not-found",
    needs: ["neighbour"],
    check: async (harness) => {
      const { id } = await neighbourOf(harness).volumes.create(aNewVolume("theirs"), FOREVER);
      const wanted = aNewVolume("v", { source: { kind: "volume", id } });
      await assertFails(harness.volumes.create(wanted, FOREVER), "not-found");
      await assertNothingMade(harness, "v");
    },
  },
  {
    name: "create() returns the existing volume also when its source is gone",
    check: async (harness) => {
      const [origin, snapshot] = await makeSources(harness);
      assert.ok(origin?.kind === "volume" && snapshot?.kind === "snapshot");
      const wanted = [origin, snapshot].map((source) =>
        aNewVolume(`of-${source.kind}`, { source })
      );
      const made = await Promise.all(wanted.map((each) => harness.volumes.create(each, FOREVER)));
      await harness.snapshots.delete(snapshot.id, FOREVER);
      await harness.volumes.delete(origin.id, FOREVER);
      for (const [index, each] of wanted.entries()) {
        assert.deepEqual(await harness.volumes.create(each, FOREVER), made[index]);
      }
    },
  },
  {
    name: "create() from a source fails with not-ready where copies are not proved real",
    setup: { copies: "refused" },
    check: async (harness) => {
      const { id } = await harness.volumes.create(aNewVolume("origin"), FOREVER);
      const wanted = aNewVolume("v", { source: { kind: "volume", id } });
      await assertFails(harness.volumes.create(wanted, FOREVER), "not-ready");
      await assertNothingMade(harness, "v");
    },
  },
  {
    name: "create() from a published volume fails with in-use where a copy takes a while",
    setup: { copies: "independent-full" },
    check: async (harness) => {
      const origin = await harness.volumes.create(aNewVolume("origin"), FOREVER);
      await harness.volumes.amend(origin, { publications: [aPublication()] }, FOREVER);
      const wanted = aNewVolume("v", { source: { kind: "volume", id: origin.id } });
      await assertFails(harness.volumes.create(wanted, FOREVER), "in-use");
      await assertNothingMade(harness, "v");
    },
  },
  {
    name: "create() from a published volume works where a copy is cut at one instant",
    setup: { copies: "independent-cow" },
    check: async (harness) => {
      const origin = await harness.volumes.create(aNewVolume("origin"), FOREVER);
      await harness.volumes.amend(origin, { publications: [aPublication()] }, FOREVER);
      const source: ContentSource = { kind: "volume", id: origin.id };
      const clone = await harness.volumes.create(aNewVolume("v", { source }), FOREVER);
      assert.deepEqual(clone.publications, []);
      assert.notEqual(clone.nqn, origin.nqn);
    },
  },
];
