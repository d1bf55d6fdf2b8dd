/** Opening the ports `Mounter` and `FileSystems` over the running kernel. */
import { join } from "node:path";
import type { Clock } from "../../ports/clock.ts";
import type { FileSystems } from "../../ports/file_systems.ts";
import type { KernelCalls } from "../../ports/kernel_calls.ts";
import type { Mounter } from "../../ports/mounter.ts";
import type { Programs } from "../../ports/programs.ts";
import { sweepScratch } from "./binding.ts";
import { LinuxFileSystems } from "./file_systems.ts";
import { KERNEL_FILES, KernelTables } from "./kernel_tables.ts";
import { MountTable } from "./mount_table.ts";
import { LinuxMounter } from "./mounter.ts";
import { Notes } from "./records.ts";
import { dropOldNotes } from "./releasing.ts";

/** What the adapters need. */
export interface MountAdapterOptions {
  readonly programs: Programs;
  readonly kernelCalls: KernelCalls;
  readonly clock: Clock;
  /** An existing directory that outlives the process and its container. */
  readonly stateDirectory: string;
  /**
   * Whether this is the process that serves: it takes away what an earlier one left half done. A
   * command beside it must not, for what looks so may be half done now.
   */
  readonly sweeps: boolean;
}

/** The two ports; they belong together. */
export interface MountAdapters {
  readonly mounter: Mounter;
  readonly fileSystems: FileSystems;
}

/** Opens the ports; `sweeps` takes away what an earlier process left half done. Safe to repeat. */
export async function openMountAdapters(
  { programs, kernelCalls, clock, stateDirectory, sweeps }: MountAdapterOptions,
): Promise<MountAdapters> {
  // The kernel names mounts by their real paths.
  const directory = join(await Deno.realPath(stateDirectory), "mounts");
  const tables = new KernelTables(KERNEL_FILES);
  const notes = new Notes(directory);
  const parts = {
    programs,
    kernelCalls,
    clock,
    files: KERNEL_FILES,
    tables,
    table: new MountTable(tables, notes),
    notes,
    scratchDirectory: join(directory, "binding"),
  };
  if (sweeps) {
    await sweepScratch(parts);
    await dropOldNotes(parts);
  }
  return { mounter: new LinuxMounter(parts), fileSystems: new LinuxFileSystems(parts) };
}
