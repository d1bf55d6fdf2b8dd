/** The global commands that only compute: `:len`, `:pick`, `:tonum`, `:serialize` … */
import { Buffer } from "node:buffer";
import { RouterOsError } from "../menu.ts";
import type { ConversionName } from "./builtin_signatures.ts";
import { jsonOf } from "./json.ts";
import { parseAddress, parseDuration, parseNumber } from "./literals.ts";
import { areEqual, textOf, typeNameOf } from "./text.ts";
import { arrayOf, type ArrayValue, type Value } from "./values.ts";

/** Takes the arguments in the order of the signature's parameters; absent ones are undefined. */
export type Conversion = (...values: Value[]) => Value;

const ID = /^\*?[0-9A-Fa-f]+$/;
const TRUE_WORDS: ReadonlySet<string> = new Set(["true", "yes"]);
const FALSE_WORDS: ReadonlySet<string> = new Set(["false", "no"]);

/** The conversions by the name of their command. */
export const CONVERSIONS: Readonly<Record<ConversionName, Conversion>> = {
  len: lengthOf,
  typeof: typeNameOf,
  tostr: textOf,
  tonum: toNumber,
  tobool: toBoolean,
  toarray: toArray,
  toid: toId,
  toip: (value: Value): Value => typeof value === "string" ? parseAddress(value) : value,
  totime: toTime,
  pick,
  find,
  serialize,
};

/** Bytes of a string, elements of an array. */
function lengthOf(value: Value): number {
  return isArray(value)
    ? value.items.length + value.entries.size
    : Buffer.byteLength(textOf(value));
}

function toNumber(value: Value): Value {
  if (typeof value === "number") return value;
  return typeof value === "string" ? parseNumber(value) : undefined;
}

function toBoolean(value: Value): Value {
  if (typeof value === "boolean") return value;
  if (typeof value === "number") return value !== 0;
  const text = textOf(value);
  if (TRUE_WORDS.has(text)) return true;
  return FALSE_WORDS.has(text) ? false : undefined;
}

/** A string is split at its commas. */
function toArray(value: Value): Value {
  if (isArray(value)) return value;
  if (value === undefined || value === "") return arrayOf([]);
  return arrayOf(typeof value === "string" ? value.split(",") : [value]);
}

function toId(value: Value): Value {
  if (typeof value === "number") {
    return { type: "id", text: `*${value.toString(16).toUpperCase()}` };
  }
  const text = textOf(value);
  if (!ID.test(text)) return undefined;
  return { type: "id", text: `*${text.replace("*", "").toUpperCase()}` };
}

function toTime(value: Value): Value {
  if (typeof value === "number") return { type: "time", milliseconds: value * 1000 };
  return typeof value === "string" ? parseDuration(value) : value;
}

/** One element at `begin`, or those from `begin` up to but without `end`. */
function pick(value: Value, begin: Value, end: Value): Value {
  if (typeof begin !== "number") throw new RouterOsError("invalid value for argument begin");
  const first = Math.max(begin, 0);
  const last = typeof end === "number" ? Math.max(end, first) : first + 1;
  if (isArray(value)) {
    return end === undefined ? value.items[first] : arrayOf(value.items.slice(first, last));
  }
  return Buffer.from(textOf(value)).subarray(first, last).toString();
}

/** The place of `key`, looked for behind `from`; nothing when it is not there. */
function find(value: Value, key: Value, from: Value): Value {
  const start = typeof from === "number" ? from + 1 : 0;
  if (isArray(value)) {
    const place = value.items.findIndex((item, index) => index >= start && areEqual(item, key));
    return place < 0 ? undefined : place;
  }
  const place = Buffer.from(textOf(value)).indexOf(textOf(key), Math.max(start, 0));
  return place < 0 ? undefined : place;
}

function serialize(value: Value, to: Value, options: Value): string {
  if (textOf(to) !== "json") throw new RouterOsError("input does not match any value of to");
  const words = isArray(options) ? options.items.map(textOf) : textOf(options).split(",");
  for (const word of words) {
    if (!JSON_OPTIONS.has(word)) {
      throw new RouterOsError("input does not match any value of options");
    }
  }
  return jsonOf(value, {
    keepStrings: words.includes("json.no-string-conversion"),
    pretty: words.includes("json.pretty"),
  });
}

const JSON_OPTIONS: ReadonlySet<string> = new Set([
  "",
  "json.no-string-conversion",
  "json.pretty",
]);

function isArray(value: Value): value is ArrayValue {
  return typeof value === "object" && value !== null && value.type === "array";
}
