/** The disks of a box as the list that every command of `/disk` works on. */
import type { BoxParts } from "../box/box_parts.ts";
import type { DiskRecord } from "../box/records.ts";
import { textOf } from "../language/text.ts";
import type { Value } from "../language/values.ts";
import type { Row } from "../menu.ts";
import { DISK_LAYOUT } from "./disk_layout.ts";
import { itemsNamed, type Listing } from "./listing.ts";

/** The disks as a list: by id or slot, and fast for conditions on either. */
export function diskListing(parts: BoxParts): Listing {
  const { disks, diskRows } = parts;
  return {
    layout: DISK_LAYOUT,
    key: "slot",
    hasUniqueKey: true,
    rows: function* (): Iterable<Row> {
      for (const disk of disks.all()) yield diskRows.rowOf(disk);
    },
    rowOf: (word) => {
      const disk = disks.get(word) ?? disks.bySlot(word);
      return disk === undefined ? undefined : diskRows.rowOf(disk);
    },
    printFlags: ["show-sensitive"],
  };
}

/**
 * The disks that a value names.
 * @throws {RouterOsError} `no such item`.
 */
export function disksNamed(parts: BoxParts, value: Value): DiskRecord[] {
  const rows = itemsNamed(value, diskListing(parts));
  const found = rows.map((row) => parts.disks.get(textOf(row.get(".id"))));
  return found.filter((disk) => disk !== undefined);
}
