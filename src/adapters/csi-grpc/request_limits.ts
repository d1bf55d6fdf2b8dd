/**
 * The limits that the CSI specification sets for the fields of every request: sizes, and the
 * characters that a name may not hold. What a field means is checked by the service that reads it.
 */
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { isReflectMessage, reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { StorageError } from "../../domain/errors.ts";

const MAX_STRING_BYTES = 128;
const MAX_MAP_BYTES = 4 * 1024;
const MAX_NODE_ID_BYTES = 256;
/** Linux's PATH_MAX; the specification leaves paths to the operating system. */
const MAX_PATH_BYTES = 4096;
/** All mount flags together. */
const MAX_MOUNT_FLAGS_BYTES = 4 * 1024;
/** The specification has no bound for lists; this one is far above any use of a real caller. */
const MAX_LIST_ITEMS = 1024;

/** Fields whose description in the specification overrides the general limit for a string. */
const STRING_LIMITS: Readonly<Record<string, number>> = {
  node_id: MAX_NODE_ID_BYTES,
  staging_target_path: MAX_PATH_BYTES,
  target_path: MAX_PATH_BYTES,
  volume_path: MAX_PATH_BYTES,
};

/** Control characters other than tab, line feed and carriage return. */
const BANNED_IN_NAMES = /(?![\t\n\r])\p{Cc}/u;

const encoder = new TextEncoder();

/**
 * Checks every field of a request, however deep.
 * @throws {StorageError} `invalid`, naming the first field that breaks a limit and its size.
 */
export function checkLimits(schema: DescMessage, request: Message): void {
  checkMessage(reflect(schema, request), "");
}

function checkMessage(message: ReflectMessage, prefix: string): void {
  for (const field of message.fields) {
    if (message.isSet(field)) checkField(message, field, `${prefix}${field.name}`);
  }
}

function checkField(message: ReflectMessage, field: DescField, path: string): void {
  switch (field.fieldKind) {
    case "message":
      return checkMessage(message.get(field), `${path}.`);
    case "list":
      return checkList([...message.get(field)], field, path);
    case "map":
      return checkMap(message.get(field), path);
    case "scalar":
      return checkScalar(message.get(field), field, path);
    case "enum":
      return;
  }
}

function checkList(items: readonly unknown[], field: DescField, path: string): void {
  if (items.length > MAX_LIST_ITEMS) {
    throw refusal(`${path} has ${items.length} items, and at most ${MAX_LIST_ITEMS} are allowed`);
  }
  if (field.name === "mount_flags") return checkMountFlags(items, path);
  items.forEach((item, index) => {
    if (typeof item === "string") {
      checkSize(byteLength(item), MAX_STRING_BYTES, `${path}[${index}]`);
    } else if (isReflectMessage(item)) checkMessage(item, `${path}[${index}].`);
  });
}

function checkMountFlags(flags: readonly unknown[], path: string): void {
  const bytes = flags.reduce<number>((sum, flag) => sum + byteLength(String(flag)), 0);
  checkSize(bytes, MAX_MOUNT_FLAGS_BYTES, path);
}

function checkMap(entries: Iterable<readonly [unknown, unknown]>, path: string): void {
  let bytes = 0;
  for (const [key, value] of entries) bytes += byteLength(String(key)) + byteLength(String(value));
  checkSize(bytes, MAX_MAP_BYTES, path);
}

function checkScalar(value: unknown, field: DescField, path: string): void {
  if (typeof value !== "string") return;
  checkSize(byteLength(value), STRING_LIMITS[field.name] ?? MAX_STRING_BYTES, path);
  const banned = field.name === "name" ? BANNED_IN_NAMES.exec(value) : null;
  if (banned !== null) throw refusal(`${path} has the control character ${codePoint(banned[0])}`);
}

function checkSize(bytes: number, limit: number, path: string): void {
  if (bytes <= limit) return;
  throw refusal(`${path} has ${bytes} bytes, and at most ${limit} are allowed`);
}

function byteLength(text: string): number {
  return encoder.encode(text).byteLength;
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function refusal(finding: string): StorageError {
  return new StorageError("invalid", `Cannot accept the request: ${finding}`);
}
