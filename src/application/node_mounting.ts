/** The mount of a staged volume: a sound file system of the wanted type, as large as its device. */
import type { BlockDevice } from "../domain/block_device.ts";
import { StorageError } from "../domain/errors.ts";
import { needsFormat } from "../domain/stage.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { FoundFileSystem } from "../ports/file_systems.ts";
import type { MountRequest } from "../ports/mounter.ts";
import type { StageRecord } from "../ports/stage_records.ts";
import { lookClosely } from "./node_device.ts";
import type { NodePorts } from "./node_ports.ts";
import type { StageRequest } from "./node_requests.ts";

/** What is to be mounted, and what is known about it. */
export interface MountPlan {
  readonly request: StageRequest;
  readonly wanted: Pick<MountRequest, "fileSystem" | "options" | "isReadOnly">;
  readonly device: BlockDevice;
  /** Of an earlier stage. */
  readonly record: StageRecord | undefined;
  /** Whether it is mounted at the staging path already. */
  readonly isMounted: boolean;
}

/**
 * Mounts the device at the staging path and lets the file system fill it.
 * @returns the UUID of the file system
 */
export async function mountVolume(
  ports: NodePorts,
  plan: MountPlan,
  signal: AbortSignal,
): Promise<string> {
  const { mounter, fileSystems } = ports;
  const { request: { volumeId, stagingPath }, wanted, device, isMounted } = plan;
  if (!isMounted) await checkNoDeadTwin(ports, plan, signal);
  const found = isMounted ? undefined : await prepare(ports, plan, signal);
  if (!isMounted) await mounter.mount({ device, path: stagingPath, ...wanted }, signal);
  // Also on a retry: a stage that mounted and then failed to grow has not grown.
  const isFull = found !== undefined && found.sizeBytes >= device.sizeBytes;
  if (!wanted.isReadOnly && !isFull) {
    await fileSystems.grow(device, wanted.fileSystem, stagingPath, signal);
  }
  if (!isMounted) await confirm(ports, volumeId, stagingPath, device, signal);
  return found?.uuid ?? await mountedUuid(ports, plan, signal);
}

/**
 * What a pod still has of the volume from before can be in the way: the kernel would mount the
 * same dead file system once more, and xfs and btrfs refuse a second file system of one UUID.
 */
async function checkNoDeadTwin(
  ports: NodePorts,
  { request: { volumeId, stagingPath }, wanted, device, record }: MountPlan,
  signal: AbortSignal,
): Promise<void> {
  const isExt = wanted.fileSystem === "ext4" || wanted.fileSystem === "ext3";
  const numbers = isExt ? [device.number] : [device.number, record?.device?.number];
  for (const number of new Set(numbers)) {
    if (number === undefined) continue;
    for (const path of await ports.mounter.usesOf(number, signal)) {
      if (path === stagingPath) continue;
      const use = await lookClosely(ports, path, signal);
      if (use.kind !== "mount" || use.isAlive) continue;
      refuse(
        "unavailable",
        volumeId,
        `the pod at ${path} still has its dead file system; it has to end first`,
      );
    }
  }
}

/** Makes the device hold a sound file system of the wanted type, or refuses to touch it. */
async function prepare(
  { mounter, fileSystems }: NodePorts,
  { request, wanted: { fileSystem, isReadOnly }, device, record }: MountPlan,
  signal: AbortSignal,
): Promise<FoundFileSystem> {
  const { volumeId, published: { isCopy }, parameters } = request;
  const content = await fileSystems.identify(device, signal);
  const knownUuid = record?.fileSystemUuid;
  const mustFormat = needsFormat(volumeId, content, { fileSystem, isCopy, isReadOnly, knownUuid });
  const uses = await mounter.usesOf(device.number, signal);
  if (mustFormat) {
    if (uses.length > 0) refuse("in-use", volumeId, `its device is in use at ${uses.join(", ")}`);
    await fileSystems.format(device, fileSystem, parameters.mkfsOptions, signal);
    const made = await foundOn(fileSystems, volumeId, device, signal);
    // A format that another call began goes on without it.
    if (made.fileSystem === fileSystem) return made;
    return refuse("unavailable", volumeId, `it was being formatted as ${made.fileSystem}`);
  }
  for (const path of uses) {
    if ((await mounter.look(path, signal)).kind !== "block") continue;
    refuse("already-exists", volumeId, `it is published as a raw block device at ${path}`);
  }
  const found = content.kind === "file-system"
    ? content
    : await foundOn(fileSystems, volumeId, device, signal);
  // A check would write under whoever has it mounted, and a read-only stage writes nothing.
  if (uses.length === 0 && !isReadOnly) {
    await fileSystems.check(device, found, parameters.fsckPolicy, signal);
  }
  return found;
}

async function mountedUuid(
  { fileSystems }: NodePorts,
  { request: { volumeId }, device, record }: MountPlan,
  signal: AbortSignal,
): Promise<string> {
  return record?.fileSystemUuid ?? (await foundOn(fileSystems, volumeId, device, signal)).uuid;
}

async function foundOn(
  fileSystems: NodePorts["fileSystems"],
  volumeId: VolumeId,
  device: BlockDevice,
  signal: AbortSignal,
): Promise<FoundFileSystem> {
  const content = await fileSystems.identify(device, signal);
  if (content.kind === "file-system") return content;
  return refuse("unavailable", volumeId, `its file system is not seen on ${device.path} yet`);
}

async function confirm(
  { mounter }: NodePorts,
  volumeId: VolumeId,
  stagingPath: string,
  device: BlockDevice,
  signal: AbortSignal,
): Promise<void> {
  const use = await mounter.look(stagingPath, signal);
  if (use.kind === "mount" && use.isAlive && use.device === device.number) return;
  refuse("unavailable", volumeId, `device ${device.number} went away while it was mounted`);
}

function refuse(code: StorageError["code"], volumeId: VolumeId, finding: string): never {
  throw new StorageError(code, `Cannot stage volume "${volumeId}": ${finding}`);
}
