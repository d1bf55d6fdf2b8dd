/** `:serialize to=json`. */
import { checkTextLength } from "./growth.ts";
import { textOf } from "./text.ts";
import type { ArrayValue, Value } from "./values.ts";

/** What `options=` asks for. */
export interface JsonOptions {
  /** Without it, a string that looks like a number is written as one: `123` as `123.000000`. */
  readonly keepStrings: boolean;
  /** One element per line. */
  readonly pretty: boolean;
}

const NUMERIC = /^-?\d+(?:\.\d+)?$/;
const INDENT = "    ";

/** The value as JSON in one line (unless `pretty`), keys sorted. */
export function jsonOf(value: Value, options: JsonOptions): string {
  return options.pretty ? prettyJson(value, options, "") : compactJson(value, options);
}

function compactJson(value: Value, options: JsonOptions): string {
  if (!isArray(value)) return scalarJson(value, options);
  if (value.entries.size === 0) {
    return `[${commaSeparated(value.items, (item) => compactJson(item, options))}]`;
  }
  const member = ([key, inner]: [string, Value]): string =>
    `${JSON.stringify(key)}:${compactJson(inner, options)}`;
  return `{${commaSeparated(sortedMembers(value), member)}}`;
}

function commaSeparated<T>(values: readonly T[], write: (value: T) => string): string {
  let text = "";
  let separator = "";
  for (const value of values) {
    text += separator + write(value);
    separator = ",";
    checkTextLength(text.length);
  }
  return text;
}

function prettyJson(value: Value, options: JsonOptions, indent: string): string {
  if (!isArray(value)) return scalarJson(value, options);
  const inner = indent + INDENT;
  if (value.entries.size === 0) {
    if (value.items.length === 0) return "[]";
    const item = (one: Value): string => `\n${inner}${prettyJson(one, options, inner)}`;
    return `[${commaSeparated(value.items, item)}\n${indent}]`;
  }
  const member = ([key, one]: [string, Value]): string =>
    `\n${inner}${JSON.stringify(key)}: ${prettyJson(one, options, inner)}`;
  return `{${commaSeparated(sortedMembers(value), member)}\n${indent}}`;
}

/** In an array that has keys, the values without one are numbered. */
function sortedMembers(array: ArrayValue): [string, Value][] {
  const members: [string, Value][] = [...array.entries];
  array.items.forEach((item, index) => members.push([String(index), item]));
  return members.sort(([left], [right]) => left < right ? -1 : left > right ? 1 : 0);
}

function scalarJson(value: Value, options: JsonOptions): string {
  switch (typeof value) {
    case "string":
      return !options.keepStrings && NUMERIC.test(value)
        ? Number(value).toFixed(6)
        : JSON.stringify(value);
    case "number":
    case "boolean":
      return String(value);
    case "undefined":
      return "null";
    default:
      return value === null ? "null" : JSON.stringify(textOf(value));
  }
}

function isArray(value: Value): value is ArrayValue {
  return typeof value === "object" && value !== null && value.type === "array";
}
