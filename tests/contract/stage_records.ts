/** What StageRecords promises. */
import assert from "node:assert/strict";
import { deviceNumberOf } from "../../src/domain/block_device.ts";
import { nqnOf } from "../../src/domain/nvme.ts";
import { DEFAULT_RECONNECT_POLICY } from "../../src/domain/reconnect_policy.ts";
import { volumeIdForName } from "../../src/domain/volume_id.ts";
import type { VolumeId } from "../../src/domain/volume_id.ts";
import type { StageRecord, StageRecords } from "../../src/ports/stage_records.ts";
import { assertFails } from "./node_harness.ts";

/** Records with nothing in them, and a way to spoil one. */
export interface RecordsHarness extends AsyncDisposable {
  readonly records: StageRecords;
  /** Makes the record of a volume one that cannot be read. */
  damage(volumeId: VolumeId): Promise<void>;
}

/** A record of a volume that is being staged, with the parts that are given instead. */
export function aRecord(name: string, parts: Partial<StageRecord> = {}): StageRecord {
  const volumeId = volumeIdForName(name);
  return {
    volumeId,
    stagingPath: `/var/lib/kubelet/plugins/rds.csi.srvlab.io/${name}/globalmount`,
    phase: "staging",
    bootId: "4f1d0f6e-7c5e-4b53-9d5c-3a4cf1a3f6b0",
    published: {
      nqn: nqnOf(volumeId),
      at: { address: "10.0.0.5", port: 44_200 },
      policy: DEFAULT_RECONNECT_POLICY,
      capacityBytes: 1024 ** 3,
      isCopy: false,
    },
    capability: { mode: "SINGLE_NODE_WRITER", access: { type: "block" } },
    parameters: { mkfsOptions: [], fsckPolicy: "check" },
    ...parts,
  };
}

/** A record that has every part there is. */
export function aFullRecord(name: string): StageRecord {
  const { published } = aRecord(name);
  return aRecord(name, {
    phase: "staged",
    published: {
      ...published,
      policy: { ...published.policy, ctrlLossTmo: 600, fastIoFailTmo: 20, nrIoQueues: 2 },
      isCopy: true,
    },
    capability: {
      mode: "SINGLE_NODE_SINGLE_WRITER",
      access: { type: "mount", fileSystem: "xfs", mountFlags: ["noatime", "discard"] },
    },
    parameters: { mkfsOptions: ["-m 1", "-O ^metadata_csum"], fsckPolicy: "repair-safe" },
    device: {
      number: deviceNumberOf(259, 7),
      identity: "3d3f27a6-6ad5-4f0a-93c4-0d7c5a1b2c3d",
      sizeBytes: 1024 ** 3,
    },
    fileSystemUuid: "d6c3a1f4-1111-4222-8333-944455566677",
    attachmentUid: "0a0b0c0d-1111-4222-8333-944455566677",
    trouble: {
      reason: 'the device holds "something" else\n',
      count: 3,
      retryAtMs: 1_800_000_000_000,
    },
  });
}

interface Clause {
  readonly name: string;
  check(harness: RecordsHarness): Promise<void>;
}

const CLAUSES: readonly Clause[] = [
  {
    name: "read() gives undefined for a volume without a record",
    check: async ({ records }) => {
      assert.equal(await records.read(volumeIdForName("none")), undefined);
      assert.deepEqual(await records.list(), { records: [], unreadable: [] });
    },
  },
  {
    name: "read() gives what write() was given, with every part and with as few as can be",
    check: async ({ records }) => {
      for (const record of [aFullRecord("full"), aRecord("small")]) {
        await records.write(record);
        assert.deepEqual(await records.read(record.volumeId), record);
      }
    },
  },
  {
    name: "a device that the array gives no identity is the same after reading",
    check: async ({ records }) => {
      const device = { number: deviceNumberOf(7, 0), identity: undefined, sizeBytes: 4096 };
      const record = aRecord("unnamed", { device });
      await records.write(record);
      assert.deepEqual(await records.read(record.volumeId), record);
    },
  },
  {
    name: "write() takes objects that carry more than a record has",
    check: async ({ records }) => {
      const { device, parameters, trouble, ...rest } = aFullRecord("one");
      assert.ok(device !== undefined && trouble !== undefined);
      const more = { path: "/dev/nvme0n1", backend: undefined, isMore: true };
      await records.write({
        ...rest,
        device: { ...device, ...more },
        parameters: { ...parameters, ...more },
        trouble: { ...trouble, ...more },
      });
      const found = await records.read(rest.volumeId);
      assert.equal(found?.device?.number, device.number);
      assert.deepEqual(found?.parameters.mkfsOptions, parameters.mkfsOptions);
      assert.equal(found?.trouble?.count, trouble.count);
    },
  },
  {
    name: "write() replaces the record that is there as a whole",
    check: async ({ records }) => {
      await records.write(aFullRecord("one"));
      const record = aRecord("one", { phase: "unstaging" });
      await records.write(record);
      assert.deepEqual(await records.read(record.volumeId), record);
      assert.deepEqual(await records.list(), { records: [record], unreadable: [] });
    },
  },
  {
    name: "list() gives the records of all volumes",
    check: async ({ records }) => {
      const all = ["one", "two", "three"].map((name) => aRecord(name));
      for (const record of all) await records.write(record);
      const found = (await records.list()).records;
      const byId = (left: StageRecord, right: StageRecord): number =>
        left.volumeId < right.volumeId ? -1 : 1;
      assert.deepEqual(found.toSorted(byId), all.toSorted(byId));
    },
  },
  {
    name: "remove() takes one record away, and succeeds when there is none",
    check: async ({ records }) => {
      const [one, two] = [aRecord("one"), aRecord("two")];
      await records.write(one);
      await records.write(two);
      await records.remove(one.volumeId);
      await records.remove(one.volumeId);
      assert.equal(await records.read(one.volumeId), undefined);
      assert.deepEqual(await records.list(), { records: [two], unreadable: [] });
    },
  },
  {
    name: "a record that cannot be read is an error and is listed, never taken for none",
    check: async ({ records, damage }) => {
      const [one, two] = [aRecord("one"), aRecord("two")];
      await records.write(one);
      await records.write(two);
      await damage(one.volumeId);
      await assertFails(records.read(one.volumeId), "not-ready");
      const { records: readable, unreadable } = await records.list();
      assert.deepEqual(readable, [two]);
      assert.equal(unreadable.length, 1);
      assert.ok(unreadable[0]?.includes(one.volumeId));
    },
  },
  {
    name: "a record that cannot be read can be replaced, and removed",
    check: async ({ records, damage }) => {
      const record = aRecord("one");
      await records.write(record);
      await damage(record.volumeId);
      await records.write(record);
      assert.deepEqual(await records.read(record.volumeId), record);
      await damage(record.volumeId);
      await records.remove(record.volumeId);
      assert.deepEqual(await records.list(), { records: [], unreadable: [] });
    },
  },
  {
    name: "writes of different volumes at once do not disturb each other",
    check: async ({ records }) => {
      const all = Array.from({ length: 20 }, (_, index) => aFullRecord(`volume-${index}`));
      await Promise.all(all.map((record) => records.write(record)));
      for (const record of all) assert.deepEqual(await records.read(record.volumeId), record);
    },
  },
  {
    name: "writes of one volume at once leave one of them, whole",
    check: async ({ records }) => {
      const phases: StageRecord["phase"][] = ["staging", "staged", "unstaging", "abandoned"];
      const all = phases.map((phase) => aRecord("one", { phase }));
      await Promise.all(all.map((record) => records.write(record)));
      const found = await records.read(volumeIdForName("one"));
      assert.ok(found !== undefined);
      assert.deepEqual(found, aRecord("one", { phase: found.phase }));
    },
  },
];

/** Runs the clauses as tests. */
export function testStageRecordsContract(
  suite: string,
  open: () => Promise<RecordsHarness>,
): void {
  for (const { name, check } of CLAUSES) {
    Deno.test(`${suite}: ${name}`, async () => {
      await using harness = await open();
      await check(harness);
    });
  }
}
