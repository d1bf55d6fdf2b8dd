/** A volume's session and device, as the kernel shows them now. */
import type { BlockDevice } from "../domain/block_device.ts";
import { StorageError } from "../domain/errors.ts";
import type { PublishedVolume } from "../domain/publish_context.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { Mounter, PathUse } from "../ports/mounter.ts";
import type { NvmeHost, NvmeSession } from "../ports/nvme_host.ts";
import type { StageRecord } from "../ports/stage_records.ts";

/** What is at a path; of a mount that looks alive its file system is asked whether it is. */
export async function lookClosely(
  { mounter }: { readonly mounter: Mounter },
  path: string,
  signal: AbortSignal,
): Promise<PathUse> {
  const use = await mounter.look(path, signal);
  if (use.kind !== "mount" || !use.isAlive) return use;
  return { ...use, isAlive: await mounter.works(path, signal) };
}

/**
 * Whether the kernel gave the connection up and keeps the device for a while: what is still to be
 * written to it is lost at the end of that while, unless it is connected again.
 */
export function isOnlyKept(session: NvmeSession | undefined): boolean {
  return session?.device !== undefined && session.controllers.length === 0;
}

/**
 * Connects a volume and makes sure that all of it is there: as large as it was published, and no
 * smaller than it was when it was staged before (a kernel takes a shrunk device without a word).
 * @param session as it was found
 * @throws {StorageError} `unavailable` when it does not answer or is not whole.
 */
export async function connectWhole(
  { host }: { readonly host: NvmeHost },
  { nqn, at, policy, capacityBytes }: PublishedVolume,
  volumeId: VolumeId,
  { record, session }: {
    readonly record: StageRecord | undefined;
    readonly session: NvmeSession | undefined;
  },
  signal: AbortSignal,
): Promise<BlockDevice> {
  await lookForDevice(host, session, signal);
  const found = await host.connect({ nqn, at, policy }, signal);
  const leastBytes = Math.max(capacityBytes, record?.device?.sizeBytes ?? 0);
  if (found.sizeBytes >= leastBytes) return found;
  // A volume that grew while it was connected shows its new size only when asked.
  const device = await host.rescan(nqn, signal);
  if (device.sizeBytes >= leastBytes) return device;
  throw new StorageError(
    "unavailable",
    `Cannot stage volume "${volumeId}": its device shows ${device.sizeBytes} bytes of ${leastBytes}`,
  );
}

/**
 * Where a namespace came back with another identity, the kernel drops it and shows the new one
 * only after it has been asked to look again.
 */
export async function lookForDevice(
  host: NvmeHost,
  session: NvmeSession | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (session?.state !== "live" || session.device !== undefined) return;
  try {
    await host.rescan(session.nqn, signal);
  } catch (error) {
    // Whether there is a device then, the caller finds out.
    if (!(error instanceof StorageError)) throw error;
  }
}
