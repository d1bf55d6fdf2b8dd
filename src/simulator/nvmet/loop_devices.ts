/**
 * Loop devices over backing files. nvmet could export a file itself, but then shows blocks of the
 * file system's size (4096 on Btrfs, ext4 and XFS) where a box shows 512, and a file system made
 * with 512-byte sectors cannot be mounted from such a device. A loop device says what it is told.
 * Direct I/O keeps the data from being cached twice; where the file system below has none the
 * device works without.
 */
import { runTool } from "./tool.ts";

/** The sector size that a box shows. */
export const SECTOR_BYTES = 512;

/** One loop device that is bound to a file. */
export interface LoopDevice {
  /** `/dev/loop3`. */
  readonly path: string;
  /** The file's name now; it ends in ` (deleted)` when it has none any more. */
  readonly backingPath: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly sectorBytes: number;
}

/** The loop devices of a machine. */
export interface LoopDevices {
  /** All that are bound to a file. */
  list(): Promise<readonly LoopDevice[]>;
  /** Binds a free device to a file from an offset on, with sectors of {@link SECTOR_BYTES}. */
  attach(backingPath: string, offsetBytes: number): Promise<LoopDevice>;
  /** Takes over the size the file has now. */
  resize(path: string): Promise<void>;
  /** Frees the device, as soon as nothing has it open. Idempotent. */
  detach(path: string): Promise<void>;
}

/** The loop devices of this machine, by `losetup` and sysfs. */
export class SystemLoopDevices implements LoopDevices {
  async list(): Promise<readonly LoopDevice[]> {
    const devices: LoopDevice[] = [];
    for await (const { name } of Deno.readDir("/sys/block")) {
      const device = name.startsWith("loop") ? await readDevice(name) : undefined;
      if (device !== undefined) devices.push(device);
    }
    return devices;
  }

  async attach(backingPath: string, offsetBytes: number): Promise<LoopDevice> {
    const path = await losetup(
      "--find",
      "--show",
      "--direct-io=on",
      `--sector-size=${SECTOR_BYTES}`,
      `--offset=${offsetBytes}`,
      "--",
      backingPath,
    );
    const device = await readDevice(path.replace("/dev/", ""));
    if (device?.sectorBytes === SECTOR_BYTES) return device;
    await this.detach(path);
    const shown = device === undefined ? "no device" : `sectors of ${device.sectorBytes} bytes`;
    throw new Error(`Cannot bind "${backingPath}" with 512-byte sectors: got ${shown}`);
  }

  async resize(path: string): Promise<void> {
    await losetup("--set-capacity", path);
  }

  async detach(path: string): Promise<void> {
    if (await readDevice(path.replace("/dev/", "")) === undefined) return;
    await losetup("--detach", path);
  }
}

function losetup(...args: string[]): Promise<string> {
  return runTool("losetup", args);
}

/** A device as sysfs shows it, or undefined when it is bound to nothing. */
async function readDevice(name: string): Promise<LoopDevice | undefined> {
  const directory = `/sys/block/${name}`;
  try {
    const [backingPath, offset, size, sector] = await Promise.all([
      attribute(`${directory}/loop/backing_file`),
      attribute(`${directory}/loop/offset`),
      attribute(`${directory}/size`),
      attribute(`${directory}/queue/logical_block_size`),
    ]);
    return {
      path: `/dev/${name}`,
      backingPath,
      offsetBytes: Number(offset),
      // sysfs counts in units of 512 bytes, whatever the sector size.
      sizeBytes: Number(size) * 512,
      sectorBytes: Number(sector),
    };
  } catch (error) {
    // The directory `loop` is there only while a file is bound.
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function attribute(path: string): Promise<string> {
  return (await Deno.readTextFile(path)).replace(/\n$/, "");
}
