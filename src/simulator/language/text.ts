/** Values as the console prints, names and compares them. */
import { checkTextLength } from "./growth.ts";
import type { ArrayValue, Value } from "./values.ts";

/** What `:put` and `:tostr` make of a value: arrays `a;b`, maps `k=v;k=v`, nothing is empty. */
export function textOf(value: Value): string {
  if (typeof value === "string") return value;
  if (value === undefined || value === null) return "";
  if (typeof value !== "object") return String(value);
  switch (value.type) {
    case "time":
      return textOfDuration(value.milliseconds);
    case "array":
      return textOfArray(value);
    case "ip":
    case "ip-prefix":
    case "id":
      return value.text;
  }
}

function textOfArray(array: ArrayValue): string {
  let text = "";
  let separator = "";
  const add = (part: string): void => {
    checkTextLength(text.length + part.length);
    text += separator + part;
    separator = ";";
  };
  for (const value of array.items) add(textOf(value));
  for (const [key, value] of array.entries) add(`${key}=${textOf(value)}`);
  return text;
}

/** A duration in clock form: `01:30:15`, `1w3d15:41:57`, `00:00:00.500`. */
export function textOfDuration(milliseconds: number): string {
  const sign = milliseconds < 0 ? "-" : "";
  const whole = Math.trunc(Math.abs(milliseconds));
  const fraction = whole % 1000;
  const seconds = Math.trunc(whole / 1000);
  const days = Math.trunc(seconds / 86_400);
  const weeks = Math.trunc(days / 7);
  const clock = [Math.trunc(seconds / 3600) % 24, Math.trunc(seconds / 60) % 60, seconds % 60]
    .map((part) => String(part).padStart(2, "0")).join(":");
  return sign + (weeks > 0 ? `${weeks}w` : "") + (days % 7 > 0 ? `${days % 7}d` : "") + clock +
    (fraction > 0 ? `.${String(fraction).padStart(3, "0")}` : "");
}

/** The name `:typeof` gives: `str num bool time ip ip-prefix id array nothing nil`. */
export function typeNameOf(value: Value): string {
  switch (typeof value) {
    case "string":
      return "str";
    case "number":
      return "num";
    case "boolean":
      return "bool";
    case "undefined":
      return "nothing";
    default:
      return value === null ? "nil" : value.type;
  }
}

/**
 * Whether `=` holds. The types must agree, as on a real box (`"1" = 1` is false), but for two
 * things that scripts rely on: an internal id equals the string that writes it, and an empty array
 * equals the empty string (`[find slot=x] = ""`).
 */
export function areEqual(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (typeof left === "string") return isWritten(right, left);
  if (typeof right === "string") return isWritten(left, right);
  if (typeof left !== "object" || typeof right !== "object") return false;
  if (left === null || right === null) return false;
  if (left.type === "time") {
    return right.type === "time" && left.milliseconds === right.milliseconds;
  }
  if (left.type === "array") return right.type === "array" && areEqualArrays(left, right);
  return left.type === right.type && "text" in right && left.text === right.text;
}

function isWritten(value: Value, text: string): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (value.type === "id") return value.text === text;
  return value.type === "array" && text === "" && isEmpty(value);
}

function isEmpty(array: ArrayValue): boolean {
  return array.items.length === 0 && array.entries.size === 0;
}

function areEqualArrays(left: ArrayValue, right: ArrayValue): boolean {
  if (left.items.length !== right.items.length) return false;
  if (left.entries.size !== right.entries.size) return false;
  for (const [key, value] of left.entries) {
    if (!right.entries.has(key) || !areEqual(value, right.entries.get(key))) return false;
  }
  return left.items.every((item, index) => areEqual(item, right.items[index]));
}
