/** What is at a path of this node where nothing is mounted; links at its end are never followed. */
import { basename, dirname, join } from "node:path";
import type { BlockDevice, DeviceNumber } from "../../domain/block_device.ts";
import { deviceNumberOf } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";

/** Whether an error says that there is no such file or directory. */
export function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound;
}

/**
 * Waits for what this machine is asked to do at a path.
 * @throws {StorageError} `unavailable` for whatever the machine has against it; errors that are
 * ours already stay as they are.
 */
export async function onThisMachine<Result>(
  deed: string,
  path: string,
  work: Promise<Result>,
): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    const finding = cause instanceof Error ? cause.message : String(cause);
    throw new StorageError("unavailable", `Cannot ${deed} ${path}: ${finding}`, { cause });
  }
}

/**
 * The path by its real directories, as the kernel names it in its table of mounts; its last part
 * stays as it is. Undefined when its directory is missing.
 */
export async function realPathOf(path: string): Promise<string | undefined> {
  if (!path.startsWith("/")) throw refusal(path, "it is not absolute");
  const name = basename(path);
  if (name === "" || name === "." || name === "..") throw refusal(path, "it names no entry");
  try {
    return join(await Deno.realPath(dirname(path)), name);
  } catch (error) {
    if (isMissing(error) || error instanceof Deno.errors.NotADirectory) return undefined;
    return await onThisMachine("look at", path, Promise.reject(error));
  }
}

/**
 * What `lstat` says, or undefined when there is nothing.
 * @throws {StorageError} `unavailable` when that cannot be told.
 */
export async function entryAt(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (isMissing(error) || error instanceof Deno.errors.NotADirectory) return undefined;
    return await onThisMachine("look at", path, Promise.reject(error));
  }
}

/** The number of the device that a node stands for. */
export function numberOf({ rdev }: Deno.FileInfo): DeviceNumber {
  const bits = BigInt(rdev ?? 0);
  const major = ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n);
  const minor = (bits & 0xffn) | ((bits >> 12n) & 0xffffff00n);
  return deviceNumberOf(Number(major), Number(minor));
}

/**
 * Whether a directory holds nothing.
 * @throws {StorageError} `unavailable` when that cannot be told.
 */
export async function isEmpty(directory: string): Promise<boolean> {
  const look = async (): Promise<boolean> => {
    for await (const _entry of Deno.readDir(directory)) return false;
    return true;
  };
  return await onThisMachine("look into", directory, look());
}

/**
 * Looks that the path of a device leads to the device of its number.
 * @throws {StorageError} `unavailable` when it does not.
 */
export async function checkDevicePath(
  { path, number }: Pick<BlockDevice, "path" | "number">,
): Promise<void> {
  let found = "nothing";
  try {
    const info = await Deno.stat(path);
    found = info.isBlockDevice ? `device ${numberOf(info)}` : "no block device";
  } catch (error) {
    if (!isMissing(error)) await onThisMachine("look at", path, Promise.reject(error));
  }
  if (found === `device ${number}`) return;
  throw new StorageError(
    "unavailable",
    `Cannot use ${path}: it leads to ${found}, not to device ${number}`,
  );
}

function refusal(path: string, finding: string): StorageError {
  return new StorageError("not-ready", `Cannot use "${path}": ${finding}`);
}
