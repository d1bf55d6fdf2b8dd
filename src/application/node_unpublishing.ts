/** Unpublishing: what a pod was shown of a volume goes away, and nothing else does. */
import { StorageError } from "../domain/errors.ts";
import { nqnOf } from "../domain/nvme.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { NodePorts } from "./node_ports.ts";

/** Unpublishes a volume; see `NodeVolumes.unpublish`. */
export async function unpublishVolume(
  ports: NodePorts,
  volumeId: VolumeId,
  targetPath: string,
  signal: AbortSignal,
): Promise<void> {
  await checkOurs(ports, volumeId, targetPath, signal);
  await ports.mounter.release(targetPath, signal);
}

/**
 * What is alive at the path and not the volume's is somebody's: another volume, or a file system of
 * this machine. What is dead has lost its device, so it cannot be told whose it was, and goes.
 */
async function checkOurs(
  { host, mounter }: NodePorts,
  volumeId: VolumeId,
  targetPath: string,
  signal: AbortSignal,
): Promise<void> {
  const use = await mounter.look(targetPath, signal);
  if ((use.kind !== "mount" && use.kind !== "block") || !use.isAlive) return;
  const device = await host.find(nqnOf(volumeId), signal);
  if (use.device === device?.number) return;
  // Something on top of the volume goes with it.
  const uses = device === undefined ? [] : await mounter.usesOf(device.number, signal);
  if (uses.includes(targetPath)) return;
  throw new StorageError(
    "in-use",
    `Cannot unpublish volume "${volumeId}" at ${targetPath}: it holds device ${use.device}, which ` +
      `is not the volume's; whoever put it there has to take it away`,
  );
}
