/** `/disk`: file disks, the pool and everybody else's disks. */
import type { BoxParts } from "../box/box_parts.ts";
import { type DiskArgument, diskArguments } from "../box/disk_properties.ts";
import type { DiskRecord } from "../box/records.ts";
import { slotOf } from "../box/disk_record.ts";
import type { Value } from "../language/values.ts";
import { type Menu, type MenuCall, type Policy, RouterOsError } from "../menu.ts";
import { argumentOf, requiredArgument, wordList } from "./argument_values.ts";
import { diskProperties } from "./disk_arguments.ts";
import { diskCopyCommand } from "./disk_copy.ts";
import { diskExportCommand } from "./disk_export.ts";
import { diskListing, disksNamed } from "./disk_listing.ts";
import { monitorTrafficCommand } from "./disk_traffic.ts";
import { command, findCommand, getCommand, printCommand } from "./listing.ts";

const WRITE: readonly Policy[] = ["write"];

/** The commands of `/disk`. */
export function diskMenu(parts: BoxParts): Menu {
  const { version, storagePackage } = parts.settings;
  const known = diskArguments(version, storagePackage);
  const listing = diskListing(parts);
  return {
    "print": printCommand(listing),
    "find": findCommand(listing),
    "get": getCommand(listing),
    "add": command((call) => add(parts, known, call), {
      named: [...known.keys(), "copy-from"],
      policies: WRITE,
    }),
    "set": changing(parts, [...known.keys()], (call, disk) => {
      parts.disks.change(disk, diskProperties(call, known), call.unset);
    }),
    "unset": unsetCommand(parts, known),
    "comment": changing(parts, ["comment"], (call, disk) => {
      parts.disks.change(disk, diskProperties(call, known), call.unset);
    }),
    "enable": changing(parts, [], (_call, disk) => setDisabled(parts, disk, false)),
    "disable": changing(parts, [], (_call, disk) => setDisabled(parts, disk, true)),
    "remove": changing(parts, [], (_call, disk) => {
      parts.disks.remove(disk);
      parts.traffic.forget(disk.id);
      parts.log.add("disk,info", `disk removed: ${slotOf(disk)}`);
    }),
    "export": diskExportCommand(parts),
    "monitor-traffic": monitorTrafficCommand(parts),
    "copy": diskCopyCommand(parts),
  };
}

function add(parts: BoxParts, known: ReadonlyMap<string, DiskArgument>, call: MenuCall): Value {
  const properties = diskProperties(call, known);
  const from = argumentOf(call, "copy-from");
  const disk = parts.disks.add(properties, from === undefined ? undefined : source(parts, from));
  parts.log.add("disk,info", `disk added: ${slotOf(disk)}`);
  return { type: "id", text: disk.id };
}

function source(parts: BoxParts, from: Value): DiskRecord | undefined {
  const found = disksNamed(parts, from);
  if (found.length > 1) throw new RouterOsError("invalid value for argument copy-from");
  return found[0];
}

/** A command on the items that `numbers` names; none is fine. */
function changing(
  parts: BoxParts,
  named: readonly string[],
  change: (call: MenuCall, disk: DiskRecord) => void,
): Menu[string] {
  return command((call) => {
    for (const disk of disksNamed(parts, requiredArgument(call, "numbers", 0))) change(call, disk);
    return undefined;
  }, { named: ["numbers", ...named], unnamed: ["numbers"], policies: WRITE });
}

function unsetCommand(parts: BoxParts, known: ReadonlyMap<string, DiskArgument>): Menu[string] {
  return command((call) => {
    const names = wordList(requiredArgument(call, "value-name", 1));
    if (names.some((name) => !known.has(name))) {
      throw new RouterOsError("input does not match any value of value-name");
    }
    for (const disk of disksNamed(parts, requiredArgument(call, "numbers", 0))) {
      parts.disks.change(disk, new Map(), new Set(names));
    }
    return undefined;
  }, {
    named: ["numbers", "value-name"],
    unnamed: ["numbers", "value-name"],
    policies: WRITE,
  });
}

function setDisabled(parts: BoxParts, disk: DiskRecord, isDisabled: boolean): void {
  parts.disks.change(disk, new Map([["disabled", isDisabled]]));
}
