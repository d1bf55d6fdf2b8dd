/** Staging: from the array's export to a mounted, whole file system. */
import type { VolumeCapability } from "../domain/access.ts";
import { checkCapabilities } from "../domain/access.ts";
import type { BlockDevice } from "../domain/block_device.ts";
import { isOpen, refusalOf } from "../domain/breaker.ts";
import { StorageError } from "../domain/errors.ts";
import { nqnOf } from "../domain/nvme.ts";
import type { PublishedVolume } from "../domain/publish_context.ts";
import { isReadOnlyUse, mountDifference, mountOptionsFor } from "../domain/stage.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { MountRequest, PathUse } from "../ports/mounter.ts";
import type { NvmeSession } from "../ports/nvme_host.ts";
import type { StageRecord } from "../ports/stage_records.ts";
import { counted } from "./node_breaker.ts";
import { connectWhole, lookClosely } from "./node_device.ts";
import { mountVolume } from "./node_mounting.ts";
import type { NodeContext } from "./node_ports.ts";
import type { StageRequest } from "./node_requests.ts";

/** What a stage finds before it changes anything. */
interface Findings {
  /** What an earlier stage left behind; phase and trouble count in the boot it was written in only. */
  readonly record: StageRecord | undefined;
  readonly session: NvmeSession | undefined;
  /** What is at the staging path, as far as staging goes on from it. */
  readonly path: "free" | "dead" | "mounted";
}

/** Stages a volume; see `NodeVolumes.stage`. */
export async function stageVolume(
  context: NodeContext,
  request: StageRequest,
  signal: AbortSignal,
): Promise<void> {
  const { volumeId, capability, published } = request;
  checkCapabilities([capability]);
  if (published.nqn !== nqnOf(volumeId)) {
    refuse("invalid", volumeId, `its publish context names ${published.nqn}`);
  }
  const findings = await find(context, request, signal);
  if (isAsStaged(request, findings)) return;
  await checkNotStagedElsewhere(context, request, findings, signal);
  const { record } = findings;
  if (record?.trouble !== undefined && isOpen(record.trouble, context.clock.wallMs())) {
    refuse("not-ready", volumeId, refusalOf(record.trouble, volumeId));
  }
  await leaveOldAddress(context, request, findings, signal);
  await begin(context, request, findings);
  await converge(context, request, findings, signal);
}

async function find(
  context: NodeContext,
  request: StageRequest,
  signal: AbortSignal,
): Promise<Findings> {
  const { records, bootId } = context;
  const earlier = await records.read(request.volumeId);
  const session = await context.host.session(request.published.nqn, signal);
  const use = await lookClosely(context, request.stagingPath, signal);
  const path = pathState(request, use, session?.device);
  if (earlier === undefined || earlier.bootId === bootId) return { record: earlier, session, path };
  const { trouble: _, ...beforeBoot } = earlier;
  return { record: { ...beforeBoot, phase: "staging" }, session, path };
}

/** What the staging path is to this stage; refuses what it must not touch. */
function pathState(
  { volumeId, stagingPath, capability, published }: StageRequest,
  use: PathUse,
  device: BlockDevice | undefined,
): Findings["path"] {
  const { access } = capability;
  if (access.type === "block") {
    if (use.kind !== "mount") return "free";
    const finding = `${stagingPath} has it mounted, raw block is asked for`;
    return refuse("already-exists", volumeId, finding);
  }
  switch (use.kind) {
    case "nothing":
    case "directory":
      return "free";
    case "other":
      return refuse("not-ready", volumeId, `${stagingPath} is ${use.what}`);
    case "block":
      return refuse("not-ready", volumeId, `${stagingPath} is block device ${use.device}`);
    case "mount": {
      if (!use.isAlive) return "dead";
      if (use.device !== device?.number) {
        return refuse("in-use", volumeId, `${stagingPath} holds device ${use.device}`);
      }
      const wanted = wantedMount(capability, published);
      const difference = wanted && mountDifference(use, wanted);
      if (difference === undefined) return "mounted";
      return refuse("already-exists", volumeId, `at ${stagingPath} ${difference}`);
    }
  }
}

/** Mounted at two staging paths, the volume could be unstaged from neither: each has the other. */
async function checkNotStagedElsewhere(
  { mounter }: NodeContext,
  { volumeId, stagingPath }: StageRequest,
  { record, session, path }: Findings,
  signal: AbortSignal,
): Promise<void> {
  if (record === undefined || record.stagingPath === stagingPath || path === "mounted") return;
  const use = await mounter.look(record.stagingPath, signal);
  if (use.kind !== "mount" || !use.isAlive || use.device !== session?.device?.number) return;
  const finding = `it is staged at ${record.stagingPath} and has to be unstaged there first`;
  refuse("in-use", volumeId, finding);
}

/** Whether all is as an earlier stage with the same words left it; then nothing is touched. */
function isAsStaged(request: StageRequest, { record, session, path }: Findings): boolean {
  if (record?.phase !== "staged" || record.device === undefined) return false;
  const isMounted = path === "mounted" || request.capability.access.type === "block";
  const device = session?.device;
  return isMounted && session?.state !== "closing" && device?.number === record.device.number &&
    device.identity === record.device.identity && device.sizeBytes <= record.device.sizeBytes &&
    saysTheSame(record, request);
}

function saysTheSame(record: StageRecord, request: StageRequest): boolean {
  return wordsOf(record) === wordsOf(request);
}

/** What a stage was told, as far as it makes a difference to what is staged. */
function wordsOf(
  { stagingPath, capability: { mode, access }, published }: StageRequest,
): string {
  const { at, policy, capacityBytes, isCopy, attachmentUid } = published;
  const how = access.type === "block" ? [] : [access.fileSystem, ...access.mountFlags];
  const numbers = Object.entries(policy).sort(([left], [right]) => left < right ? -1 : 1);
  return JSON.stringify([
    ...[stagingPath, mode, access.type, how, at.address, at.port],
    ...[capacityBytes, isCopy, attachmentUid, numbers],
  ]);
}

/**
 * Writes down what is meant before anything is done about it. A volume that is there stays
 * `staged`: pods may use it, and the guardian has to look after it meanwhile.
 */
async function begin(
  { records, bootId }: NodeContext,
  request: StageRequest,
  { record, session, path }: Findings,
): Promise<void> {
  const isThere = request.capability.access.type === "block"
    ? session?.device !== undefined && session.device.number === record?.device?.number
    : path === "mounted";
  if (record?.phase === "staged" && isThere) return;
  await records.write({ ...recordOf(request, bootId, record), phase: "staging" });
}

/** A record of the request that keeps what an earlier one knows about the device. */
function recordOf(
  { volumeId, stagingPath, capability, published, parameters }: StageRequest,
  bootId: string,
  earlier: StageRecord | undefined,
): Omit<StageRecord, "phase"> {
  const { attachmentUid } = published;
  return {
    ...{ volumeId, stagingPath, bootId, published, capability, parameters },
    ...(earlier?.device === undefined ? {} : { device: earlier.device }),
    ...(earlier?.fileSystemUuid === undefined ? {} : { fileSystemUuid: earlier.fileSystemUuid }),
    ...(attachmentUid === undefined ? {} : { attachmentUid }),
    ...(earlier?.trouble === undefined ? {} : { trouble: earlier.trouble }),
  };
}

/**
 * A volume that moved to another address cannot get there beside its old connection: the target
 * would take the new one for the old (nothing but unmounting helps).
 */
async function leaveOldAddress(
  { host, mounter }: NodeContext,
  { volumeId, published, stagingPath }: StageRequest,
  { record, session, path }: Findings,
  signal: AbortSignal,
): Promise<void> {
  const old = record?.published.at;
  const { at } = published;
  if (session === undefined || old === undefined) return;
  if (old.address === at.address && old.port === at.port) return;
  const { device } = session;
  const uses = device === undefined ? [] : await mounter.usesOf(device.number, signal);
  // What is dead at the staging path goes away anyhow.
  const living = path === "dead" ? uses.filter((each) => each !== stagingPath) : uses;
  if (living.length > 0) {
    refuse(
      "in-use",
      volumeId,
      `it moved from ${old.address} port ${old.port} to ${at.address} port ${at.port} and is ` +
        `still in use at ${living.join(", ")}; it has to be unpublished and unstaged first`,
    );
  }
  if (path === "dead") await mounter.release(stagingPath, signal);
  await host.disconnect(published.nqn, signal);
}

/** From whatever was found to a staged volume, and a record that says so. */
async function converge(
  context: NodeContext,
  request: StageRequest,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const { volumeId, stagingPath, capability, published } = request;
  const { record, path } = findings;
  let { session } = findings;
  if (path === "dead") {
    await context.mounter.release(stagingPath, signal);
    // With its last user a device without a connection goes.
    session = await context.host.session(published.nqn, signal);
  }
  const device = await connectWhole(context, published, volumeId, { record, session }, signal);
  const wanted = wantedMount(capability, published);
  const fileSystemUuid = wanted && await counted(context, volumeId, () => {
    const isMounted = path === "mounted";
    return mountVolume(context, { request, wanted, device, record, isMounted }, signal);
  });
  const { number, identity, sizeBytes } = device;
  const { trouble: _, ...staged } = recordOf(request, context.bootId, record);
  await context.records.write({
    ...staged,
    phase: "staged",
    device: { number, identity, sizeBytes },
    ...(fileSystemUuid === undefined ? {} : { fileSystemUuid }),
  });
  context.reconnects.forget(volumeId);
}

/** How the volume is to be mounted; undefined for raw block. */
function wantedMount(
  capability: VolumeCapability,
  { isCopy }: PublishedVolume,
): Pick<MountRequest, "fileSystem" | "options" | "isReadOnly"> | undefined {
  const { access } = capability;
  if (access.type === "block") return undefined;
  const options = mountOptionsFor(access, isCopy);
  return { fileSystem: access.fileSystem, options, isReadOnly: isReadOnlyUse(capability) };
}

function refuse(code: StorageError["code"], volumeId: VolumeId, finding: string): never {
  throw new StorageError(code, `Cannot stage volume "${volumeId}": ${finding}`);
}
