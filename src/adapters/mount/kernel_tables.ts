/**
 * The kernel's tables of mounts and block devices, read in process: none of these reads waits for a
 * device. What cannot be read is an error, never an empty answer.
 */
import type { DeviceNumber } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import { parseMountinfo } from "./mountinfo.ts";
import type { MountEntry } from "./mountinfo.ts";
import { isMissing } from "./paths.ts";

/** Reads the kernel's text files; the roots are other ones in tests. */
export interface KernelFiles {
  /** The text of a file below `/proc` or `/sys`; undefined when there is no such file. */
  read(path: string): Promise<string | undefined>;
  /** The names in a directory; none when there is no such directory. */
  list(path: string): Promise<string[]>;
}

/** A block device that the kernel shows now. */
export interface ShownDevice {
  /** Its node below `/dev`. */
  readonly path: string;
  readonly sizeBytes: number;
  /**
   * A number that no other device of this boot has or had, so a device is told from the next one
   * under its number; empty on kernels without it.
   */
  readonly sequence: string;
  readonly isReadOnly: boolean;
}

/** ENXIO and ENODEV. */
const GONE_ERROR = /\(os error (6|19)\)/;
const SECTOR_BYTES = 512;
/** The list may change while it is read: two equal reads are one that did not. */
const READS_MAX = 16;

/** The files of the running kernel. */
export const KERNEL_FILES: KernelFiles = {
  async read(path: string): Promise<string | undefined> {
    try {
      return await Deno.readTextFile(path);
    } catch (error) {
      if (isMissing(error) || isDeviceGone(error)) return undefined;
      throw error;
    }
  },
  async list(path: string): Promise<string[]> {
    try {
      return await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
};

/** The tables of one kernel, as this process sees them. */
export class KernelTables {
  readonly #files: KernelFiles;
  #bootId: string | undefined;

  constructor(files: KernelFiles) {
    this.#files = files;
  }

  /**
   * Every mount of this process's mount namespace.
   * @throws {StorageError} `unavailable` when the table keeps changing or cannot be read.
   */
  async mounts(): Promise<MountEntry[]> {
    let before = await this.#mountinfo();
    for (let reads = 1; reads < READS_MAX; reads++) {
      const text = await this.#mountinfo();
      if (text === before) return parseMountinfo(text);
      before = text;
    }
    throw unreadable("it does not stop changing");
  }

  /** The device of that number, or undefined when the kernel has none. */
  async device(number: DeviceNumber): Promise<ShownDevice | undefined> {
    const directory = `/sys/dev/block/${number}`;
    const [uevent, size, sequence, readOnly] = await Promise.all(
      ["uevent", "size", "diskseq", "ro"].map((name) => this.#files.read(`${directory}/${name}`)),
    );
    const name = /^DEVNAME=(.+)$/m.exec(uevent ?? "")?.[1];
    const sizeBytes = Number(size ?? 0) * SECTOR_BYTES;
    // A device without a size holds nothing: what it stood for was taken from it.
    if (name === undefined || sizeBytes === 0) return undefined;
    return {
      path: `/dev/${name}`,
      sizeBytes,
      sequence: sequence?.trim() ?? "",
      isReadOnly: readOnly?.trim() === "1",
    };
  }

  /**
   * The number of the block device below a mounted btrfs, by the name of its device; undefined when
   * the kernel lists no btrfs on a device of that name, or on several.
   */
  async btrfsDevice(source: string): Promise<DeviceNumber | undefined> {
    const name = source.slice(source.lastIndexOf("/") + 1);
    const root = "/sys/fs/btrfs";
    for (const uuid of await this.#files.list(root)) {
      const devices = await this.#files.list(`${root}/${uuid}/devices`);
      if (devices.length !== 1 || devices[0] !== name) continue;
      const number = await this.#files.read(`${root}/${uuid}/devices/${name}/dev`);
      if (number !== undefined) return number.trim() as DeviceNumber;
    }
    return undefined;
  }

  /** What tells this boot from every other; no process outlives its boot, so it is read once. */
  async bootId(): Promise<string> {
    if (this.#bootId !== undefined) return this.#bootId;
    const text = await this.#files.read("/proc/sys/kernel/random/boot_id");
    if (text === undefined) throw unreadable("this kernel shows no boot id");
    return this.#bootId = text.trim();
  }

  async #mountinfo(): Promise<string> {
    const text = await this.#files.read("/proc/self/mountinfo");
    if (text !== undefined && text !== "") return text;
    throw unreadable("/proc/self/mountinfo is empty or missing");
  }
}

function unreadable(finding: string): StorageError {
  return new StorageError("unavailable", `Cannot read the kernel's tables: ${finding}`);
}

/** Sysfs answers so while a device goes; the runtime gives these errors no code of their own. */
function isDeviceGone(error: unknown): boolean {
  return error instanceof Error && GONE_ERROR.test(error.message);
}
