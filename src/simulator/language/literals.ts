/** How an unquoted word of the console becomes a typed value. */
import type { TimeValue, Value } from "./values.ts";

const INTEGER = /^-?\d+$/;
const HEXADECIMAL = /^0x[0-9A-Fa-f]+$/;
const ID = /^\*[0-9A-Fa-f]+$/;
const ADDRESS = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/;
const CLOCK = /^(?:(\d+)w)?(?:(\d+)d)?(\d+):(\d\d):(\d\d)(?:\.(\d{1,9}))?$/;
const SUFFIXED = /^(?:\d+(?:w|d|h|ms|us|ns|m|s))+$/;
const SUFFIXED_PART = /(\d+)(w|d|h|ms|us|ns|m|s)/g;

const WORDS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["yes", true],
  ["true", true],
  ["no", false],
  ["false", false],
]);

const MILLISECONDS_OF: Readonly<Record<string, number>> = {
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 0.001,
  ns: 0.000001,
};

/** The value of an unquoted word: num, bool, time, ip, ip-prefix or id; any other word is a string. */
export function literalOf(word: string): Value {
  if (WORDS.has(word)) return WORDS.get(word);
  if (ID.test(word)) return { type: "id", text: word.toUpperCase() };
  return parseNumber(word) ?? parseDuration(word) ?? parseAddress(word) ?? word;
}

/** A decimal or `0x` integer, or undefined. */
export function parseNumber(text: string): number | undefined {
  return INTEGER.test(text) || HEXADECIMAL.test(text) ? Number(text) + 0 : undefined;
}

/** A duration as `1d2h3m`, `500ms`, `01:02:03` or `1w3d15:41:57`, or undefined. */
export function parseDuration(text: string): TimeValue | undefined {
  if (SUFFIXED.test(text)) return { type: "time", milliseconds: sumOfParts(text) };
  const clock = CLOCK.exec(text);
  if (clock === null) return undefined;
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = clock.slice(1, 6)
    .map((part) => Number(part ?? 0));
  const fraction = Math.trunc(Number(`0.${clock[6] ?? 0}`) * 1000);
  const totalSeconds = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds;
  return { type: "time", milliseconds: totalSeconds * 1000 + fraction };
}

function sumOfParts(text: string): number {
  let milliseconds = 0;
  for (const [, count = "0", unit = "s"] of text.matchAll(SUFFIXED_PART)) {
    milliseconds += Number(count) * (MILLISECONDS_OF[unit] ?? 0);
  }
  return milliseconds;
}

/** An IPv4 address or prefix, kept as its text, or undefined. */
export function parseAddress(text: string): Value {
  const parts = ADDRESS.exec(text);
  if (parts === null) return undefined;
  const octets = parts.slice(1, 5);
  if (octets.some((octet) => Number(octet) > 255) || Number(parts[5] ?? 0) > 32) return undefined;
  return { type: parts[5] === undefined ? "ip" : "ip-prefix", text };
}
