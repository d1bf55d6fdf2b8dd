/**
 * The files of this machine that are read in the serving process: attributes of sysfs, tables of
 * proc, small files of /etc. None of these reads can hang; whatever can goes through the port
 * `KernelCalls`.
 */
import type { DeviceNumber } from "../../domain/block_device.ts";
import { deviceNumberOf } from "../../domain/block_device.ts";

/** Reads of files by absolute path. */
export interface KernelFiles {
  /** The names in a directory, sorted; none when it is not there. Links count as what they are. */
  list(path: string): Promise<readonly string[]>;
  /**
   * A file without the white space around it; undefined when it is not there or went away while it
   * was read.
   */
  read(path: string): Promise<string | undefined>;
  /** The number of the block device whose node is at a path; undefined when none is. */
  nodeAt(path: string): Promise<DeviceNumber | undefined>;
}

/** The files of the machine that this process runs on. */
export const machineFiles: KernelFiles = {
  async list(path): Promise<readonly string[]> {
    try {
      const names: string[] = [];
      // Entries of sysfs are links to directories: only their names are of use here.
      for await (const { name } of Deno.readDir(path)) names.push(name);
      return names.sort();
    } catch (error) {
      if (isGone(error)) return [];
      throw error;
    }
  },

  async read(path): Promise<string | undefined> {
    try {
      return (await Deno.readTextFile(path)).trim();
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  },

  async nodeAt(path): Promise<DeviceNumber | undefined> {
    try {
      const { isBlockDevice, rdev } = await Deno.stat(path);
      return isBlockDevice && rdev !== null ? splitNumber(rdev) : undefined;
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  },
};

/** The number in the kernel's user-space encoding of it (20 bits of minor, 12 of major). */
export function splitNumber(rdev: number): DeviceNumber {
  const encoded = BigInt(rdev);
  const major = (encoded >> 8n) & 0xfffn;
  const minor = (encoded & 0xffn) | ((encoded >> 12n) & 0xfff00n);
  return deviceNumberOf(Number(major), Number(minor));
}

/**
 * Whether a file is not there, or what it speaks of is going away: sysfs answers ENODEV or EINVAL
 * while a controller is removed, proc ESRCH for a process that has ended.
 */
function isGone(error: unknown): boolean {
  if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
    return true;
  }
  if (!(error instanceof Error)) return false;
  // The runtime gives ENXIO and ENODEV no code.
  if (/\(os error (6|19)\)/.test(error.message)) return true;
  return "code" in error && ["EINVAL", "ESRCH", "EIO"].includes(String(error.code));
}
