/** How much of a volume is used, and whether it is well. */
import type { BlockDevice } from "../domain/block_device.ts";
import { StorageError } from "../domain/errors.ts";
import { nqnOf } from "../domain/nvme.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { FileSystemUsage, PathUse } from "../ports/mounter.ts";
import type { NvmeSession } from "../ports/nvme_host.ts";
import type { NodePorts } from "./node_ports.ts";

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
  { host, mounter }: NodePorts,
  volumeId: VolumeId,
  path: string,
  signal: AbortSignal,
): Promise<VolumeStats> {
  const nqn = nqnOf(volumeId);
  const use = await mounter.look(path, signal);
  const device = await host.find(nqn, signal);
  const isShown = use.kind === "mount" || use.kind === "block";
  // A dead mount has lost its device, so whose it was cannot be told: it is believed.
  if (!isShown || (use.isAlive && use.device !== device?.number)) {
    throw new StorageError("not-found", `Cannot find volume "${volumeId}": it is not at ${path}`);
  }
  const session = (await host.sessions(signal)).find((each) => each.nqn === nqn);
  const problem = problemOf(use, session);
  if (problem !== undefined) {
    return { usage: { kind: "unknown" }, condition: { isAbnormal: true, message: problem } };
  }
  return {
    usage: await usageOf(mounter, use, device, path, signal),
    condition: { isAbnormal: false, message: "the volume is connected" },
  };
}

function problemOf(use: Shown, session: NvmeSession | undefined): string | undefined {
  if (!use.isAlive) {
    return "the device behind the volume is gone; the pod must be started again on a fresh stage";
  }
  switch (session?.state) {
    case "live":
      return undefined;
    case "lost":
      return "the connection to the array is lost; the node is trying to bring it back";
    case "closing":
      return "the connection to the array is being closed";
    case undefined:
      return "there is no connection to the array";
  }
}

async function usageOf(
  mounter: NodePorts["mounter"],
  use: Shown,
  device: BlockDevice | undefined,
  path: string,
  signal: AbortSignal,
): Promise<VolumeUsage> {
  if (use.kind === "block") return { kind: "block", totalBytes: device?.sizeBytes ?? 0 };
  return { kind: "file-system", usage: await mounter.usage(path, signal) };
}
