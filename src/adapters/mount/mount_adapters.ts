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

/** What the adapters need. */
export interface MountAdapterOptions {
  readonly programs: Programs;
  readonly kernelCalls: KernelCalls;
  readonly clock: Clock;
  /**
   * A directory that outlives the process and its container, made when missing; one process uses it
   * at a time.
   */
  readonly stateDirectory: string;
  /** Whether left-overs go; default yes. Not for a command beside the process that serves. */
  readonly sweeps?: boolean;
}

/** The two ports; they belong together. */
export interface MountAdapters {
  readonly mounter: Mounter;
  readonly fileSystems: FileSystems;
}

/** Opens the ports; `sweeps` takes away what an earlier process left half done. Safe to repeat. */
export async function openMountAdapters(
  { programs, kernelCalls, clock, stateDirectory, sweeps = true }: MountAdapterOptions,
): Promise<MountAdapters> {
  await Deno.mkdir(stateDirectory, { recursive: true });
  const directory = await Deno.realPath(stateDirectory);
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
  if (sweeps) await sweepScratch(parts);
  return { mounter: new LinuxMounter(parts), fileSystems: new LinuxFileSystems(parts) };
}
