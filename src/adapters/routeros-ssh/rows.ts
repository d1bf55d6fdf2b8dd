/** Disk items as the box prints them for us: one JSON object per line, only what we need. */
import { script } from "./syntax.ts";
import type { Script } from "./syntax.ts";

/** One item of `/disk`; what the box did not say is undefined. */
export interface DiskRow {
  /** The internal id, for example `*2B`; holds until the next reboot. */
  readonly ref: string | undefined;
  readonly slot: string | undefined;
  /** `file` for ours. */
  readonly kind: string | undefined;
  readonly path: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly comment: string | undefined;
  readonly isExported: boolean | undefined;
  readonly port: number | undefined;
  readonly nqn: string | undefined;
  /** Whether the box mounts a file system it finds inside. */
  readonly isMounting: boolean | undefined;
  /** Whether somebody switched the item off; then it is not exported, whatever it says. */
  readonly isDisabled: boolean | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** Prints `value`, an array literal, as one line of JSON. */
export function putJson(value: Script): Script {
  return script`:put [:serialize to=json value=${value} options=json.no-string-conversion]`;
}

/** Prints the row in the variable `$r`. */
export const PUT_ROW: Script = putJson(script`{
  "id"=($r->".id"); "slot"=($r->"slot"); "kind"=($r->"type"); "path"=($r->"file-path");
  "size"=($r->"size"); "note"=($r->"comment"); "export"=($r->"nvme-tcp-export");
  "port"=($r->"nvme-tcp-server-port"); "nqn"=($r->"nvme-tcp-server-nqn");
  "mount"=($r->"mount-filesystem"); "off"=($r->"disabled")}`);

/** The objects among printed lines; whatever else a command prints is passed over. */
export function parseObjects(lines: readonly string[]): Json[] {
  const objects: Json[] = [];
  for (const line of lines) {
    if (!line.startsWith("{")) continue;
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) objects.push(value as Json);
  }
  return objects;
}

/** The rows among printed lines. */
export function parseRows(lines: readonly string[]): DiskRow[] {
  return parseObjects(lines).filter((object) => "slot" in object).map(rowOf);
}

/** The slots of items that a command removed on its way, by its own account. */
export function removedSlots(lines: readonly string[]): string[] {
  return parseObjects(lines).flatMap((object) => textOf(object["removed"]) ?? []);
}

/** A property that is a text; empty and absent are the same to RouterOS. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A property that is a whole number, or the text of one. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
}

/** A property that is yes or no. */
export function booleanOf(value: unknown): boolean | undefined {
  if (value === true || value === "true" || value === "yes") return true;
  return value === false || value === "false" || value === "no" ? false : undefined;
}

function rowOf(object: Json): DiskRow {
  return {
    ref: textOf(object["id"]),
    slot: textOf(object["slot"]),
    kind: textOf(object["kind"]),
    path: textOf(object["path"]),
    sizeBytes: numberOf(object["size"]),
    comment: textOf(object["note"]),
    isExported: booleanOf(object["export"]),
    port: numberOf(object["port"]),
    nqn: textOf(object["nqn"]),
    isMounting: booleanOf(object["mount"]),
    isDisabled: booleanOf(object["off"]),
  };
}
