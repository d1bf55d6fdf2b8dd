/**
 * Staging again from the record. The orchestrator may publish a volume to a new pod on a node
 * where its mount died, and then never stages it: it believes it is staged.
 */
import type { BlockDevice } from "../domain/block_device.ts";
import { StorageError } from "../domain/errors.ts";
import { nqnOf } from "../domain/nvme.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { NvmeSession } from "../ports/nvme_host.ts";
import type { PathUse } from "../ports/mounter.ts";
import type { StageRecord } from "../ports/stage_records.ts";
import { lookClosely } from "./node_device.ts";
import type { NodeContext } from "./node_ports.ts";
import { readableRecord } from "./node_records.ts";
import type { NodePublishRequest } from "./node_requests.ts";
import { stageVolume } from "./node_staging.ts";

/**
 * The device of a volume that is staged and alive; staged again from its record where it died.
 * What another pod has is never touched.
 * @throws {StorageError} `not-ready` when it is not staged, or cannot be staged again, with why.
 */
export async function stagedDevice(
  context: NodeContext,
  request: NodePublishRequest,
  signal: AbortSignal,
): Promise<BlockDevice> {
  const { volumeId, stagingPath, capability } = request;
  const session = await context.host.session(nqnOf(volumeId), signal);
  const record = await readableRecord(context.records, volumeId);
  const problem = capability.access.type === "mount"
    ? mountProblem(await lookClosely(context, stagingPath, signal), session, stagingPath)
    : blockProblem(session, record);
  const finding = endingOf(record, context.bootId) ?? problem;
  const isWhole = finding === undefined && session?.device !== undefined;
  if (record === undefined || !isRestageable(record, context.bootId, request)) {
    return isWhole ? session.device : refuse(request, finding ?? "it has no device");
  }
  // An earlier attempt to stage it again may have ended before it could say so in the record.
  if (isWhole && record.phase === "staged") return session.device;
  if (!isWhole) await checkNotAliveElsewhere(context, request, record, session, signal);
  await stageVolume(context, record, signal);
  const again = await context.host.find(nqnOf(volumeId), signal);
  return again ?? refuse(request, "its device is gone again");
}

/** What ends keeps nothing alive: the guardian leaves it alone, and its device may go at any moment. */
function endingOf(record: StageRecord | undefined, currentBootId: string): string | undefined {
  if (record?.bootId !== currentBootId) return undefined;
  switch (record.phase) {
    case "staging":
    case "staged":
      return undefined;
    case "unstaging":
      return "it is being unstaged; it must be staged again first";
    case "abandoned":
      return "it was detached by force; it must be unstaged and staged again";
  }
}

/** Why the staging path cannot be bound; a pod would get a file system that only fails. */
function mountProblem(
  use: PathUse,
  session: NvmeSession | undefined,
  stagingPath: string,
): string | undefined {
  switch (use.kind) {
    case "mount": {
      if (!use.isAlive) {
        return `the device or file system behind ${stagingPath} is gone; it must be unstaged and ` +
          "staged again";
      }
      const number = session?.device?.number;
      if (number === undefined) return "it is not staged on this node";
      if (use.device === number) return undefined;
      return `${stagingPath} holds device ${use.device}, not the volume's`;
    }
    case "nothing":
    case "directory":
      if (session === undefined) return "it is not staged on this node";
      return `nothing is mounted at ${stagingPath}`;
    case "block":
    case "other":
      return `${stagingPath} is no directory`;
  }
}

function blockProblem(
  session: NvmeSession | undefined,
  record: StageRecord | undefined,
): string | undefined {
  if (session?.device === undefined) return "it is not staged on this node";
  const { number } = session.device;
  const staged = record?.device?.number ?? number;
  return staged === number ? undefined : `it was staged as device ${staged} and is ${number} now`;
}

/** Whether the volume was once staged there, in this boot, and nobody ended that on purpose. */
function isRestageable(
  { phase, bootId, stagingPath, device, capability }: StageRecord,
  currentBootId: string,
  request: NodePublishRequest,
): boolean {
  return (phase === "staged" || phase === "staging") && bootId === currentBootId &&
    stagingPath === request.stagingPath && device !== undefined &&
    capability.access.type === request.capability.access.type;
}

/** A living use beside a dead staging path is nothing that we made: it is left to a person. */
async function checkNotAliveElsewhere(
  context: NodeContext,
  request: NodePublishRequest,
  record: StageRecord,
  session: NvmeSession | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (request.capability.access.type === "block") return;
  for (const number of new Set([record.device?.number, session?.device?.number])) {
    if (number === undefined) continue;
    for (const path of await context.mounter.usesOf(number, signal)) {
      const use = await lookClosely(context, path, signal);
      if ((use.kind !== "mount" && use.kind !== "block") || !use.isAlive) continue;
      // The number it had before may be another disk's by now.
      if (use.device !== session?.device?.number) continue;
      refuse(request, `its staging path is dead, and ${path} still has it alive`);
    }
  }
}

function refuse(
  { volumeId, targetPath }: { readonly volumeId: VolumeId; readonly targetPath: string },
  finding: string,
): never {
  throw new StorageError(
    "not-ready",
    `Cannot publish volume "${volumeId}" at ${targetPath}: ${finding}`,
  );
}
