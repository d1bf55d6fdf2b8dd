/** Every field of a stage record is checked when it is read. */
import assert from "node:assert/strict";
import { parseRecord, renderRecord } from "../../../../src/adapters/stage-records/record_format.ts";
import { aFullRecord, aRecord } from "../../../contract/stage_records.ts";

Deno.test("parseRecord() is the inverse of renderRecord()", () => {
  for (const record of [aFullRecord("full"), aRecord("small")]) {
    assert.deepEqual(parseRecord(renderRecord(record)), record);
  }
});

type Json = { [key: string]: unknown };

const WRONG: { name: string; spoil: (file: Json) => void; says: RegExp }[] = [
  { name: "a name as id", spoil: (file) => file["volumeId"] = "pvc-1", says: /^volumeId: / },
  { name: "a relative path", spoil: (file) => file["stagingPath"] = "a", says: /^stagingPath: / },
  { name: "an unknown phase", spoil: (file) => file["phase"] = "done", says: /^phase: .*staged/ },
  { name: "no boot", spoil: (file) => delete file["bootId"], says: /^bootId: it is missing/ },
  {
    name: "an NQN that is not ours",
    spoil: (file) => at(file, "published")["nqn"] = "nqn.2000-02.com.mikrotik:root",
    says: /^published: .*nqn/,
  },
  {
    name: "a policy out of range",
    spoil: (file) => at(file, "published")["reconnectDelay"] = "0",
    says: /^published: .*reconnectDelay/,
  },
  {
    name: "a number where the context has texts",
    spoil: (file) => at(file, "published")["port"] = 4420,
    says: /^published: port: it is 4420/,
  },
  { name: "no context", spoil: (file) => file["published"] = null, says: /^published: .*object/ },
  {
    name: "a mode",
    spoil: (file) => at(file, "capability")["mode"] = "toString",
    says: /^capability: mode/,
  },
  {
    name: "an unknown file system",
    spoil: (file) => at(at(file, "capability"), "access")["fileSystem"] = "zfs",
    says: /^capability: access: fileSystem: it is "zfs"/,
  },
  {
    name: "mount flags as one text",
    spoil: (file) => at(at(file, "capability"), "access")["mountFlags"] = "ro",
    says: /mountFlags: .*list/,
  },
  {
    name: "a field of another kind of access",
    spoil: (file) => at(at(file, "capability"), "access")["type"] = "block",
    says: /^capability: access: (fileSystem|mountFlags): unknown/,
  },
  {
    name: "an mkfs option that nobody may give",
    spoil: (file) => at(file, "parameters")["mkfsOptions"] = ["-d /dev/sda"],
    says: /^parameters: .*mkfsOptions/,
  },
  {
    name: "an unknown policy",
    spoil: (file) => at(file, "parameters")["fsckPolicy"] = "always",
    says: /^parameters: fsckPolicy/,
  },
  {
    name: "a device name",
    spoil: (file) => at(file, "device")["number"] = "nvme0n1",
    says: /^device: number/,
  },
  {
    name: "a size below 0",
    spoil: (file) => at(file, "device")["sizeBytes"] = -1,
    says: /^device: sizeBytes/,
  },
  {
    name: "a size as text",
    spoil: (file) => at(file, "device")["sizeBytes"] = "1",
    says: /^device: sizeBytes/,
  },
  {
    name: "a broken UUID",
    spoil: (file) => file["fileSystemUuid"] = "a b",
    says: /^fileSystemUuid/,
  },
  { name: "no UID", spoil: (file) => file["attachmentUid"] = null, says: /^attachmentUid/ },
  {
    name: "half a count",
    spoil: (file) => at(file, "trouble")["count"] = 1.5,
    says: /^trouble: count/,
  },
  {
    name: "no reason",
    spoil: (file) => delete at(file, "trouble")["reason"],
    says: /^trouble: reason/,
  },
  { name: "a field too much", spoil: (file) => file["isFine"] = true, says: /^isFine: unknown/ },
];

for (const { name, spoil, says } of WRONG) {
  Deno.test(`parseRecord() refuses ${name}`, () => {
    const file: Json = JSON.parse(renderRecord(aFullRecord("full")));
    spoil(file);
    assert.throws(() => parseRecord(JSON.stringify(file)), (error: unknown) => {
      assert.ok(error instanceof RangeError, String(error));
      assert.match(error.message, says);
      return true;
    });
  });
}

function at(file: Json, key: string): Json {
  const part = file[key];
  assert.ok(typeof part === "object" && part !== null);
  return part as Json;
}
