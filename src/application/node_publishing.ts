/** Publishing on the node: a staged volume, shown to a pod. */
import { checkCapabilities } from "../domain/access.ts";
import type { BlockDevice } from "../domain/block_device.ts";
import { StorageError } from "../domain/errors.ts";
import { isReadOnlyUse } from "../domain/stage.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { PathUse } from "../ports/mounter.ts";
import type { NodeContext, NodePorts } from "./node_ports.ts";
import type { NodePublishRequest } from "./node_requests.ts";
import { stagedDevice } from "./node_restaging.ts";

/** Publishes a staged volume; see `NodeVolumes.publish`. */
export async function publishVolume(
  context: NodeContext,
  request: NodePublishRequest,
  signal: AbortSignal,
): Promise<void> {
  const { stagingPath, targetPath, capability } = request;
  checkCapabilities([capability]);
  const device = await stagedDevice(context, request, signal);
  const isMount = capability.access.type === "mount";
  const isReadOnly = request.isReadOnly || isReadOnlyUse(capability);
  const kind = isMount ? "mount" : "block";
  if (await isPublishedAs(context, request, { kind, isReadOnly, device }, signal)) return;
  if (!isMount) await checkNotMounted(context, request, device, signal);
  await checkOnlyTarget(context, request, device, signal);
  if (isMount) await context.mounter.bind(stagingPath, targetPath, isReadOnly, signal);
  else await context.mounter.exposeBlock(device, targetPath, isReadOnly, signal);
}

/** A raw device beside a mount of it would be two writers, and the end of the file system. */
async function checkNotMounted(
  { mounter }: NodePorts,
  request: NodePublishRequest,
  device: BlockDevice,
  signal: AbortSignal,
): Promise<void> {
  for (const path of await mounter.usesOf(device.number, signal)) {
    if ((await mounter.look(path, signal)).kind !== "mount") continue;
    refuse("not-ready", request, `it is mounted at ${path}, raw block is asked for`);
  }
}

/** Whether the target path shows the volume as wanted; clears what is dead out of the way. */
async function isPublishedAs(
  { mounter }: NodePorts,
  request: NodePublishRequest,
  wanted: { kind: "mount" | "block"; isReadOnly: boolean; device: BlockDevice },
  signal: AbortSignal,
): Promise<boolean> {
  const { targetPath } = request;
  const use: PathUse = await mounter.look(targetPath, signal);
  switch (use.kind) {
    case "nothing":
    case "directory":
      return false;
    case "other":
      return refuse("in-use", request, `${targetPath} is ${use.what}`);
    case "mount":
    case "block": {
      const isCurrent = use.device === wanted.device.number;
      // The number of a device node can pass to another volume; one that is not ours any more must
      // not stay where a pod would open it.
      if (!use.isAlive || (use.kind === "block" && !isCurrent)) {
        await mounter.release(targetPath, signal);
        return false;
      }
      if (!isCurrent) {
        return refuse("in-use", request, `${targetPath} shows device ${use.device}`);
      }
      if (use.kind === wanted.kind && use.isReadOnly === wanted.isReadOnly) return true;
      const how = `${use.isReadOnly ? "read-only" : "read-write"} as a ${use.kind} volume`;
      return refuse("already-exists", request, `it is published at ${targetPath} ${how}`);
    }
  }
}

/** Holds the access mode that allows one writer in one place. */
async function checkOnlyTarget(
  { mounter }: NodePorts,
  request: NodePublishRequest,
  device: BlockDevice,
  signal: AbortSignal,
): Promise<void> {
  const { capability, stagingPath, targetPath } = request;
  if (capability.mode !== "SINGLE_NODE_SINGLE_WRITER") return;
  const uses = await mounter.usesOf(device.number, signal);
  const other = uses.find((path) => path !== stagingPath && path !== targetPath);
  if (other === undefined) return;
  refuse("in-use", request, `access mode ${capability.mode} allows one place, and ${other} has it`);
}

function refuse(
  code: StorageError["code"],
  { volumeId, targetPath }: { readonly volumeId: VolumeId; readonly targetPath: string },
  finding: string,
): never {
  throw new StorageError(
    code,
    `Cannot publish volume "${volumeId}" at ${targetPath}: ${finding}`,
  );
}
