/** Expansion on the node: the device's new size, and a file system that fills it. */
import { FILE_SYSTEM_TYPES } from "../domain/access.ts";
import type { FileSystemType } from "../domain/access.ts";
import type { BlockDevice } from "../domain/block_device.ts";
import { StorageError } from "../domain/errors.ts";
import { nqnOf } from "../domain/nvme.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { NodePorts } from "./node_ports.ts";
import type { NodeExpandRequest } from "./node_requests.ts";
import { readableRecord } from "./node_records.ts";

/** Grows what the node sees of a volume; see `NodeVolumes.expand`. */
export async function expandVolume(
  ports: NodePorts,
  request: NodeExpandRequest,
  signal: AbortSignal,
): Promise<number> {
  const { volumeId, volumePath, requiredBytes } = request;
  const nqn = nqnOf(volumeId);
  const use = await ports.mounter.look(volumePath, signal);
  const session = await ports.host.session(nqn, signal);
  const isHere = (use.kind === "mount" || use.kind === "block") &&
    session?.device?.number === use.device;
  if (!isHere) refuse("not-found", volumeId, `it is not at ${volumePath}`);
  // While a connection is lost the kernel says yes to a rescan and does nothing.
  if (session.state !== "live") refuse("unavailable", volumeId, "its connection is lost");
  const device = await ports.host.rescan(nqn, signal);
  if (device.sizeBytes < requiredBytes) {
    const sizes = `${device.sizeBytes} bytes of ${requiredBytes}`;
    refuse("unavailable", volumeId, `its device still shows ${sizes}`);
  }
  if (use.kind === "mount") {
    const fileSystem = FILE_SYSTEM_TYPES.find((type) => type === use.fileSystem);
    if (fileSystem === undefined) {
      return refuse("not-ready", volumeId, `its file system is ${use.fileSystem}`);
    }
    await growFileSystem(ports, volumeId, device, fileSystem, signal);
  }
  await remember(ports, volumeId, device);
  return device.sizeBytes;
}

/** A later stage knows by the record that the device may not be smaller again. */
async function remember(
  { records }: NodePorts,
  volumeId: VolumeId,
  { number, sizeBytes }: BlockDevice,
): Promise<void> {
  const record = await readableRecord(records, volumeId);
  if (record?.device?.number !== number || record.device.sizeBytes === sizeBytes) return;
  await records.write({ ...record, device: { ...record.device, sizeBytes } });
}

/** A file system grows through a writable mount, which the given path need not be. */
async function growFileSystem(
  { mounter, fileSystems }: NodePorts,
  volumeId: VolumeId,
  device: BlockDevice,
  fileSystem: FileSystemType,
  signal: AbortSignal,
): Promise<void> {
  for (const path of await mounter.usesOf(device.number, signal)) {
    const use = await mounter.look(path, signal);
    if (use.kind !== "mount" || use.isReadOnly) continue;
    return await fileSystems.grow(device, fileSystem, path, signal);
  }
  refuse("not-ready", volumeId, "its file system is mounted read-only");
}

function refuse(code: StorageError["code"], volumeId: VolumeId, finding: string): never {
  throw new StorageError(code, `Cannot expand volume "${volumeId}" on this node: ${finding}`);
}
