/** The page on records shows what the code writes and reads. */
import assert from "node:assert/strict";
import {
  formatSnapshotRecord,
  formatVolumeRecord,
  parseSnapshotRecord,
  parseVolumeRecord,
  RECORD_LENGTH_MAX,
} from "../../../src/adapters/routeros-ssh/record.ts";
import { nodeIdOf } from "../../../src/domain/node_id.ts";
import { RECONNECT_KEYS } from "../../../src/domain/reconnect_policy.ts";
import { snapshotIdOf } from "../../../src/domain/snapshot_id.ts";
import { nameDigestOf, volumeIdForName } from "../../../src/domain/volume_id.ts";
import { blocksOf, codeWords, rowsOf, section } from "./page.ts";

const PAGE = "reference/disk-record.md";
const CLUSTER = "prod-1";
const ID = volumeIdForName("pvc-1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed");

/** The record in a part of the page, and the fields as the table beside it has them. */
async function shownIn(heading: string): Promise<[record: string, fields: string]> {
  const text = await section(PAGE, heading);
  const rows = rowsOf(text).filter((cells) => cells.length === 3);
  const fields = rows.map(([field = "", value = ""]) => [...codeWords(field), ...codeWords(value)]);
  return [blocksOf(text, "text")[0]?.trim() ?? "", fields.map((pair) => pair.join("=")).join(";")];
}

Deno.test("disk-record.md shows a volume's record as it is written, field by field", async () => {
  const [record, fields] = await shownIn("A volume");
  const expected = formatVolumeRecord(CLUSTER, {
    nameDigest: nameDigestOf(ID),
    source: { kind: "snapshot", id: snapshotIdOf(ID, 1_795_236_465) },
    createdAtMs: 1_795_236_470_123,
    revision: 2,
    reconnect: { ctrlLossTmo: 600 },
    publications: [{
      node: nodeIdOf("worker-1", "6ba7b810-9dad-41d1-80b4-00c04fd430c8"),
      isReadOnly: false,
      isShared: false,
    }],
    unknown: [],
    state: "ready",
  });
  assert.equal(record, expected);
  assert.equal(fields, expected);
});

Deno.test("disk-record.md shows a snapshot's record as it is written, field by field", async () => {
  const [record, fields] = await shownIn("A snapshot");
  const expected = formatSnapshotRecord(CLUSTER, {
    nameDigest: nameDigestOf("snapshot-5f0c"),
    source: ID,
    second: 1_795_236_465,
    takenAtMs: 1_795_236_464_987,
    sizeBytes: 1_073_741_824,
    unknown: [],
    state: "ready",
  });
  assert.equal(record, expected);
  assert.equal(fields, expected);
});

Deno.test("disk-record.md has the letter of every parameter of the policy", async () => {
  const rows = rowsOf(await section(PAGE, "A volume")).filter((cells) => cells.length === 2);
  const keys = rows.map(([, key = ""]) => codeWords(key)[0]);
  assert.deepEqual(keys, RECONNECT_KEYS);
  const [record] = await shownIn("A volume");
  for (const [letter = "", key = ""] of rows) {
    const changed = record.replace(";p=l600;", `;p=${codeWords(letter)[0]}7;`);
    assert.deepEqual(parseVolumeRecord(CLUSTER, changed)?.reconnect, {
      [codeWords(key)[0] ?? ""]: 7,
    });
  }
});

Deno.test("fields of a later version stay where disk-record.md says they stand", async () => {
  const [volume] = await shownIn("A volume");
  const ofVolume = parseVolumeRecord(CLUSTER, volume.replace(";a=", ";zz=1;a="));
  assert.deepEqual(ofVolume?.unknown, [["zz", "1"]]);
  const [snapshot] = await shownIn("A snapshot");
  const ofSnapshot = parseSnapshotRecord(CLUSTER, snapshot.replace(";st=", ";zz=1;st="));
  assert.deepEqual(ofSnapshot?.unknown, [["zz", "1"]]);
});

Deno.test("disk-record.md has the length of the longest record", async () => {
  const text = await section(PAGE, "The order");
  assert.match(text, new RegExp(`longest record has ${RECORD_LENGTH_MAX} characters`));
});
