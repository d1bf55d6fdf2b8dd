/**
 * Block devices shown at a path, by a device node of our own. Binding the node below `/dev` instead
 * has brought nodes down: whoever mounts over it mounts over the kernel's own directory again and
 * again.
 *
 * A read-only node has no write permission for anybody. That is what is asked of it, and all it can
 * do: a process with every privilege opens it for writing all the same. What keeps a pod from
 * writing is the container runtime, which the kubelet tells to allow the device for reading only.
 * Making the device itself read-only would do so for every user of it on this node.
 */
import type { BlockDevice, DeviceNumber } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { PathUse } from "../../ports/mounter.ts";
import { PLAIN_MS } from "./deadlines.ts";
import { toolWords } from "./mount_failures.ts";
import type { MountParts } from "./parts.ts";
import { entryAt, numberOf } from "./paths.ts";

const WRITABLE = "0660";
const READ_ONLY = "0440";
const WRITE_BITS = 0o222;

/** What a device node at a path stands for. */
export async function lookAtNode(
  { tables, notes }: MountParts,
  path: string,
  info: Deno.FileInfo,
): Promise<Extract<PathUse, { kind: "block" }>> {
  const device = numberOf(info);
  const [shown, note] = await Promise.all([tables.device(device), notes.get("exposed", path)]);
  // Numbers are given out again: the node is alive only while its device is the one it was made for.
  const isSame = note === undefined || (note.number === device &&
    note.sequence === shown?.sequence && note.bootId === await tables.bootId());
  const isReadOnly = ((info.mode ?? 0) & WRITE_BITS) === 0;
  return { kind: "block", device, isReadOnly, isAlive: shown !== undefined && isSame };
}

/**
 * Makes a device node at a path where nothing is. It is noted first: a node that nobody knows of
 * would be a use of the device that nobody sees.
 */
export async function makeNode(
  { programs, tables, notes }: MountParts,
  device: BlockDevice,
  path: string,
  isReadOnly: boolean,
  signal: AbortSignal,
): Promise<void> {
  const shown = await tables.device(device.number);
  if (shown === undefined) {
    throw new StorageError("unavailable", `Cannot show ${device.path}: the device is gone`);
  }
  const { sequence } = shown;
  const bootId = await tables.bootId();
  await notes.put("exposed", { key: path, bootId, number: device.number, sequence });
  const mode = isReadOnly ? READ_ONLY : WRITABLE;
  const args = ["-m", mode, path, "b", ...device.number.split(":")];
  const call = { program: "mknod", args, deadlineMs: PLAIN_MS, subject: path };
  const end = await programs.run(call, signal);
  if (end.code !== 0) {
    throw new StorageError("not-ready", `Cannot show ${device.path} at ${path}: ${toolWords(end)}`);
  }
  const info = await entryAt(path);
  if (info?.isBlockDevice && numberOf(info) === device.number) return;
  throw new StorageError(
    "unavailable",
    `Cannot show ${device.path}: ${path} is not device ${device.number}`,
  );
}

/** The paths of our nodes that stand for the device. */
export async function nodesOf({ notes }: MountParts, device: DeviceNumber): Promise<string[]> {
  const paths: string[] = [];
  for (const { key: path, number } of await notes.list("exposed")) {
    if (number !== device) continue;
    const info = await entryAt(path);
    if (info?.isBlockDevice && numberOf(info) === device) paths.push(path);
  }
  return paths;
}
