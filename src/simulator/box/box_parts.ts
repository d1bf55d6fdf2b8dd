/** What the menus of a box work with. */
import type { BackingFiles } from "./backing_files.ts";
import type { DiskRows } from "./disk_row.ts";
import type { DiskTable } from "./disk_table.ts";
import type { EventLog } from "./event_log.ts";
import type { FileTable } from "./file_table.ts";
import type { BoxSettings } from "./options.ts";
import type { BoxState } from "./state.ts";
import type { SubvolumeTable } from "./subvolume_table.ts";
import type { TrafficCounters } from "./traffic.ts";
import type { ViolationLog } from "./violation_log.ts";

/** The inside of a box. */
export interface BoxParts {
  readonly settings: BoxSettings;
  readonly state: BoxState;
  readonly backing: BackingFiles;
  readonly files: FileTable;
  readonly disks: DiskTable;
  readonly diskRows: DiskRows;
  readonly subvolumes: SubvolumeTable;
  readonly traffic: TrafficCounters;
  readonly log: EventLog;
  readonly violations: ViolationLog;
  /** When the box was started last, in wall-clock milliseconds. */
  readonly bootedMs: () => number;
}
