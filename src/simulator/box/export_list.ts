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
import {
  allowedHostsOf,
  diskSizeBytes,
  exportPortOf,
  isExported,
  slotOf,
  subsystemNameOf,
} from "./disk_record.ts";
import { readStateChanges, type StateChange } from "./journal.ts";
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
  /** The host NQNs that may connect; none: every host may. */
  readonly allowedHosts: readonly string[];
}

const ATTEMPTS = 5;

/**
 * The exports of the box whose data directory this is, also while a simulator changes it.
 * @throws {Error} when the directory holds no state, or one of another schema version.
 */
export function readExports(directory: string): Promise<readonly ExportEntry[]> {
  return new Promise((resolve) => resolve(readNow(directory)));
}

function readNow(directory: string): readonly ExportEntry[] {
  const disks = new Map<string, DiskRecord>();
  let version = "";
  for (const [collection, key, record] of unfoldedChanges(directory)) {
    if (collection === "setting" && key === "version") version = String(record);
    if (collection !== "disk") continue;
    if (record === undefined) disks.delete(key);
    else disks.set(key, record as DiskRecord);
  }
  return exportEntries(disks.values(), version, (path) => `${directory}/${path}`);
}

/** The changes of a moment in which the simulator did not fold its journal. */
function unfoldedChanges(directory: string): readonly StateChange[] {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { generation, changes } = readStateChanges(directory);
    if (generation === 0) {
      throw new Error(`Cannot read exports of "${directory}": it holds no simulator state`);
    }
    if (readStateChanges(directory).generation === generation) return changes;
  }
  throw new Error(`Cannot read exports of "${directory}": its state changes too fast`);
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
      allowedHosts: allowedHostsOf(disk),
    });
  }
  return entries;
}
