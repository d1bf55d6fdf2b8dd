/** What the mount adapters work with. */
import type { Clock } from "../../ports/clock.ts";
import type { KernelCalls } from "../../ports/kernel_calls.ts";
import type { Programs } from "../../ports/programs.ts";
import type { KernelFiles, KernelTables } from "./kernel_tables.ts";
import type { MountTable } from "./mount_table.ts";
import type { Notes } from "./records.ts";

/** Shared by everything in this folder. */
export interface MountParts {
  readonly programs: Programs;
  readonly kernelCalls: KernelCalls;
  readonly clock: Clock;
  readonly files: KernelFiles;
  readonly tables: KernelTables;
  readonly table: MountTable;
  readonly notes: Notes;
  /** For mounts of a moment, see `binding.ts`. */
  readonly scratchDirectory: string;
}
