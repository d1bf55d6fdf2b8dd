import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  checkRecords,
  longestStallMs,
  parseWriterJournal,
  RECORD_BYTES,
} from "../../../../tools/lab/writer_check.ts";

const RUN = "run-1";

/** A record as writer.pl lays it out. */
function record(number: number, run = RUN): Uint8Array {
  const name = `${run} ${String(number).padStart(12, "0")}`;
  const room = RECORD_BYTES - `rds-record ${name} \n`.length - 64;
  const body = `${name}\n`.repeat(RECORD_BYTES).slice(0, room);
  const sum = createHash("sha256").update(`${name}\n${body}`).digest("hex");
  return new TextEncoder().encode(`rds-record ${name} ${sum}\n${body}`);
}

const BLANK = new Uint8Array(RECORD_BYTES);

function disk(...slots: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(slots.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const slot of slots) {
    bytes.set(slot, at);
    at += slot.length;
  }
  return bytes;
}

function confirmedUpTo(count: number): string {
  const lines = Array.from({ length: count }, (_, number) => `ok ${number} ${1000 + number} 3\n`);
  return ["start 999 4\n", ...lines].join("");
}

function findings(bytes: Uint8Array, journal: string): string[] {
  return checkRecords(bytes, RUN, parseWriterJournal(journal))
    .map(({ kind, number, detail }) => `${kind} ${number}: ${detail}`);
}

Deno.test("confirmed records that are all there give no finding", () => {
  assert.deepEqual(findings(disk(record(0), record(1), record(2)), confirmedUpTo(3)), []);
});

Deno.test("records that were not confirmed may be missing, torn or there", () => {
  const torn = disk(record(2).subarray(0, 512), BLANK.subarray(512));
  assert.deepEqual(findings(disk(record(0), BLANK, torn, record(3)), confirmedUpTo(1)), []);
});

Deno.test("a blank place of a confirmed record is found as lost", () => {
  const found = findings(disk(record(0), BLANK, record(2)), confirmedUpTo(3));
  assert.deepEqual(found, ["lost 1: its place is blank"]);
});

Deno.test("confirmed records beyond the end are found as lost", () => {
  const found = findings(disk(record(0)), confirmedUpTo(3));
  assert.deepEqual(found, [1, 2].map((number) => `lost ${number}: the data end after 1 records`));
});

Deno.test("a confirmed record with a stale sector is found as torn", () => {
  const torn = record(1);
  torn.set(record(0).subarray(1024, 1536), 1024);
  const found = findings(disk(record(0), torn), confirmedUpTo(2));
  assert.deepEqual(found, ["torn 1: its checksum differs"]);
});

Deno.test("a confirmed record that is cut short is found as torn", () => {
  const found = findings(disk(record(0), record(1).subarray(0, 1024)), confirmedUpTo(2));
  assert.deepEqual(found, ["torn 1: 1024 bytes are there"]);
});

Deno.test("a record that is there twice is found, also where none was confirmed", () => {
  const found = findings(disk(record(0), record(1), record(1)), confirmedUpTo(2));
  assert.deepEqual(found, ["misplaced 2: holds run-1 1"]);
});

Deno.test("a record of another run in the place of a confirmed one is found", () => {
  const found = findings(disk(record(0), record(1, "run-0")), confirmedUpTo(2));
  assert.deepEqual(found, ["misplaced 1: holds run-0 1"]);
});

Deno.test("a number that is confirmed twice is found", () => {
  const found = findings(disk(record(0)), `${confirmedUpTo(1)}ok 0 2000 3\n`);
  assert.deepEqual(found, ["journal 0: confirmed after 0"]);
});

Deno.test("a journal tells the longest stall, errors, and whether its writer ended", () => {
  const text = "start 1 2\nok 0 10 5\nok 1 20 12045\nerror 2 30 1 fsync EIO\nend 40\n";
  const journal = parseWriterJournal(text);
  assert.equal(longestStallMs(journal), 12_045);
  assert.equal(journal.hasEnded, true);
  assert.deepEqual(journal.failed, [
    { number: 2, startedMs: 30, durationMs: 1, call: "fsync", errno: "EIO" },
  ]);
});

Deno.test("a last line that was cut counts as not written", () => {
  const { confirmed, hasEnded } = parseWriterJournal("start 1 2\nok 0 10 5\nok 1 20 1");
  assert.deepEqual(confirmed.map(({ number }) => number), [0]);
  assert.equal(hasEnded, false);
});

Deno.test("a line that no writer writes is refused", () => {
  assert.throws(() => parseWriterJournal("ok 0 10\n"), RangeError);
  assert.throws(() => parseWriterJournal("error 0 10 5\n"), RangeError);
});
