/** What the operators do with values. */
import { scriptError } from "./failures.ts";
import { checkArrayLength, checkTextLength } from "./growth.ts";
import { matchesPosix } from "./posix_regex.ts";
import type { BinaryOperator, UnaryOperator } from "./syntax.ts";
import { areEqual, textOf } from "./text.ts";
import type { ArrayValue, IpValue, TimeValue, Value } from "./values.ts";

type Operation = (left: Value, right: Value) => Value;

/** What each operator does outside conditions; both sides are always evaluated. */
export const BINARY: Readonly<Record<BinaryOperator, Operation>> = {
  "or": (left, right) => booleanOf(left, "or") || booleanOf(right, "or"),
  "and": (left, right) => booleanOf(left, "and") && booleanOf(right, "and"),
  "=": areEqual,
  "!=": (left, right) => !areEqual(left, right),
  "<": (left, right) => compare(left, right, "less") < 0,
  ">": (left, right) => compare(left, right, "more") > 0,
  "<=": (left, right) => compare(left, right, "more") <= 0,
  ">=": (left, right) => compare(left, right, "less") >= 0,
  "~": matches,
  "in": isIn,
  ",": append,
  ".": concatenate,
  "|": (left, right) => bitwise(left, right, (a, b) => a | b),
  "^": (left, right) => bitwise(left, right, (a, b) => a ^ b),
  "&": (left, right) => bitwise(left, right, (a, b) => a & b),
  "<<": (left, right) => bitwise(left, right, (a, b) => a << BigInt.asUintN(6, b)),
  ">>": (left, right) => bitwise(left, right, (a, b) => a >> BigInt.asUintN(6, b)),
  "+": (left, right) => add(left, right, 1),
  "-": (left, right) => add(left, right, -1),
  "*": multiply,
  "/": divide,
  "%": remainder,
};

/** In a condition an absent property is not an error: it is false, and orders with nothing. */
export const CONDITION_BINARY: Readonly<Record<BinaryOperator, Operation>> = {
  ...BINARY,
  "or": (left, right) => isTrue(left) || isTrue(right),
  "and": (left, right) => isTrue(left) && isTrue(right),
  "<": absentIsFalse(BINARY["<"]),
  ">": absentIsFalse(BINARY[">"]),
  "<=": absentIsFalse(BINARY["<="]),
  ">=": absentIsFalse(BINARY[">="]),
};

/** What the operators before a value do outside conditions. */
export const UNARY: Readonly<Record<UnaryOperator, (value: Value) => Value>> = {
  not: (value) => !booleanOf(value, "not"),
  negate: (value) => multiply(value, -1),
  complement: (value) => bitwise(value, -1, (a, b) => a ^ b),
};

/** Whether a row with this value is meant: an absent property, `no`, 0 and "" are not. */
export function isTrue(value: Value): boolean {
  return Boolean(value);
}

function absentIsFalse(operation: Operation): Operation {
  return (left, right) =>
    left === undefined || right === undefined ? false : operation(left, right);
}

function booleanOf(value: Value, operation: string): boolean {
  if (typeof value === "boolean") return value;
  throw scriptError(`cannot apply ${operation} to ${describe(value)}`);
}

function compare(left: Value, right: Value, relation: "less" | "more"): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (isTime(left) && isTime(right)) return left.milliseconds - right.milliseconds;
  if (isAddress(left) && isAddress(right)) return addressNumber(left) - addressNumber(right);
  if (isId(left) && isId(right)) return idNumber(left) - idNumber(right);
  throw scriptError(
    `cannot compare if ${describe(left)} is ${relation} than ${describe(right)}`,
  );
}

function matches(left: Value, right: Value): boolean {
  if (left === undefined) return false;
  const pattern = textOf(right);
  return isArray(left)
    ? left.items.some((item) => matchesPosix(textOf(item), pattern))
    : matchesPosix(textOf(left), pattern);
}

function isIn(left: Value, right: Value): boolean {
  if (isArray(right)) {
    return right.items.some((item) => areEqual(item, left)) ||
      [...right.entries.values()].some((value) => areEqual(value, left));
  }
  if (
    isAddress(left) && typeof right === "object" && right !== null && right.type === "ip-prefix"
  ) {
    const [network = "", bits = "32"] = right.text.split("/");
    const size = 2 ** (32 - Number(bits));
    const first = addressNumber({ type: "ip", text: network });
    return Math.floor(addressNumber(left) / size) === Math.floor(first / size);
  }
  return areEqual(left, right);
}

/** `,`: one array of both sides; where both have a key, the right side's value. */
function append(left: Value, right: Value): ArrayValue {
  const [one, other] = [asArray(left), asArray(right)];
  checkArrayLength(one.items.length + other.items.length);
  const entries = other.entries.size === 0
    ? new Map(one.entries)
    : new Map([...one.entries, ...other.entries]);
  return { type: "array", items: one.items.concat(other.items), entries };
}

function asArray(value: Value): ArrayValue {
  return isArray(value) ? value : { type: "array", items: [value], entries: new Map() };
}

/** `.`: joins the texts; with an array on one side, that of each element. */
function concatenate(left: Value, right: Value): Value {
  if (isArray(left) === isArray(right)) return joined(left, right);
  if (isArray(left)) return mapArray(left, (value) => joined(value, right));
  return isArray(right) ? mapArray(right, (value) => joined(left, value)) : undefined;
}

function joined(left: Value, right: Value): string {
  const [one, other] = [textOf(left), textOf(right)];
  checkTextLength(one.length + other.length);
  return one + other;
}

function mapArray(array: ArrayValue, change: (value: Value) => Value): ArrayValue {
  const entries = new Map<string, Value>();
  for (const [key, value] of array.entries) entries.set(key, change(value));
  return { type: "array", items: array.items.map(change), entries };
}

function bitwise(
  left: Value,
  right: Value,
  operation: (left: bigint, right: bigint) => bigint,
): number {
  if (typeof left !== "number" || typeof right !== "number") {
    throw scriptError(`cannot combine bits of ${describe(left)} and ${describe(right)}`);
  }
  return Number(BigInt.asIntN(64, operation(wholeOf(left), wholeOf(right))));
}

function wholeOf(value: number): bigint {
  return BigInt.asIntN(64, Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n);
}

function add(left: Value, right: Value, sign: 1 | -1): Value {
  if (typeof left === "number" && typeof right === "number") return left + sign * right;
  if (isTime(left) && isTime(right)) {
    return time(left.milliseconds + sign * right.milliseconds);
  }
  throw sign === 1
    ? scriptError(`cannot add ${describe(right)} to ${describe(left)}`)
    : scriptError(`cannot subtract ${describe(right)} from ${describe(left)}`);
}

function multiply(left: Value, right: Value): Value {
  if (typeof left === "number" && typeof right === "number") return left * right + 0;
  if (isTime(left) && typeof right === "number") return time(left.milliseconds * right);
  if (typeof left === "number" && isTime(right)) return time(left * right.milliseconds);
  throw scriptError(`cannot multiply ${describe(left)} by ${describe(right)}`);
}

function divide(left: Value, right: Value): Value {
  if (right === 0) throw scriptError("division by zero");
  if (typeof left === "number" && typeof right === "number") return Math.trunc(left / right) + 0;
  if (isTime(left) && typeof right === "number") {
    return time(Math.trunc(left.milliseconds / right));
  }
  throw scriptError(`cannot divide ${describe(left)} by ${describe(right)}`);
}

function remainder(left: Value, right: Value): Value {
  if (right === 0) throw scriptError("division by zero");
  if (typeof left === "number" && typeof right === "number") return left % right + 0;
  throw scriptError(`cannot divide ${describe(left)} by ${describe(right)}`);
}

function time(milliseconds: number): TimeValue {
  return { type: "time", milliseconds };
}

function isTime(value: Value): value is TimeValue {
  return typeof value === "object" && value !== null && value.type === "time";
}

function isAddress(value: Value): value is IpValue {
  return typeof value === "object" && value !== null && value.type === "ip";
}

function isId(value: Value): value is Extract<Value, { type: "id" }> {
  return typeof value === "object" && value !== null && value.type === "id";
}

function isArray(value: Value): value is ArrayValue {
  return typeof value === "object" && value !== null && value.type === "array";
}

function addressNumber(address: IpValue): number {
  return address.text.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function idNumber(id: { readonly text: string }): number {
  return Number.parseInt(id.text.slice(1), 16);
}

/** A type as error texts name it. */
function describe(value: Value): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "string") return "string";
  if (typeof value === "number") return "integer number";
  if (typeof value === "boolean") return "boolean";
  switch (value.type) {
    case "time":
      return "time interval";
    case "ip":
      return "ip address";
    case "ip-prefix":
      return "ip prefix";
    case "id":
      return "internal id";
    case "array":
      return "array";
  }
}
