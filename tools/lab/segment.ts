/** The machines of a laboratory on their private network, without any of our programs in them. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runHostProgram } from "./host_program.ts";
import type { Kernel } from "./kernels.ts";
import { Machine, newSegment } from "./machine.ts";

/** What the machines are made of. */
export interface SegmentOptions {
  readonly kernel: Kernel;
  /** An existing directory with a short path; the machines' files are below it. */
  readonly directory: string;
  /** Ports that this host reaches on the box, and on each node. */
  readonly boxPorts?: readonly number[];
  readonly nodePorts?: readonly number[];
}

/** The machines, switched off. */
export interface SegmentMachines {
  /** 10.77.0.1, with an empty Btrfs on /dev/vda. */
  readonly box: Machine;
  /** 10.77.0.2 and 10.77.0.3, each with an empty ext4 on /dev/vda for what survives a boot. */
  readonly nodes: readonly [Machine, Machine];
}

const BOX_MEBIBYTES = 1024;
const NODE_MEBIBYTES = 1024;
/** Sparse: what is not written takes no room. */
const BOX_DISK_BYTES = 4 * 1024 ** 3;
const NODE_DISK_BYTES = 256 * 1024 ** 2;
const MKFS_MS = 60_000;

/** Makes the machines and their disks. @throws {Error} when a disk cannot be made. */
export async function makeMachines(options: SegmentOptions): Promise<SegmentMachines> {
  const segment = newSegment();
  const make = async (number: number): Promise<Machine> => {
    const isBox = number === 1;
    const name = isBox ? "box" : `node${number - 1}`;
    const disk = join(options.directory, `${name}.img`);
    await makeDisk(disk, isBox ? "btrfs" : "ext4", isBox ? BOX_DISK_BYTES : NODE_DISK_BYTES);
    return new Machine({
      ...{ name, disk, segment, address: `10.77.0.${number}` },
      directory: options.directory,
      kernel: options.kernel,
      memoryMebibytes: isBox ? BOX_MEBIBYTES : NODE_MEBIBYTES,
      forwardedPorts: (isBox ? options.boxPorts : options.nodePorts) ?? [],
    });
  };
  const [box, first, second] = [await make(1), await make(2), await make(3)];
  return { box, nodes: [first, second] };
}

/** The path, the same in a machine, of a script below tools/lab/guest. */
export function guestScript(name: string): string {
  return fileURLToPath(new URL(`guest/${name}`, import.meta.url));
}

async function makeDisk(path: string, fileSystem: string, bytes: number): Promise<void> {
  const file = await Deno.open(path, { createNew: true, write: true });
  await file.truncate(bytes);
  file.close();
  await runHostProgram([`mkfs.${fileSystem}`, "-q", path], { deadlineMs: MKFS_MS });
}
