/** The CSI Node service: decode, call the use case, encode. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { VolumeUsage } from "../../application/node_stats.ts";
import type { NodeVolumes } from "../../application/node_volumes.ts";
import { StorageError } from "../../domain/errors.ts";
import { parsePublishContext } from "../../domain/publish_context.ts";
import { parseVolumeContext } from "../../domain/volume_context.ts";
import { parseVolumeId } from "../../domain/volume_id.ts";
import {
  NodeServiceCapability_RPC_Type as Capability,
  VolumeUsage_Unit as Unit,
} from "./gen/csi_pb.ts";
import type { Node, VolumeUsageSchema } from "./gen/csi_pb.ts";
import {
  capacityRangeOf,
  required,
  requiredCapability,
  requiredPath,
  requiredVolumeId,
} from "./messages.ts";
import type { HandlersOf } from "./service.ts";

type NodeHandlers = HandlersOf<typeof Node>;

/**
 * What the service can do; docs/reference/conformance.md is tested against it. VOLUME_MOUNT_GROUP
 * is not announced: the kubelet would then leave the ownership of ext4 and xfs volumes to us.
 */
export const NODE_CAPABILITIES: readonly Capability[] = [
  Capability.STAGE_UNSTAGE_VOLUME,
  Capability.GET_VOLUME_STATS,
  Capability.VOLUME_CONDITION,
  Capability.EXPAND_VOLUME,
  Capability.SINGLE_NODE_MULTI_WRITER,
];

/** The handlers of the whole service. */
export function nodeHandlers(volumes: NodeVolumes): NodeHandlers {
  return {
    nodeGetCapabilities: () =>
      Promise.resolve({
        capabilities: NODE_CAPABILITIES.map((type) => ({
          type: { case: "rpc", value: { type } } as const,
        })),
      }),
    nodeGetInfo: () => {
      const { id, volumesMax } = volumes.info();
      return Promise.resolve({ nodeId: id, maxVolumesPerNode: BigInt(volumesMax) });
    },
    ...stageHandlers(volumes),
    ...publishHandlers(volumes),
    ...volumePathHandlers(volumes),
  };
}

/** Calls that bring a volume to the node and take it away. */
function stageHandlers(volumes: NodeVolumes): NodeHandlers {
  return {
    nodeStageVolume: async (request, { signal }) => {
      required(request.volumeId, "volume_id");
      const stagingPath = requiredPath(request.stagingTargetPath, "staging_target_path");
      const capability = requiredCapability(request.volumeCapability);
      await volumes.stage({
        volumeId: requiredVolumeId(request.volumeId),
        stagingPath,
        capability,
        published: parsePublishContext(request.publishContext),
        parameters: parseVolumeContext(request.volumeContext),
      }, signal);
      return {};
    },
    nodeUnstageVolume: async (request, { signal }) => {
      const id = parseVolumeId(required(request.volumeId, "volume_id"));
      const stagingPath = requiredPath(request.stagingTargetPath, "staging_target_path");
      // What cannot be ours was never staged by us.
      if (id !== undefined) await volumes.unstage(id, stagingPath, signal);
      return {};
    },
  };
}

/** Calls that show a staged volume to a pod and take it away. */
function publishHandlers(volumes: NodeVolumes): NodeHandlers {
  return {
    nodePublishVolume: async (request, { signal }) => {
      required(request.volumeId, "volume_id");
      const targetPath = requiredPath(request.targetPath, "target_path");
      const capability = requiredCapability(request.volumeCapability);
      await volumes.publish({
        volumeId: requiredVolumeId(request.volumeId),
        stagingPath: stagingPathOf(request.stagingTargetPath),
        targetPath,
        capability,
        isReadOnly: request.readonly,
      }, signal);
      return {};
    },
    nodeUnpublishVolume: async (request, { signal }) => {
      const id = parseVolumeId(required(request.volumeId, "volume_id"));
      const targetPath = requiredPath(request.targetPath, "target_path");
      if (id !== undefined) await volumes.unpublish(id, targetPath, signal);
      return {};
    },
  };
}

/** Calls about a volume at a path where it already is. */
function volumePathHandlers(volumes: NodeVolumes): NodeHandlers {
  return {
    nodeExpandVolume: async (request, { signal }) => {
      required(request.volumeId, "volume_id");
      const volumePath = volumePathOf(request.volumePath);
      const { requiredBytes } = capacityRangeOf(request.capacityRange);
      const volumeId = requiredVolumeId(request.volumeId);
      const bytes = await volumes.expand({ volumeId, volumePath, requiredBytes }, signal);
      return { capacityBytes: BigInt(bytes) };
    },
    nodeGetVolumeStats: async (request, { signal }) => {
      required(request.volumeId, "volume_id");
      const path = volumePathOf(request.volumePath);
      const { usage, condition } = await volumes.stats(
        requiredVolumeId(request.volumeId),
        path,
        signal,
      );
      return {
        usage: usageMessages(usage),
        volumeCondition: { abnormal: condition.isAbnormal, message: condition.message },
      };
    },
  };
}

function usageMessages(usage: VolumeUsage): MessageInitShape<typeof VolumeUsageSchema>[] {
  if (usage.kind === "unknown") return [];
  if (usage.kind === "block") return [{ unit: Unit.BYTES, total: BigInt(usage.totalBytes) }];
  const { totalBytes, usedBytes, availableBytes, inodes: counts } = usage.usage;
  const bytes = {
    unit: Unit.BYTES,
    total: BigInt(totalBytes),
    used: BigInt(usedBytes),
    available: BigInt(availableBytes),
  };
  if (counts === undefined) return [bytes];
  const { total, used, available } = counts;
  const inodes = { total: BigInt(total), used: BigInt(used), available: BigInt(available) };
  return [bytes, { unit: Unit.INODES, ...inodes }];
}

/** NodePublishVolume without a staging path would be for drivers that do not stage. */
function stagingPathOf(text: string): string {
  if (text !== "") return requiredPath(text, "staging_target_path");
  throw new StorageError("not-ready", "Cannot publish volume: staging_target_path is empty");
}

/** A path at which a volume of ours may be; at a relative one it cannot be. */
function volumePathOf(text: string): string {
  const path = required(text, "volume_path");
  if (path.startsWith("/")) return requiredPath(path, "volume_path");
  throw new StorageError("not-found", `Cannot find a volume at "${path}": the path is relative`);
}
