/**
 * The loop devices of this machine, as sysfs shows them at the moment, and whose they are.
 *
 * A loop device of ours carries its owner and port in its size limit, which is far above the size
 * of any file and so limits nothing. The kernel keeps it as long as the device, so nothing has to
 * be remembered, two nodes on one machine have a device each, and one that somebody else attached
 * to the same file is never taken for ours.
 */
import { join } from "node:path";
import { deviceNumberOf } from "../../domain/block_device.ts";
import type { DeviceNumber } from "../../domain/block_device.ts";

/** A loop device that has a file. */
export interface LoopDevice {
  /** As the kernel names it, for example `loop3`. */
  readonly name: string;
  readonly path: string;
  readonly number: DeviceNumber;
  readonly sizeBytes: number;
  /** The path of its file, or where the file was. */
  readonly backingPath: string;
  /** Whether that path leads to another file by now, or to none. */
  readonly isFileGone: boolean;
  /** Whether the kernel detaches it as soon as nothing has it open any more. */
  readonly isClosing: boolean;
  readonly sizeLimit: bigint;
  /** A number that no other device of this boot has or had. */
  readonly sequence: string;
}

/** Who attached a loop device, and the TCP port that it stands for. */
export interface LoopLabel {
  /** The first bits of the node's host id. */
  readonly owner: bigint;
  readonly port: number;
}

const BLOCK_DEVICES = "/sys/block";
const LOOP_NAME = /^loop(\d+)$/;
/** What the kernel appends to the path of an open file that is no longer at it. */
const GONE_MARK = " (deleted)";
/** ENXIO and ENODEV. */
const GONE_ERROR = /\(os error (6|19)\)/;
const SECTOR_BYTES = 512;
/** No file is as large: the limit begins here. */
const LABEL_BASE = 1n << 61n;
const OWNER_HEX_DIGITS = 7;
const OWNER_BITS = 28n;
const PORT_BITS = 16n;
/** A limit is a whole number of sectors. */
const SECTOR_BITS = 9n;

/** The owner part of the labels of the node with this host id. */
export function ownerOf(hostId: string): bigint {
  return BigInt(`0x${hostId.slice(0, OWNER_HEX_DIGITS)}`);
}

/** The size limit that says a label. */
export function sizeLimitOf({ owner, port }: LoopLabel): bigint {
  return LABEL_BASE + ((owner << PORT_BITS | BigInt(port)) << SECTOR_BITS);
}

/** The label that a size limit says, or undefined when it is an ordinary limit or none. */
export function labelOf(sizeLimit: bigint): LoopLabel | undefined {
  const words = (sizeLimit - LABEL_BASE) >> SECTOR_BITS;
  if (words <= 0n || words >> (OWNER_BITS + PORT_BITS) !== 0n) return undefined;
  const label = { owner: words >> PORT_BITS, port: Number(BigInt.asUintN(16, words)) };
  return sizeLimitOf(label) === sizeLimit ? label : undefined;
}

/** The loop devices that have a file now, by their numbers. */
export async function readLoopDevices(): Promise<LoopDevice[]> {
  const indexes: number[] = [];
  for await (const { name } of Deno.readDir(BLOCK_DEVICES)) {
    const index = LOOP_NAME.exec(name)?.[1];
    if (index !== undefined) indexes.push(Number(index));
  }
  indexes.sort((left, right) => left - right);
  const devices: LoopDevice[] = [];
  for (const index of indexes) {
    const device = await readLoopDevice(`loop${index}`);
    if (device !== undefined) devices.push(device);
  }
  return devices;
}

async function readLoopDevice(name: string): Promise<LoopDevice | undefined> {
  const read = (attribute: string): Promise<string | undefined> =>
    readAttribute(join(BLOCK_DEVICES, name, attribute));
  const file = await read("loop/backing_file");
  if (file === undefined || file === "") return undefined;
  const [sizeLimit, autoclear, dev, size, sequence] = [
    await read("loop/sizelimit"),
    await read("loop/autoclear"),
    await read("dev"),
    await read("size"),
    await read("diskseq"),
  ];
  const [major, minor] = (dev ?? "").split(":").map(Number);
  // It was detached while we read.
  if (major === undefined || minor === undefined || sizeLimit === undefined) return undefined;
  const isFileGone = file.endsWith(GONE_MARK);
  return {
    name,
    path: `/dev/${name}`,
    number: deviceNumberOf(major, minor),
    sizeBytes: Number(size ?? 0) * SECTOR_BYTES,
    backingPath: isFileGone ? file.slice(0, -GONE_MARK.length) : file,
    isFileGone,
    isClosing: autoclear === "1",
    sizeLimit: BigInt(sizeLimit),
    sequence: `${name}#${sequence ?? ""}`,
  };
}

/** The text of an attribute, or undefined when the device has none such, or none any more. */
async function readAttribute(path: string): Promise<string | undefined> {
  try {
    // One newline ends it; a path may end with white space of its own.
    return (await Deno.readTextFile(path)).replace(/\n$/, "");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (isDeviceGone(error)) return undefined;
    throw error;
  }
}

/** Sysfs answers so while a device goes; the runtime gives these errors no code of their own. */
function isDeviceGone(error: unknown): boolean {
  return error instanceof Error && GONE_ERROR.test(error.message);
}
