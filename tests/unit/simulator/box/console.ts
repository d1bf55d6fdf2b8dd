/** A box in memory and calls of its commands, as the console language would make them. */
import assert from "node:assert/strict";
import { type Box, openBox } from "../../../../src/simulator/box/box.ts";
import type { BoxOptions } from "../../../../src/simulator/box/options.ts";
import type { ArrayValue, Value } from "../../../../src/simulator/language/values.ts";
import { type MenuCall, RouterOsError, type Row } from "../../../../src/simulator/menu.ts";

/** A moment in 2026, so that printed times are known. */
export const NOW_MS: number = Date.UTC(2026, 10, 11, 14, 32, 41);

/** What a call of a command is made of. */
export interface CallParts {
  readonly unnamed?: readonly Value[];
  readonly named?: Readonly<Record<string, Value>>;
  readonly unset?: readonly string[];
  readonly flags?: readonly string[];
  readonly where?: (row: Row) => boolean;
  readonly width?: number;
  readonly signal?: AbortSignal;
}

/** What came of a call. */
export interface Outcome {
  readonly value: Value;
  readonly output: string;
}

/** A box in memory at a fixed time. */
export function aBox(options: BoxOptions = {}): Promise<Box> {
  return openBox({ nowMs: () => NOW_MS, ...options });
}

/** Calls the command at `path` (`disk/add`); its names and flags must exist. */
export function call(box: Box, path: string, parts: CallParts = {}): Outcome {
  const words = path.split("/");
  const name = words.pop() ?? "";
  const command = box.tree.command(words, name);
  assert.ok(command, `there is no command ${path}`);
  for (const named of [...Object.keys(parts.named ?? {}), ...parts.unset ?? []]) {
    assert.ok(command.named.has(named), `${path} has no argument ${named}`);
  }
  for (const flag of parts.flags ?? []) {
    assert.ok(command.flags.has(flag), `${path} has no ${flag}`);
  }
  let output = "";
  const menuCall: MenuCall = {
    session: {
      user: "admin",
      policies: box.settings.users[0]?.policies ?? new Set(),
      width: parts.width ?? 80,
    },
    unnamed: parts.unnamed ?? [],
    named: new Map(Object.entries(parts.named ?? {})),
    unset: new Set(parts.unset ?? []),
    flags: new Set(parts.flags ?? []),
    where: parts.where ?? ((): boolean => true),
    signal: parts.signal,
    print: (text) => output += text,
  };
  const value = command.run(menuCall);
  assert.ok(!(value instanceof Promise), `${path} was expected to answer at once`);
  return { value, output };
}

/** Asserts that a call fails, and gives the text the console would print. */
export function failure(box: Box, path: string, parts: CallParts = {}): string {
  try {
    call(box, path, parts);
  } catch (error) {
    assert.ok(error instanceof RouterOsError, String(error));
    return error.text;
  }
  return assert.fail(`${path} did not fail`);
}

/** Adds a file disk of 1 GiB that nothing mounts, with the given changes. */
export function addDisk(
  box: Box,
  slot: string,
  more: Readonly<Record<string, Value>> = {},
): Outcome {
  return call(box, "disk/add", {
    named: {
      "type": "file",
      slot,
      "file-path": `storage-pool/${slot}.img`,
      "file-size": "1G",
      "mount-filesystem": false,
      ...more,
    },
  });
}

/** A condition on one property. */
export function whereIs(name: string, value: Value): (row: Row) => boolean {
  return (row) => row.get(name) === value;
}

/** The items of an array value. */
export function itemsOf(value: Value): readonly Value[] {
  assert.ok(isArray(value), "an array was expected");
  return value.items;
}

/** A map value as an object; ids as their text. */
export function objectOf(value: Value): Record<string, Value> {
  assert.ok(isArray(value), "a map was expected");
  return Object.fromEntries(
    [...value.entries].map(([key, entry]) => [key, isId(entry) ? entry.text : entry]),
  );
}

/** All properties of the disk in a slot, or undefined. */
export function diskIn(box: Box, slot: string): Record<string, Value> | undefined {
  const { value } = call(box, "disk/print", {
    flags: ["detail", "as-value"],
    where: whereIs("slot", slot),
  });
  const [row] = itemsOf(value);
  return row === undefined ? undefined : objectOf(row);
}

/** Bytes free in the pool, as a client reads them. */
export function freeBytes(box: Box): number {
  return Number(diskIn(box, "storage-pool")?.["free"]);
}

/** The contents of a file by `/file/read`. */
export function contentsOf(box: Box, file: string, offset = 0, length = 32768): string {
  const { value } = call(box, "file/read", {
    named: { file, offset, "chunk-size": length },
    flags: ["as-value"],
  });
  return String(objectOf(value)["data"]);
}

/** Whether a file of this name exists. */
export function hasFile(box: Box, name: string): boolean {
  return itemsOf(call(box, "file/find", { where: whereIs("name", name) }).value).length > 0;
}

function isArray(value: Value): value is ArrayValue {
  return typeof value === "object" && value !== null && value.type === "array";
}

function isId(value: Value): value is Extract<Value, { type: "id" }> {
  return typeof value === "object" && value !== null && value.type === "id";
}
