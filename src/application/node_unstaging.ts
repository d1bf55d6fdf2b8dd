/** Unstaging: nothing of the volume is left on the node, and all that was written is on the array. */
import type { DeviceNumber } from "../domain/block_device.ts";
import { StorageError } from "../domain/errors.ts";
import { nqnOf } from "../domain/nvme.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { StageRecord } from "../ports/stage_records.ts";
import { isOnlyKept } from "./node_device.ts";
import type { NodeContext } from "./node_ports.ts";
import { readableRecord } from "./node_records.ts";

/** Unstages a volume; see `NodeVolumes.unstage`. */
export async function unstageVolume(
  context: NodeContext,
  volumeId: VolumeId,
  stagingPath: string,
  signal: AbortSignal,
): Promise<void> {
  const { host, mounter, records, reconnects } = context;
  const record = await readableRecord(records, volumeId);
  const session = await host.session(nqnOf(volumeId), signal);
  // Also what is left of one: whoever has it mounted has the volume.
  const device = session && (session.device ?? await host.find(session.nqn, signal));
  const use = await mounter.look(stagingPath, signal);
  const mounted = use.kind === "mount" || use.kind === "block" ? use : undefined;
  if (mounted?.isAlive && mounted.device !== device?.number) {
    refuse(
      "in-use",
      volumeId,
      `${stagingPath} holds device ${mounted.device}, which is not the volume's`,
    );
  }
  const now = new Set([device?.number, mounted?.device]);
  await checkUnused(context, volumeId, stagingPath, now, record?.device?.number, signal);
  // Only now: a refusal leaves a volume that a pod uses, and that the guardian has to keep alive.
  const isEnding = record?.phase === "unstaging" || record?.phase === "abandoned";
  if (record !== undefined && !isEnding) await records.write({ ...record, phase: "unstaging" });
  // An unmount that hung is gone from the table; only the mounter knows when it has ended.
  const isResumed = isEnding && record.capability.access.type === "mount";
  const isFree = use.kind === "nothing" || use.kind === "directory";
  if (mounted !== undefined || (isResumed && isFree)) {
    if (isOnlyKept(session)) await connectKept(context, record, signal);
    await mounter.release(stagingPath, signal);
  }
  await disconnect(context, volumeId, signal);
  reconnects.forget(volumeId);
  await records.remove(volumeId);
}

/**
 * A device that its kernel only keeps may hold what is still to be written: letting go of it would
 * wait for the end of that while, and lose it. Not so what a person gave up.
 */
async function connectKept(
  context: NodeContext,
  record: StageRecord | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (record === undefined || record.bootId !== context.bootId) return;
  const { volumeId, phase, published: { nqn, at, policy } } = record;
  if (phase === "abandoned") return;
  try {
    await context.host.connect({ nqn, at, policy }, signal);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new StorageError(
      "unavailable",
      `Cannot unstage volume "${volumeId}": its connection was given up, and what is not written ` +
        `yet is lost when the kernel lets go of the device, within two minutes: ${error.message}`,
      { cause: error },
    );
  }
}

/**
 * Nothing on the staging path does not mean that nobody has the device: looks at every use of it,
 * and of the device it was before it died.
 * @param before the device it was staged as: its number may belong to another disk by now, so only
 * what is dead there is the volume's
 */
async function checkUnused(
  { mounter }: NodeContext,
  volumeId: VolumeId,
  stagingPath: string,
  now: ReadonlySet<DeviceNumber | undefined>,
  before: DeviceNumber | undefined,
  signal: AbortSignal,
): Promise<void> {
  const others: string[] = [];
  for (const number of new Set([...now, before])) {
    if (number === undefined) continue;
    for (const path of await mounter.usesOf(number, signal)) {
      if (path === stagingPath) continue;
      if (now.has(number) || await isDeadAt(mounter, path, signal)) others.push(path);
    }
  }
  if (others.length === 0) return;
  refuse("in-use", volumeId, `it is still in use at ${others.join(", ")}`);
}

async function isDeadAt(
  mounter: NodeContext["mounter"],
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  const use = await mounter.look(path, signal);
  return (use.kind === "mount" || use.kind === "block") && !use.isAlive;
}

/**
 * The last proof is the device itself: an unmount that hangs has left the mount table long before
 * it lets go, and ending the connection then would lose what is still to be written.
 */
async function disconnect(
  { host }: NodeContext,
  volumeId: VolumeId,
  signal: AbortSignal,
): Promise<void> {
  try {
    await host.disconnect(nqnOf(volumeId), signal);
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== "in-use") throw error;
    throw new StorageError(
      "unavailable",
      `Cannot unstage volume "${volumeId}": it is pending; no mount of it is left, and the kernel ` +
        `has not let go of its device: ${error.message}`,
      { cause: error },
    );
  }
}

function refuse(code: StorageError["code"], volumeId: VolumeId, finding: string): never {
  throw new StorageError(code, `Cannot unstage volume "${volumeId}": ${finding}`);
}
