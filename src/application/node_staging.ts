/** Staging: from the array's export to a mounted, whole file system, and back. */
import type { VolumeCapability } from "../domain/access.ts";
import { checkCapabilities } from "../domain/access.ts";
import type { BlockDevice } from "../domain/block_device.ts";
import { StorageError } from "../domain/errors.ts";
import { nqnOf } from "../domain/nvme.ts";
import type { PublishedVolume } from "../domain/publish_context.ts";
import { isReadOnlyUse, mountDifference, mountOptionsFor, needsFormat } from "../domain/stage.ts";
import type { MountAccess } from "../domain/stage.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { VolumeParameters } from "../domain/volume_parameters.ts";
import type { MountRequest, PathUse } from "../ports/mounter.ts";
import type { NodePorts } from "./node_ports.ts";

/** A NodeStageVolume call, decoded. */
export interface StageRequest {
  readonly volumeId: VolumeId;
  readonly stagingPath: string;
  readonly capability: VolumeCapability;
  /** From the publish context. */
  readonly published: PublishedVolume;
  /** From the volume context. */
  readonly parameters: Pick<VolumeParameters, "mkfsOptions" | "fsckPolicy">;
}

/** Stages a volume; see `NodeVolumes.stage`. */
export async function stageVolume(
  ports: NodePorts,
  request: StageRequest,
  signal: AbortSignal,
): Promise<void> {
  const { volumeId, stagingPath, capability, published } = request;
  checkCapabilities([capability]);
  if (published.nqn !== nqnOf(volumeId)) {
    refuse("invalid", volumeId, `its publish context names ${published.nqn}`);
  }
  const { access } = capability;
  const use = await ports.mounter.look(stagingPath, signal);
  if (access.type === "block") {
    if (use.kind === "mount") {
      refuse("already-exists", volumeId, `${stagingPath} has it mounted, raw block is asked for`);
    }
    await connect(ports, request, signal);
    return;
  }
  await stageMount(ports, request, access, use, signal);
}

/** Unstages a volume; see `NodeVolumes.unstage`. */
export async function unstageVolume(
  { host, mounter }: NodePorts,
  volumeId: VolumeId,
  stagingPath: string,
  signal: AbortSignal,
): Promise<void> {
  const nqn = nqnOf(volumeId);
  const device = await host.find(nqn, signal);
  const use = await mounter.look(stagingPath, signal);
  const mounted = use.kind === "mount" || use.kind === "block" ? use : undefined;
  if (mounted?.isAlive && mounted.device !== device?.number) {
    throw new StorageError(
      "in-use",
      `Cannot unstage volume "${volumeId}": ${stagingPath} holds device ${mounted.device}, ` +
        `which is not the volume's`,
    );
  }
  // Nothing on the staging path does not mean that nobody has the device: look at every use of it,
  // and of the device it was before it died.
  for (const number of new Set([device?.number, mounted?.device])) {
    if (number === undefined) continue;
    const others = (await mounter.usesOf(number, signal)).filter((path) => path !== stagingPath);
    if (others.length === 0) continue;
    throw new StorageError(
      "in-use",
      `Cannot unstage volume "${volumeId}": it is still in use at ${others.join(", ")}`,
    );
  }
  if (mounted !== undefined) await mounter.release(stagingPath, signal);
  await host.disconnect(nqn, signal);
}

async function stageMount(
  ports: NodePorts,
  request: StageRequest,
  access: MountAccess,
  use: PathUse,
  signal: AbortSignal,
): Promise<void> {
  const { volumeId, stagingPath, capability, published } = request;
  const isReadOnly = isReadOnlyUse(capability);
  const options = mountOptionsFor(access, published.isCopy);
  const wanted = { fileSystem: access.fileSystem, options, isReadOnly };
  const known = await ports.host.find(published.nqn, signal);
  const isStaged = await isStagedAs(ports, request, wanted, use, known, signal);
  const device = isStaged && known !== undefined ? known : await connect(ports, request, signal);
  if (!isStaged) {
    await prepare(ports, request, access, device, isReadOnly, signal);
    await ports.mounter.mount({ device, path: stagingPath, ...wanted }, signal);
  }
  // Also on a retry: a stage that mounted and then failed to grow has not grown.
  if (!isReadOnly) await ports.fileSystems.grow(device, access.fileSystem, stagingPath, signal);
  if (!isStaged) await confirm(ports, volumeId, stagingPath, device, signal);
}

/** Whether the volume is mounted at the staging path already; clears a dead mount out of the way. */
async function isStagedAs(
  { mounter }: NodePorts,
  { volumeId, stagingPath }: StageRequest,
  wanted: Pick<MountRequest, "fileSystem" | "options" | "isReadOnly">,
  use: PathUse,
  device: BlockDevice | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  switch (use.kind) {
    case "nothing":
    case "directory":
      return false;
    case "other":
      return refuse("not-ready", volumeId, `${stagingPath} is ${use.what}`);
    case "block":
      return refuse("not-ready", volumeId, `${stagingPath} is block device ${use.device}`);
    case "mount": {
      if (!use.isAlive) {
        await mounter.release(stagingPath, signal);
        return false;
      }
      if (use.device !== device?.number) {
        return refuse("in-use", volumeId, `${stagingPath} holds device ${use.device}`);
      }
      const difference = mountDifference(use, wanted);
      if (difference === undefined) return true;
      return refuse("already-exists", volumeId, `at ${stagingPath} ${difference}`);
    }
  }
}

/** Makes the device hold a sound file system of the wanted type, or refuses to touch it. */
async function prepare(
  { mounter, fileSystems }: NodePorts,
  { volumeId, published: { isCopy }, parameters }: StageRequest,
  { fileSystem }: MountAccess,
  device: BlockDevice,
  isReadOnly: boolean,
  signal: AbortSignal,
): Promise<void> {
  const content = await fileSystems.identify(device, signal);
  const mustFormat = needsFormat(volumeId, content, { fileSystem, isCopy, isReadOnly });
  const uses = await mounter.usesOf(device.number, signal);
  if (mustFormat) {
    if (uses.length > 0) refuse("in-use", volumeId, `its device is in use at ${uses.join(", ")}`);
    await fileSystems.format(device, fileSystem, parameters.mkfsOptions, signal);
    return;
  }
  for (const path of uses) {
    if ((await mounter.look(path, signal)).kind !== "block") continue;
    refuse("already-exists", volumeId, `it is published as a raw block device at ${path}`);
  }
  // A check would write under whoever has it mounted, and a read-only stage writes nothing.
  if (uses.length > 0 || isReadOnly) return;
  await fileSystems.check(device, fileSystem, parameters.fsckPolicy, signal);
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

async function connect(
  { host }: NodePorts,
  { volumeId, published }: StageRequest,
  signal: AbortSignal,
): Promise<BlockDevice> {
  const { nqn, at, policy, capacityBytes } = published;
  const found = await host.connect({ nqn, at, policy }, signal);
  if (found.sizeBytes >= capacityBytes) return found;
  // A volume that grew while it was connected shows its new size only when asked.
  const device = await host.rescan(nqn, signal);
  if (device.sizeBytes >= capacityBytes) return device;
  return refuse(
    "unavailable",
    volumeId,
    `its device shows ${device.sizeBytes} bytes of ${capacityBytes}`,
  );
}

function refuse(code: StorageError["code"], volumeId: VolumeId, finding: string): never {
  throw new StorageError(code, `Cannot stage volume "${volumeId}": ${finding}`);
}
