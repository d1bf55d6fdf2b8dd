/** Finding the mounted file system whose UUID keeps an xfs from being mounted; for the message. */
import type { BlockDevice, DeviceNumber } from "../../domain/block_device.ts";
import type { MountParts } from "./parts.ts";
import { parseXfs, XFS_AT } from "./super_blocks.ts";

const READ_MS = 5_000;
const BLOCK_BYTES = 4096;
const LOOKED_AT_MAX = 64;

/** Who has the UUID of the xfs on `device` mounted, in words, or undefined when nobody seems to. */
export async function twinOf(
  parts: MountParts,
  device: BlockDevice,
  signal: AbortSignal,
): Promise<string | undefined> {
  const uuid = await uuidOn(parts, device.path, device.number, signal);
  if (uuid === undefined) return undefined;
  const mounts = (await parts.tables.mounts()).filter(({ fileSystem, number }) =>
    fileSystem === "xfs" && number !== device.number
  );
  for (const { number, path } of mounts.slice(0, LOOKED_AT_MAX)) {
    const shown = await parts.tables.device(number as DeviceNumber);
    const isSame = shown === undefined
      ? false
      : await uuidOn(parts, shown.path, number as DeviceNumber, signal) === uuid;
    if (isSame) {
      return `${path} has an xfs file system with the same UUID mounted, from device ${number}; ` +
        `unless this is a copy of it, what uses ${path} must end first`;
    }
  }
  const dead = await deadAmong(parts, mounts);
  if (dead === undefined) return undefined;
  return `the kernel refuses it, likely because the mount at ${dead}, whose device is gone, has ` +
    `the same UUID; what uses ${dead} must end first`;
}

async function deadAmong(
  { tables }: MountParts,
  mounts: readonly { readonly number: string; readonly path: string }[],
): Promise<string | undefined> {
  for (const { number, path } of mounts) {
    if (await tables.device(number as DeviceNumber) === undefined) return path;
  }
  return undefined;
}

async function uuidOn(
  { kernelCalls }: MountParts,
  path: string,
  number: DeviceNumber,
  signal: AbortSignal,
): Promise<string | undefined> {
  const windows = [{ offset: XFS_AT, length: BLOCK_BYTES, want: "bytes" }] as const;
  const call = { kind: "read-device", path, number, windows } as const;
  try {
    const options = { deadlineMs: READ_MS, subject: number };
    const result = await kernelCalls.call(call, options, signal);
    const [content] = result.isOk ? result.answer : [];
    if (content?.base64 === undefined) return undefined;
    return parseXfs(Uint8Array.fromBase64(content.base64))?.uuid;
  } catch {
    // The message says less then.
    return undefined;
  }
}
