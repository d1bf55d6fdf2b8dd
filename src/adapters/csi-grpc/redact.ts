/**
 * A message as plain values for the log, without its secrets.
 *
 * What is secret is read from the descriptor (`csi_secret`), not from a list of names, so a secret
 * field of a later specification is covered as soon as the code is generated from it.
 */
import { type DescField, type DescMessage, getOption, hasOption } from "@bufbuild/protobuf";
import type { Message } from "@bufbuild/protobuf";
import { isReflectMessage, reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { csi_secret } from "./gen/csi_pb.ts";

/** A value that JSON can hold. */
export type PlainValue = string | number | boolean | readonly PlainValue[] | PlainObject;
/** An object that JSON can hold. */
export type PlainObject = { readonly [name: string]: PlainValue };

/** What stands in the place of a secret. */
export const SECRET_TEXT = "[secret]";

/**
 * Fields that the text of the specification calls sensitive without marking them: mount options
 * may hold credentials.
 */
const SENSITIVE_FIELDS: ReadonlySet<string> = new Set([
  "csi.v1.VolumeCapability.MountVolume.mount_flags",
]);

/** A request may be refused because it is too large; its log line must not be. */
const MAX_SHOWN_CHARACTERS = 256;
const MAX_SHOWN_ITEMS = 32;

/**
 * `message` as plain values: fields that are set, under their names in the proto file; enums by
 * name; 64-bit numbers as text; secrets as `[secret]`; long texts and lists cut.
 */
export function redact(schema: DescMessage, message: Message): PlainObject {
  return redactMessage(reflect(schema, message));
}

function redactMessage(message: ReflectMessage): PlainObject {
  const plain: Record<string, PlainValue> = {};
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    plain[field.name] = isSecret(field) ? SECRET_TEXT : redactField(message, field);
  }
  return plain;
}

function isSecret(field: DescField): boolean {
  return (hasOption(field, csi_secret) && getOption(field, csi_secret)) ||
    SENSITIVE_FIELDS.has(`${field.parent.typeName}.${field.name}`);
}

function redactField(message: ReflectMessage, field: DescField): PlainValue {
  switch (field.fieldKind) {
    case "message":
      return redactMessage(message.get(field));
    case "list":
      return redactList([...message.get(field)], field);
    case "map":
      return redactMap([...message.get(field)], field);
    case "enum":
    case "scalar":
      return redactSingle(message.get(field), field);
  }
}

function redactList(items: readonly unknown[], field: DescField): readonly PlainValue[] {
  const shown = items.slice(0, MAX_SHOWN_ITEMS).map((item) => redactSingle(item, field));
  const hidden = items.length - shown.length;
  return hidden > 0 ? [...shown, `… ${hidden} more`] : shown;
}

function redactMap(
  entries: readonly (readonly [unknown, unknown])[],
  field: DescField,
): PlainObject {
  const shown = entries.slice(0, MAX_SHOWN_ITEMS).map(([key, value]) =>
    [cut(String(key)), redactSingle(value, field)] as const
  );
  const hidden = entries.length - shown.length;
  return Object.fromEntries(hidden > 0 ? [...shown, ["…", `${hidden} more`]] : shown);
}

function redactSingle(value: unknown, field: DescField): PlainValue {
  if (isReflectMessage(value)) return redactMessage(value);
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (typeof value === "number") return field.enum?.value[value]?.name ?? value;
  if (typeof value === "boolean") return value;
  return cut(String(value));
}

function cut(text: string): string {
  if (text.length <= MAX_SHOWN_CHARACTERS) return text;
  return `${text.slice(0, MAX_SHOWN_CHARACTERS)}… (${text.length} characters)`;
}
