/**
 * The exports of a simulated box, for tools that play the NVMe side of it: which subsystem is
 * backed by which file. Such a tool needs the data directory and nothing else; it may read while
 * the simulator runs.
 *
 * The list is not a file of its own. It is derived from the state (see `journal.ts` for the form
 * of the files): the records of the collection `disk` after the last change, of which those count
 * that are enabled, have data and `"nvme-tcp-export": true` under `configured`. `backing` is
 * relative to the directory; `identity` holds `namespaceUuid` and `serial`.
 */
import { diskSizeBytes, exportPortOf, isExported, slotOf, subsystemNameOf } from "./disk_record.ts";
import { readStateChanges } from "./journal.ts";
import type { DiskRecord } from "./records.ts";

/** One exported disk. */
export interface ExportEntry {
  readonly slot: string;
  /** The subsystem's name: the NQN, on a box before 7.21 the slot. */
  readonly nqn: string;
  readonly port: number;
  /** The file that holds the data; absolute when the directory was given so. */
  readonly backingPath: string;
  /** Where in the file the disk starts. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly namespaceUuid: string;
  readonly serial: string;
}

const ATTEMPTS = 5;

/**
 * The exports of the box whose data directory this is, also while a simulator changes it.
 * @throws {Error} when the directory holds no state, or one of another schema version.
 */
export function readExports(directory: string): Promise<readonly ExportEntry[]> {
  for (let attempt = 1;; attempt++) {
    const before = readStateChanges(directory);
    if (before.generation === 0) {
      throw new Error(`Cannot read exports of "${directory}": it holds no simulator state`);
    }
    // The journal may have been folded between reading the snapshot and the journal.
    if (readStateChanges(directory).generation !== before.generation && attempt < ATTEMPTS) {
      continue;
    }
    const disks = new Map<string, DiskRecord>();
    let version = "";
    for (const [collection, key, record] of before.changes) {
      if (collection === "setting" && key === "version") version = String(record);
      if (collection !== "disk") continue;
      if (record === undefined) disks.delete(key);
      else disks.set(key, record as DiskRecord);
    }
    return Promise.resolve(
      exportEntries(disks.values(), version, (path) => `${directory}/${path}`),
    );
  }
}

/** The exports among some disks. */
export function exportEntries(
  disks: Iterable<DiskRecord>,
  version: string,
  pathOf: (backing: string) => string,
): ExportEntry[] {
  const entries: ExportEntry[] = [];
  for (const disk of disks) {
    if (!isExported(disk) || disk.backing === undefined || disk.identity === undefined) continue;
    entries.push({
      slot: slotOf(disk),
      nqn: subsystemNameOf(disk, version),
      port: exportPortOf(disk),
      backingPath: pathOf(disk.backing),
      offsetBytes: Number(disk.configured["file-offset"] ?? 0),
      sizeBytes: diskSizeBytes(disk),
      ...disk.identity,
    });
  }
  return entries;
}
