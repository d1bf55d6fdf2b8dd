/** What writer.pl confirmed, and whether all of it is there: lost, doubled and torn records. Pure. */
import { createHash } from "node:crypto";

/** Bytes of a record; record N begins at N times as many. */
export const RECORD_BYTES = 4096;

/** One record whose fsync returned 0. Milliseconds since 1970, and how long write and fsync took. */
export interface ConfirmedRecord {
  readonly number: number;
  readonly startedMs: number;
  readonly durationMs: number;
}

/** One record that failed, with the call and the name of the error. */
export interface FailedRecord extends ConfirmedRecord {
  readonly call: string;
  readonly errno: string;
}

/** What a writer noted. */
export interface WriterJournal {
  readonly confirmed: readonly ConfirmedRecord[];
  readonly failed: readonly FailedRecord[];
  /** Whether it ended in order. */
  readonly hasEnded: boolean;
}

/** One thing that is wrong with what was written. */
export interface WriterFinding {
  readonly kind: "lost" | "torn" | "misplaced" | "journal";
  readonly number: number;
  /** For people. */
  readonly detail: string;
}

/** A record as it stands on the disk. */
type Slot =
  | { readonly kind: "blank" }
  | { readonly kind: "broken"; readonly why: string }
  | { readonly kind: "record"; readonly run: string; readonly number: number };

const HEAD = /^rds-record ([A-Za-z0-9-]{1,32}) (\d{12}) ([0-9a-f]{64})\n/;
const LINE = /^(ok|error) (\d+) (\d+) (\d+)(?: ([a-z-]+) (\S+))?$/;

/**
 * Reads a journal. A last line without its end was cut by the end of the machine and counts as not
 * written. @throws {RangeError} for a line that no writer writes.
 */
export function parseWriterJournal(text: string): WriterJournal {
  const confirmed: ConfirmedRecord[] = [];
  const failed: FailedRecord[] = [];
  let hasEnded = false;
  for (const line of text.split("\n").slice(0, -1)) {
    if (line.startsWith("start ")) continue;
    if (line.startsWith("end ")) {
      hasEnded = true;
      continue;
    }
    const [, verdict, number, startedMs, durationMs, call, errno] = LINE.exec(line) ?? [];
    const record = {
      number: Number(number),
      startedMs: Number(startedMs),
      durationMs: Number(durationMs),
    };
    if (verdict === "ok" && call === undefined) confirmed.push(record);
    else if (verdict === "error" && call !== undefined && errno !== undefined) {
      failed.push({ ...record, call, errno });
    } else throw new RangeError(`Cannot read a writer's journal: "${line}"`);
  }
  return { confirmed, failed, hasEnded };
}

/** The longest time that one record took until it was on the disk, in milliseconds; 0 without any. */
export function longestStallMs({ confirmed }: WriterJournal): number {
  return confirmed.reduce((longest, { durationMs }) => Math.max(longest, durationMs), 0);
}

/**
 * Whether every confirmed record of `run` is in `bytes`, at its place, once, with its checksum. A
 * record that was not confirmed may be there or not, whole or in parts, but at its own place only.
 */
export function checkRecords(
  bytes: Uint8Array,
  run: string,
  journal: WriterJournal,
): WriterFinding[] {
  const findings = checkOrder(journal);
  const confirmed = new Set(journal.confirmed.map(({ number }) => number));
  const slots = Math.ceil(bytes.length / RECORD_BYTES);
  for (let number = 0; number < slots; number++) {
    const slot = readSlot(bytes.subarray(number * RECORD_BYTES, (number + 1) * RECORD_BYTES));
    const finding = findingOf(slot, run, number, confirmed.has(number));
    if (finding !== undefined) findings.push(finding);
  }
  for (const number of confirmed) {
    if (number < slots) continue;
    findings.push({ kind: "lost", number, detail: `the data end after ${slots} records` });
  }
  return findings;
}

function findingOf(
  slot: Slot,
  run: string,
  number: number,
  isConfirmed: boolean,
): WriterFinding | undefined {
  switch (slot.kind) {
    case "blank":
      return isConfirmed ? { kind: "lost", number, detail: "its place is blank" } : undefined;
    case "broken":
      return isConfirmed ? { kind: "torn", number, detail: slot.why } : undefined;
    case "record":
      if (slot.number === number && slot.run === run) return undefined;
      return { kind: "misplaced", number, detail: `holds ${slot.run} ${slot.number}` };
  }
}

/** Numbers are confirmed in rising order, each once, by whatever made the journal. */
function checkOrder({ confirmed }: WriterJournal): WriterFinding[] {
  return confirmed.flatMap(({ number }, index) => {
    const before = confirmed[index - 1]?.number ?? -1;
    if (number > before) return [];
    return [{ kind: "journal", number, detail: `confirmed after ${before}` } as const];
  });
}

function readSlot(bytes: Uint8Array): Slot {
  if (bytes.every((byte) => byte === 0)) return { kind: "blank" };
  const text = new TextDecoder("latin1").decode(bytes);
  const [head, run = "", number = "", sum] = HEAD.exec(text) ?? [];
  if (head === undefined) return { kind: "broken", why: "it does not begin as a record does" };
  if (bytes.length < RECORD_BYTES) {
    return { kind: "broken", why: `${bytes.length} bytes are there` };
  }
  const content = `${run} ${number}\n${text.slice(head.length)}`;
  const found = createHash("sha256").update(content, "latin1").digest("hex");
  if (found !== sum) return { kind: "broken", why: "its checksum differs" };
  return { kind: "record", run, number: Number(number) };
}
