/** How much of a volume is used, and whether it is well. */
import type { BlockDevice } from "../domain/block_device.ts";
import { StorageError } from "../domain/errors.ts";
import { diagnose, RESTAGE } from "../domain/health.ts";
import { nqnOf } from "../domain/nvme.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { FileSystemUsage, PathUse } from "../ports/mounter.ts";
import type { NodeContext } from "./node_ports.ts";
import { readableRecord } from "./node_records.ts";

/** What is known of the use of a volume. */
export type VolumeUsage =
  | { readonly kind: "file-system"; readonly usage: FileSystemUsage }
  | { readonly kind: "block"; readonly totalBytes: number }
  /** The volume is not well, and asking it could hang. */
  | { readonly kind: "unknown" };

/** The health of a volume, as CSI has it. */
export interface VolumeCondition {
  readonly isAbnormal: boolean;
  /** For people; never empty. */
  readonly message: string;
}

/** What NodeGetVolumeStats answers. */
export interface VolumeStats {
  readonly usage: VolumeUsage;
  readonly condition: VolumeCondition;
}

type Shown = Extract<PathUse, { kind: "mount" | "block" }>;

/** Measures a volume; see `NodeVolumes.stats`. */
export async function volumeStats(
  context: NodeContext,
  volumeId: VolumeId,
  path: string,
  signal: AbortSignal,
): Promise<VolumeStats> {
  const use = await context.mounter.look(path, signal);
  const session = await context.host.session(nqnOf(volumeId), signal);
  const device = session?.device;
  const found = await readableRecord(context.records, volumeId);
  const record = found?.bootId === context.bootId ? found : undefined;
  const isShown = use.kind === "mount" || use.kind === "block";
  // A kernel can keep the device that was staged although the connection shows none any more.
  const isOurs = isShown &&
    (use.device === device?.number || use.device === record?.device?.number);
  // A dead mount has lost its device, so whose it was cannot be told: it is believed.
  if (!isShown || (use.isAlive && !isOurs)) {
    throw new StorageError("not-found", `Cannot find volume "${volumeId}": it is not at ${path}`);
  }
  const health = diagnose({
    phase: record?.phase,
    staged: record?.device,
    session,
    shown: use.isAlive && isOurs ? "alive" : "dead",
    connectFailure: context.reconnects.failureOf(volumeId),
  });
  if (health.kind === "ill") return abnormal(health.message);
  return await measured(context.mounter, use, device, path, signal);
}

async function measured(
  mounter: NodeContext["mounter"],
  use: Shown,
  device: BlockDevice | undefined,
  path: string,
  signal: AbortSignal,
): Promise<VolumeStats> {
  const condition = { isAbnormal: false, message: "the volume is connected" };
  if (use.kind === "block") {
    return { usage: { kind: "block", totalBytes: device?.sizeBytes ?? 0 }, condition };
  }
  try {
    const usage = await mounter.usage(path, signal);
    return { usage: { kind: "file-system", usage }, condition };
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== "unavailable") throw error;
    if (!await hasGivenUp(mounter, path, signal)) {
      return abnormal(`the file system does not answer: ${error.message}`);
    }
    return abnormal(`the file system of the volume has given up; ${RESTAGE}`);
  }
}

/** Whether that is certain; what cannot be asked may be well. */
async function hasGivenUp(
  mounter: NodeContext["mounter"],
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return !await mounter.works(path, signal);
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}

function abnormal(message: string): VolumeStats {
  return { usage: { kind: "unknown" }, condition: { isAbnormal: true, message } };
}
