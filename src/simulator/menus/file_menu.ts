/** `/file`: names without a leading slash. */
import type { BoxParts } from "../box/box_parts.ts";
import { isWithin, lastComponentOf, parentOf, storedName } from "../box/names.ts";
import { removeFiles, renameFile } from "../box/open_files.ts";
import type { FileRecord } from "../box/records.ts";
import { isAtLeast, SINCE } from "../box/versions.ts";
import { WORDINGS } from "../box/wordings.ts";
import { textOf } from "../language/text.ts";
import { mapOf, type Value } from "../language/values.ts";
import { type Menu, type MenuCall, type Policy, RouterOsError, type Row } from "../menu.ts";
import { timestamp } from "../printing/human.ts";
import type { PrintLayout } from "../printing/layout.ts";
import {
  argumentOf,
  numberArgument,
  requiredArgument,
  sizeArgument,
  textArgument,
} from "./argument_values.ts";
import { bytesOf, textOfBytes } from "./file_contents.ts";
import {
  command,
  findCommand,
  getCommand,
  itemsNamed,
  type Listing,
  printCommand,
} from "./listing.ts";

const WRITE: readonly Policy[] = ["write"];
/** How the ids of mounts begin; they are in no table. */
const MOUNT_ID = "*M-";
const LONGEST_CHUNK_BYTES = 32768;
const LONGEST_CONTENTS_BYTES = 61440;

const FILE_LAYOUT: PrintLayout = {
  properties: [
    { name: "name", form: "word" },
    { name: "type", form: "word" },
    { name: "size", form: "human" },
    { name: "last-modified", form: "word" },
  ],
  columns: ["name", "type", "size", "last-modified"],
  flags: [],
};

/** The commands of `/file`. */
export function fileMenu(parts: BoxParts): Menu {
  const rows = new FileRows(parts);
  const listing: Listing = {
    layout: FILE_LAYOUT,
    key: "name",
    hasUniqueKey: true,
    rows: (call) => rows.listed(call),
    rowOf: (word) => rows.named(word),
    extra: (row, property) => property === "contents" ? contentsOf(parts, row) : undefined,
    printNames: ["path"],
    printFlags: ["recursive", "relative", "show-hidden"],
  };
  const menu: Record<string, Menu[string]> = {
    print: printCommand(listing),
    find: findCommand(listing),
    get: getCommand(listing),
    add: command((call) => addFile(parts, call), {
      named: ["name", "type", "contents"],
      policies: WRITE,
    }),
    set: command((call) => {
      for (const row of itemsNamed(requiredArgument(call, "numbers", 0), listing)) {
        setFile(parts, row, call);
      }
      return undefined;
    }, { named: ["numbers", "name", "contents"], unnamed: ["numbers"], policies: WRITE }),
    remove: command((call) => {
      for (const row of itemsNamed(requiredArgument(call, "numbers", 0), listing)) {
        removeFiles(parts, recordOf(parts, row).name);
      }
      return undefined;
    }, { named: ["numbers"], unnamed: ["numbers"], policies: WRITE }),
    read: command((call) => readFile(parts, call), {
      named: ["file", "offset", "chunk-size"],
      flags: ["as-value"],
    }),
  };
  if (isAtLeast(parts.settings.version, SINCE.fileCopy)) {
    menu["copy"] = command((call) => {
      const [row] = itemsNamed(requiredArgument(call, "number", 0), listing);
      if (row === undefined) throw new RouterOsError("no such item");
      const name = nameArgument(requiredArgument(call, "name"));
      parts.files.copyTree(recordOf(parts, row), name, parts.settings.fileCopy);
      return undefined;
    }, { named: ["number", "name"], unnamed: ["number"], policies: WRITE });
  }
  return menu;
}

/** Rows of files, each kept for as long as its record does not change. */
class FileRows {
  readonly #parts: BoxParts;
  readonly #rows = new WeakMap<FileRecord, Row>();

  constructor(parts: BoxParts) {
    this.#parts = parts;
  }

  /** All rows; with `path=` those in that directory, with `recursive` also those below. */
  *listed(call: MenuCall): Iterable<Row> {
    const path = argumentOf(call, "path");
    const within = path === undefined ? undefined : storedName(textArgument(path)) ?? "";
    const isWanted = (name: string): boolean => {
      if (within === undefined || within === "") return true;
      if (!call.flags.has("recursive")) return parentOf(name) === within;
      return name !== within && isWithin(name, within);
    };
    for (const mount of this.#parts.files.mountNames()) {
      if (isWanted(mount)) yield mountRow(mount);
    }
    for (const file of this.#parts.files.all()) {
      if (isWanted(file.name)) yield this.#rowOf(file);
    }
  }

  named(word: string): Row | undefined {
    const { files } = this.#parts;
    const name = storedName(word) ?? "";
    const file = files.byId(word) ?? files.get(name);
    if (file !== undefined) return this.#rowOf(file);
    const mount = word.startsWith(MOUNT_ID) ? word.slice(MOUNT_ID.length) : name;
    return files.isMount(mount) ? mountRow(mount) : undefined;
  }

  #rowOf(file: FileRecord): Row {
    const known = this.#rows.get(file);
    if (known !== undefined) return known;
    const entries: [string, Value][] = [
      [".id", { type: "id", text: file.id }],
      ["last-modified", timestamp(file.modifiedMs)],
      ["name", file.name],
    ];
    if (file.kind === "file") entries.push(["size", file.sizeBytes]);
    entries.push(["type", typeOf(file)]);
    const row: Row = new Map(entries);
    this.#rows.set(file, row);
    return row;
  }
}

function mountRow(name: string): Row {
  return new Map<string, Value>([
    [".id", { type: "id", text: `${MOUNT_ID}${name}` }],
    ["name", name],
    ["type", "disk"],
  ]);
}

/** `.img file`, `directory`, or `file` for a name without an extension. */
function typeOf(file: FileRecord): string {
  if (file.kind === "directory") return "directory";
  const last = lastComponentOf(file.name);
  const dot = last.lastIndexOf(".");
  return dot < 0 ? "file" : `${last.slice(dot)} file`;
}

function recordOf(parts: BoxParts, row: Row): FileRecord {
  const record = parts.files.byId(textOf(row.get(".id")));
  if (record === undefined) throw new RouterOsError("can not do that");
  return record;
}

function nameArgument(value: Value): string {
  const name = storedName(textArgument(value));
  if (name === undefined) throw new RouterOsError("invalid value for argument name");
  return name;
}

function addFile(parts: BoxParts, call: MenuCall): Value {
  const name = nameArgument(requiredArgument(call, "name"));
  const type = textArgument(argumentOf(call, "type") ?? "file");
  if (type === "directory") return { type: "id", text: parts.files.makeDirectory(name).id };
  if (type !== "file") throw new RouterOsError("input does not match any value of type");
  const contents = checkedContents(parts, argumentOf(call, "contents") ?? "");
  const file = parts.files.create(name, contents.length);
  if (contents.length > 0) parts.files.write(file, contents);
  return { type: "id", text: file.id };
}

function setFile(parts: BoxParts, row: Row, call: MenuCall): void {
  const contents = argumentOf(call, "contents");
  const name = argumentOf(call, "name");
  if (contents !== undefined) {
    const file = recordOf(parts, row);
    if (file.kind !== "file") throw new RouterOsError("can not do that");
    parts.files.write(file, checkedContents(parts, contents));
  }
  if (name !== undefined) renameFile(parts, recordOf(parts, row), nameArgument(name));
}

function checkedContents(parts: BoxParts, value: Value): Uint8Array {
  const bytes = bytesOf(textArgument(value));
  if (bytes.length > LONGEST_CONTENTS_BYTES) {
    throw new RouterOsError(WORDINGS[parts.settings.wordings].contentsTooLong);
  }
  return bytes;
}

function contentsOf(parts: BoxParts, row: Row): Value {
  const file = recordOf(parts, row);
  if (file.kind !== "file" || file.sizeBytes > LONGEST_CONTENTS_BYTES) return "";
  return textOfBytes(parts.files.read(file, 0, file.sizeBytes));
}

function readFile(parts: BoxParts, call: MenuCall): Value {
  const name = nameArgument(requiredArgument(call, "file"));
  const record = parts.files.get(name) ?? parts.files.byId(name);
  if (record?.kind !== "file") throw new RouterOsError("no such item");
  const offset = sizeArgument("offset", argumentOf(call, "offset") ?? 0);
  const wanted = argumentOf(call, "chunk-size") ?? LONGEST_CHUNK_BYTES;
  const length = numberArgument(
    "chunk-size",
    sizeArgument("chunk-size", wanted),
    1,
    LONGEST_CHUNK_BYTES,
  );
  const data = textOfBytes(parts.files.read(record, offset, length));
  if (!call.flags.has("as-value")) call.print(`  data: ${data}\n`);
  return mapOf([["data", data]]);
}
