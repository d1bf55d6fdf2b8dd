/** Records: what is written is what is read, and what is not ours is never read as ours. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatScratchRecord,
  formatSnapshotRecord,
  formatVolumeRecord,
  isClusterId,
  parseSnapshotRecord,
  parseVolumeRecord,
  RECORD_LENGTH_MAX,
  secondOffset,
  snapshotPrefix,
  snapshotRecordHead,
} from "../../../../src/adapters/routeros-ssh/record.ts";
import type {
  RecordState,
  SnapshotRecord,
  VolumeRecord,
} from "../../../../src/adapters/routeros-ssh/record.ts";
import { nodeIdOf } from "../../../../src/domain/node_id.ts";
import { snapshotIdOf } from "../../../../src/domain/snapshot_id.ts";
import { nameDigestOf, volumeIdForName } from "../../../../src/domain/volume_id.ts";
import { aNodeId, aPublication } from "../../../builders/stores.ts";

const CLUSTER = "c1";
const ORIGIN = volumeIdForName("pvc-11111111-2222-3333-4444-555555555555");

const state = fc.constantFrom<RecordState>("creating", "ready", "deleting");
const volumeId = fc.string().map(volumeIdForName);
const digest = fc.string().map(nameDigestOf);
const time = fc.nat({ max: 2 ** 45 });
const second = fc.integer({ min: 1_000_000_000, max: 9_999_999_999 });
const unknown = fc.uniqueArray(
  fc.tuple(fc.stringMatching(/^z[a-z]{1,2}$/), fc.stringMatching(/^[A-Za-z0-9._,=-]{0,8}$/)),
  { selector: ([key]) => key, maxLength: 3 },
);
const source = fc.option(
  fc.oneof(
    volumeId.map((id) => ({ kind: "volume", id }) as const),
    fc.tuple(volumeId, second).map(([id, at]) =>
      ({ kind: "snapshot", id: snapshotIdOf(id, at) }) as const
    ),
  ),
  { nil: undefined },
);
const reconnect = fc.record({
  ctrlLossTmo: fc.constantFrom(-1, 30, 86_400),
  reconnectDelay: fc.integer({ min: 1, max: 60 }),
  keepAliveTmo: fc.integer({ min: 1, max: 120 }),
  fastIoFailTmo: fc.nat({ max: 86_400 }),
  nrIoQueues: fc.integer({ min: 1, max: 64 }),
}, { requiredKeys: [], noNullPrototype: true });
const publication = fc.record({
  node: fc.tuple(fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$/), fc.uuid())
    .map(([name, uuid]) => nodeIdOf(name, uuid)),
  isReadOnly: fc.boolean(),
  isShared: fc.boolean(),
}, { noNullPrototype: true });
const volumeRecord: fc.Arbitrary<VolumeRecord> = fc.record({
  nameDigest: digest,
  source,
  createdAtMs: time,
  revision: fc.nat(),
  reconnect,
  publications: fc.array(publication, { maxLength: 2 }),
  unknown,
  state,
}, { noNullPrototype: true });
const snapshotRecord: fc.Arbitrary<SnapshotRecord> = fc.record({
  nameDigest: digest,
  source: volumeId,
  second,
  takenAtMs: time,
  sizeBytes: fc.nat({ max: 2 ** 50 }),
  unknown,
  state,
}, { noNullPrototype: true });

Deno.test("a volume's record reads back as it was written, unknown pairs included", () => {
  fc.assert(fc.property(volumeRecord, (record) => {
    const text = formatVolumeRecord(CLUSTER, record);
    assert.match(text, /^[!-~]+$/);
    const parsed = parseVolumeRecord(CLUSTER, text);
    assert.ok(parsed);
    assert.deepEqual({ ...parsed, reconnect: { ...parsed.reconnect } }, {
      ...record,
      reconnect: { ...record.reconnect },
    });
    assert.equal(formatVolumeRecord(CLUSTER, parsed), text);
  }));
});

Deno.test("a snapshot's record reads back as it was written", () => {
  fc.assert(fc.property(snapshotRecord, (record) => {
    const text = formatSnapshotRecord(CLUSTER, record);
    assert.deepEqual(parseSnapshotRecord(CLUSTER, text), record);
    assert.ok(text.startsWith(snapshotPrefix(CLUSTER, record.nameDigest)));
    assert.ok(text.startsWith(`${snapshotRecordHead(CLUSTER, record)}${record.sizeBytes};`));
    const offset = secondOffset(CLUSTER);
    assert.equal(text.slice(offset, offset + 10), String(record.second));
  }));
});

Deno.test("a record that was cut, changed or made by another cluster is not read", () => {
  fc.assert(fc.property(volumeRecord, fc.nat(), (record, at) => {
    const text = formatVolumeRecord(CLUSTER, record);
    assert.equal(parseVolumeRecord(CLUSTER, text.slice(0, at % text.length)), undefined);
    assert.equal(parseVolumeRecord("c2", text), undefined);
    assert.equal(parseVolumeRecord("c", text), undefined);
    assert.equal(parseSnapshotRecord(CLUSTER, text), undefined);
    assert.equal(parseVolumeRecord(CLUSTER, text.replace("r1;", "r2;")), undefined);
    assert.equal(parseVolumeRecord(CLUSTER, ` ${text}`), undefined);
    assert.equal(parseVolumeRecord(CLUSTER, `${text};`), undefined);
  }));
});

Deno.test("any text that is read as a record is written as the same text", () => {
  const base = formatVolumeRecord(CLUSTER, {
    ...{ nameDigest: nameDigestOf("v"), source: { kind: "volume", id: ORIGIN }, unknown: [] },
    ...{
      createdAtMs: 1_763_690_000_123,
      revision: 5,
      reconnect: { nrIoQueues: 4 },
      state: "ready",
    },
    publications: [aPublication()],
  });
  const edit = fc.tuple(fc.nat(), fc.constantFrom("0", "-", "A", "z", ",", ".", "=", ";", "r"));
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 3 }), (edits) => {
      let text = base;
      for (const [at, character] of edits) {
        const place = at % text.length;
        text = text.slice(0, place) + character + text.slice(place + 1);
      }
      const parsed = parseVolumeRecord(CLUSTER, text);
      if (parsed !== undefined) assert.equal(formatVolumeRecord(CLUSTER, parsed), text);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("records look as documented", () => {
  const facts = { nameDigest: nameDigestOf("v"), unknown: [], state: "ready" } as const;
  const volume = formatVolumeRecord(CLUSTER, {
    ...{ ...facts, source: undefined, createdAtMs: 1_763_690_000_123, reconnect: {} },
    revision: 37,
    publications: [],
  });
  assert.equal(volume, `r1;k=v;i=c1;n=${facts.nameDigest};s=-;t=mi87hlob;v=11;p=-;a=-;st=r`);
  const snapshot = formatSnapshotRecord(CLUSTER, {
    ...{ ...facts, source: ORIGIN, second: 1_763_690_000, takenAtMs: 1_763_690_000_123 },
    sizeBytes: 1_073_741_824,
  });
  const tail = "at=1763690000;t=mi87hlob;b=1073741824;st=r";
  assert.equal(snapshot, `r1;k=s;i=c1;n=${facts.nameDigest};s=ERERESIiMzNERFVVVVVVVQ;${tail}`);
});

Deno.test("the longest record fits the length that is tried out, with room for a later version", () => {
  const text = formatVolumeRecord("c".repeat(16), {
    nameDigest: nameDigestOf("v"),
    source: { kind: "snapshot", id: snapshotIdOf(ORIGIN, 9_999_999_999) },
    createdAtMs: Date.UTC(2199, 0, 1),
    revision: 36 ** 5,
    reconnect: {
      ...{ ctrlLossTmo: 86_400, reconnectDelay: 60, keepAliveTmo: 120 },
      ...{ fastIoFailTmo: 86_399, nrIoQueues: 64 },
    },
    publications: ["a", "b"].map((letter) => aPublication({ node: aNodeId(letter.repeat(64)) })),
    unknown: [],
    state: "ready",
  });
  assert.ok(text.length <= RECORD_LENGTH_MAX - 32, `${text.length}`);
  assert.equal(formatScratchRecord("c1", 0, RECORD_LENGTH_MAX).length, RECORD_LENGTH_MAX);
});

Deno.test("cluster ids are 1 to 16 of a-z, 0-9 and -", () => {
  for (const id of ["c", "prod-1", "a".repeat(16)]) assert.ok(isClusterId(id));
  for (const id of ["", "a".repeat(17), "A", "a;b", "a b", "é", "a\n"]) assert.ok(!isClusterId(id));
});
