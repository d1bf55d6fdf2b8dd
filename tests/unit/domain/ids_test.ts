/** Volume, snapshot and node ids. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { hostIdOf, nodeIdOf, nodeNameOf, parseNodeId } from "../../../src/domain/node_id.ts";
import {
  nextSnapshotSecond,
  parseSnapshotId,
  secondOf,
  snapshotIdOf,
  sourceOf,
} from "../../../src/domain/snapshot_id.ts";
import {
  nameDigestOf,
  parseVolumeId,
  uuidOf,
  volumeIdForName,
} from "../../../src/domain/volume_id.ts";

const UUID = "0f8fad5b-d9cb-469f-a165-70867728950e";
const names = fc.string({ unit: "grapheme", minLength: 1, maxLength: 128 });
const uuids = fc.uuid();

Deno.test("volumeIdForName() keeps a name of the form pvc-<uuid>", () => {
  fc.assert(fc.property(uuids, (uuid) => {
    assert.equal(volumeIdForName(`pvc-${uuid}`), `pvc-${uuid}`);
    assert.equal(uuidOf(volumeIdForName(`pvc-${uuid}`)), uuid);
  }));
});

Deno.test("volumeIdForName() turns any other name into the same well-formed id every time", () => {
  fc.assert(fc.property(names, (name) => {
    const id = volumeIdForName(name);
    assert.equal(volumeIdForName(name), id);
    assert.equal(parseVolumeId(id), id);
  }));
});

Deno.test("volumeIdForName() never changes between versions: ids on arrays depend on it", () => {
  assert.equal(volumeIdForName("v"), "pvc-fa3b51f7-ccd1-57b3-90a7-a4c55e659f3f");
  assert.match(volumeIdForName("some name"), /^pvc-.{8}-.{4}-5.{3}-[89ab].{3}-.{12}$/);
});

Deno.test("volumeIdForName() and nameDigestOf() differ where names differ", () => {
  fc.assert(fc.property(names, names, (left, right) => {
    fc.pre(left !== right);
    assert.notEqual(volumeIdForName(left), volumeIdForName(right));
    assert.notEqual(nameDigestOf(left), nameDigestOf(right));
  }));
});

Deno.test("nameDigestOf() has 22 plain characters, also for an empty and for a huge name", () => {
  for (const name of ["", "v", "ж".repeat(10_000)]) {
    assert.match(nameDigestOf(name), /^[A-Za-z0-9_-]{22}$/);
  }
});

Deno.test("parseVolumeId() refuses everything that is not exactly one of ours", () => {
  const wrong = [
    "",
    "pvc-",
    UUID,
    `pvc-${UUID.toUpperCase()}`,
    `pvc-${UUID}\n`,
    ` pvc-${UUID}`,
    `pvc-${UUID}x`,
    `pvc-${UUID}/../x`,
    `PVC-${UUID}`,
    `snap-${UUID}`,
  ];
  for (const text of wrong) assert.equal(parseVolumeId(text), undefined, text);
  assert.equal(parseVolumeId(`pvc-${UUID}`), `pvc-${UUID}`);
});

Deno.test("a snapshot id gives back its source and its second", () => {
  const seconds = fc.integer({ min: 1_000_000_000, max: 999_999_999_999 });
  fc.assert(fc.property(uuids, seconds, (uuid, second) => {
    const source = volumeIdForName(`pvc-${uuid}`);
    const id = snapshotIdOf(source, second);
    assert.equal(parseSnapshotId(id), id);
    assert.equal(sourceOf(id), source);
    assert.equal(secondOf(id), second);
  }));
});

Deno.test("parseSnapshotId() refuses everything that is not exactly one of ours", () => {
  const wrong = [
    "",
    `snap-${UUID}`,
    `snap-${UUID}-at-`,
    `snap-${UUID}-at-123456789`,
    `snap-${UUID}-at-1767225600x`,
    `snap-${UUID}-at-1767225600\n`,
    `snap-${"-".repeat(36)}-at-1767225600`,
    `snap-${UUID.toUpperCase()}-at-1767225600`,
    "reallyfakesnapshotid",
  ];
  for (const text of wrong) assert.equal(parseSnapshotId(text), undefined, text);
});

Deno.test("nextSnapshotSecond() is the clock's second where that is later than all there are", () => {
  assert.equal(nextSnapshotSecond(1_767_225_600_999, []), 1_767_225_600);
  assert.equal(nextSnapshotSecond(1_767_225_600_999, [1_767_225_599]), 1_767_225_600);
});

Deno.test("nextSnapshotSecond() is later than every second there is, or refuses", () => {
  const near = fc.integer({ min: 1_767_225_000, max: 1_767_226_200 });
  fc.assert(fc.property(near, fc.array(near, { maxLength: 20 }), (now, existing) => {
    const latest = Math.max(now - 1, ...existing);
    if (latest + 1 - now > 60) {
      assert.throws(() => nextSnapshotSecond(now * 1000, existing), { code: "unavailable" });
    } else assert.equal(nextSnapshotSecond(now * 1000, existing), latest + 1);
  }));
});

Deno.test("a node id gives back its name and its host id", () => {
  const id = nodeIdOf("worker-1.example.com", UUID);
  assert.equal(id, `worker-1.example.com@${UUID}`);
  assert.equal(parseNodeId(id), id);
  assert.equal(nodeNameOf(id), "worker-1.example.com");
  assert.equal(hostIdOf(id), UUID);
});

Deno.test("nodeIdOf() takes names of 64 characters, and refuses what is no DNS name or UUID", () => {
  assert.equal(nodeIdOf("n".repeat(64), UUID).length, 101);
  for (const name of ["", "Worker", "-a", "a-", "a b", "a@b", "n".repeat(65)]) {
    assert.throws(() => nodeIdOf(name, UUID), { code: "invalid" }, name);
  }
  for (const hostId of ["", "1", UUID.toUpperCase()]) {
    assert.throws(() => nodeIdOf("worker-1", hostId), { code: "invalid" }, hostId);
  }
});

Deno.test("parseNodeId() refuses what no node of ours is called", () => {
  for (const text of ["", "some-fake-node-id", `@${UUID}`, `worker-1@${UUID}@x`, "worker-1@"]) {
    assert.equal(parseNodeId(text), undefined, text);
  }
});
