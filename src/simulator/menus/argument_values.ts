/** Reading the arguments of a call, with the console's own complaints. */
import { parseSizeBytes } from "../box/sizes.ts";
import { textOf } from "../language/text.ts";
import type { ArrayValue, Value } from "../language/values.ts";
import { type MenuCall, RouterOsError } from "../menu.ts";

const TRUE_WORDS: ReadonlySet<string> = new Set(["yes", "true"]);
const FALSE_WORDS: ReadonlySet<string> = new Set(["no", "false"]);

/** The text of an argument; `slot=yes`, which the language takes for a boolean, is text again. */
export function textArgument(value: Value): string {
  return typeof value === "boolean" ? (value ? "yes" : "no") : textOf(value);
}

/** @throws {RouterOsError} when the value is neither yes nor no. */
export function booleanArgument(name: string, value: Value): boolean {
  if (typeof value === "boolean") return value;
  const text = textOf(value);
  if (TRUE_WORDS.has(text)) return true;
  if (FALSE_WORDS.has(text)) return false;
  throw new RouterOsError(`invalid value for argument ${name}`);
}

/** Bytes of a size: a number, or text with a binary suffix. @throws {RouterOsError} */
export function sizeArgument(name: string, value: Value): number {
  const bytes = typeof value === "number" ? value : parseSizeBytes(textOf(value));
  if (bytes === undefined || !Number.isSafeInteger(bytes) || bytes < 0) {
    throw new RouterOsError(`invalid value for argument ${name}`);
  }
  return bytes;
}

/** A whole number between two bounds. @throws {RouterOsError} */
export function numberArgument(
  name: string,
  value: Value,
  minimum: number,
  maximum: number,
): number {
  const number = typeof value === "number" ? value : Number(textOf(value));
  if (textOf(value) === "" || !Number.isInteger(number)) {
    throw new RouterOsError(`invalid value for argument ${name}`);
  }
  if (number < minimum || number > maximum) {
    throw new RouterOsError(`value of ${name} out of range (${minimum}..${maximum})`);
  }
  return number;
}

/** The value of an argument given by name, or as the `position`-th value without a name. */
export function argumentOf(call: MenuCall, name: string, position?: number): Value {
  if (call.named.has(name)) return call.named.get(name);
  return position === undefined ? undefined : call.unnamed[position];
}

/** The same. @throws {RouterOsError} when it was not given. */
export function requiredArgument(call: MenuCall, name: string, position?: number): Value {
  const value = argumentOf(call, name, position);
  if (value === undefined) {
    throw new RouterOsError(`missing value(s) of argument(s) ${name}`);
  }
  return value;
}

/** Whether a value is an array. */
export function isArray(value: Value): value is ArrayValue {
  return typeof value === "object" && value !== null && value.type === "array";
}

/** The words of a list: an array, or text with commas. */
export function wordList(value: Value): string[] {
  if (isArray(value)) return value.items.map(textOf);
  return textOf(value).split(",").map((word) => word.trim()).filter((word) => word !== "");
}
