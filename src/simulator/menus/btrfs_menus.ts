/** `/disk/btrfs`: the pool's file system and its subvolumes. */
import type { BoxParts } from "../box/box_parts.ts";
import { lastComponentOf, storedName } from "../box/names.ts";
import { POOL_NAME } from "../box/options.ts";
import type { SubvolumeRecord } from "../box/records.ts";
import { textOf } from "../language/text.ts";
import type { Value } from "../language/values.ts";
import { type Menu, type MenuCall, type Policy, RouterOsError, type Row } from "../menu.ts";
import { humanBytes, timestamp } from "../printing/human.ts";
import type { PrintLayout } from "../printing/layout.ts";
import { argumentOf, booleanArgument, requiredArgument, textArgument } from "./argument_values.ts";
import {
  command,
  findCommand,
  getCommand,
  itemsNamed,
  type Listing,
  printCommand,
  rowByWalking,
} from "./listing.ts";

const WRITE: readonly Policy[] = ["write"];

const FILE_SYSTEM_LAYOUT: PrintLayout = {
  properties: [
    { name: "label", form: "quoted" },
    { name: "uuid", form: "quoted" },
    { name: "total-devs", form: "word" },
    { name: "devs", form: "word" },
    { name: "spaces", form: "quoted" },
  ],
  columns: ["label", "uuid", "total-devs", "devs"],
  flags: [{ letter: "I", property: "missing-devs", legend: "MISSING-DEVS" }],
};

const SUBVOLUME_LAYOUT: PrintLayout = {
  properties: [
    { name: "fs", form: "word" },
    { name: "parent", form: "quoted" },
    { name: "name", form: "quoted" },
    { name: "fullname", form: "quoted" },
    { name: "read-only", form: "boolean" },
    { name: "top-level", form: "word" },
    { name: "uuid", form: "quoted" },
    { name: "creation-time", form: "word" },
    { name: "subvolume-id", form: "word" },
    { name: "generation", form: "word" },
  ],
  columns: ["fs", "fullname", "parent", "creation-time"],
  flags: [
    { letter: "S", property: "snapshot", legend: "SNAPSHOT" },
    { letter: "r", property: "read-only", legend: "READ-ONLY" },
  ],
};

const TOP_LEVEL_ID = 5;

/** The commands of `/disk/btrfs/filesystem`; an XFS pool has no row here. */
export function btrfsFileSystemMenu(parts: BoxParts): Menu {
  const rows = (): Row[] => fileSystemRows(parts);
  const rowOf = rowByWalking(rows, "label");
  const listing: Listing = { layout: FILE_SYSTEM_LAYOUT, key: "label", rows, rowOf };
  return {
    print: printCommand(listing),
    find: findCommand(listing),
    get: getCommand(listing),
  };
}

function fileSystemRows({ disks, files, settings }: BoxParts): Row[] {
  const pool = disks.bySlot(POOL_NAME);
  if (pool?.facts["fs"] !== "btrfs") return [];
  const used = Number(pool.facts["size"]) - files.freeBytes(POOL_NAME);
  return [
    new Map<string, Value>([
      [".id", { type: "id", text: "*1" }],
      ["devs", POOL_NAME],
      ["label", pool.facts["fs-label"] ?? settings.poolFileSystem],
      ["missing-devs", false],
      ["spaces", `data,single:${humanBytes(used)} ${POOL_NAME}`],
      ["total-devs", 1],
      ["uuid", pool.facts["fs-uuid"]],
    ]),
  ];
}

/** The commands of `/disk/btrfs/subvolume`. */
export function btrfsSubvolumeMenu(parts: BoxParts): Menu {
  const { subvolumes } = parts;
  const listing: Listing = {
    layout: SUBVOLUME_LAYOUT,
    key: "name",
    rows: () => [...subvolumes.all()].map(subvolumeRow),
    rowOf: (word) => {
      const found = subvolumes.byId(word) ?? subvolumes.find(word);
      return found === undefined ? undefined : subvolumeRow(found);
    },
  };
  return {
    print: printCommand(listing),
    find: findCommand(listing),
    get: getCommand(listing),
    add: command((call) => addSubvolume(parts, call), {
      named: ["fs", "name", "parent", "read-only", "copy-from"],
      policies: WRITE,
    }),
    remove: command((call) => {
      const rows = itemsNamed(requiredArgument(call, "numbers", 0), listing);
      for (const row of rows) {
        const subvolume = subvolumes.byId(textOf(row.get(".id")));
        if (subvolume !== undefined) subvolumes.remove(subvolume, parts);
      }
      return undefined;
    }, { named: ["numbers"], unnamed: ["numbers"], policies: WRITE }),
  };
}

function addSubvolume(parts: BoxParts, call: MenuCall): Value {
  const { disks, subvolumes } = parts;
  const fileSystem = textArgument(requiredArgument(call, "fs"));
  const pool = disks.bySlot(POOL_NAME);
  const isPool = fileSystem === POOL_NAME || fileSystem === pool?.facts["fs-label"] ||
    fileSystem === "*1";
  if (!isPool || pool?.facts["fs"] !== "btrfs") {
    throw new RouterOsError("input does not match any value of fs");
  }
  const name = storedName(textArgument(requiredArgument(call, "name")));
  if (name === undefined) throw new RouterOsError("invalid value for argument name");
  const parentName = argumentOf(call, "parent");
  const parent = parentName === undefined ? undefined : subvolumes.find(textArgument(parentName));
  if (parentName !== undefined && parent === undefined) {
    throw new RouterOsError("input does not match any value of parent");
  }
  const isReadOnly = booleanArgument("read-only", argumentOf(call, "read-only") ?? false);
  return { type: "id", text: subvolumes.add(name, parent, isReadOnly).id };
}

function subvolumeRow(subvolume: SubvolumeRecord): Row {
  const entries: [string, Value][] = [
    [".id", { type: "id", text: subvolume.id }],
    ["creation-time", timestamp(subvolume.createdMs)],
    ["fs", POOL_NAME],
    ["fullname", subvolume.fullName],
    ["generation", subvolume.generation],
    ["name", lastComponentOf(subvolume.fullName)],
    ["parent", subvolume.parent],
    ["read-only", subvolume.isReadOnly],
    ["snapshot", subvolume.parent !== undefined],
    ["subvolume-id", subvolume.subvolumeId],
    ["top-level", TOP_LEVEL_ID],
    ["uuid", subvolume.uuid],
  ];
  return new Map(entries.filter(([, value]) => value !== undefined));
}
