/** The CSI Controller service: decode, call the use case, encode. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Publications } from "../../application/publication.ts";
import type { Snapshots } from "../../application/snapshots.ts";
import type { Volumes } from "../../application/volumes.ts";
import { StorageError } from "../../domain/errors.ts";
import type { Volume } from "../../domain/volume.ts";
import { Controller, ControllerServiceCapability_RPC_Type as Capability } from "./gen/csi_pb.ts";
import type { ListVolumesResponse_EntrySchema, VolumeSchema } from "./gen/csi_pb.ts";
import {
  capacityRangeOf,
  conditionMessage,
  contentSourceMessage,
  contentSourceOf,
  required,
  requiredCapabilities,
  requiredCapability,
  requiredVolumeId,
} from "./messages.ts";
import type { HandlersOf } from "./service.ts";
import { snapshotHandlers } from "./snapshots.ts";

/** The use cases behind the service. */
export interface ControllerUseCases {
  readonly volumes: Volumes;
  readonly snapshots: Snapshots;
  readonly publications: Publications;
}

type ControllerHandlers = HandlersOf<typeof Controller>;

/** What the service can do; docs/reference/conformance.md is tested against it. */
export const CONTROLLER_CAPABILITIES: readonly Capability[] = [
  Capability.CREATE_DELETE_VOLUME,
  Capability.PUBLISH_UNPUBLISH_VOLUME,
  Capability.PUBLISH_READONLY,
  Capability.LIST_VOLUMES,
  Capability.LIST_VOLUMES_PUBLISHED_NODES,
  Capability.GET_VOLUME,
  Capability.VOLUME_CONDITION,
  Capability.GET_CAPACITY,
  Capability.EXPAND_VOLUME,
  Capability.CLONE_VOLUME,
  Capability.CREATE_DELETE_SNAPSHOT,
  Capability.LIST_SNAPSHOTS,
  Capability.GET_SNAPSHOT,
  Capability.MODIFY_VOLUME,
  Capability.SINGLE_NODE_MULTI_WRITER,
];

/** The handlers of the whole service. */
export function controllerHandlers(useCases: ControllerUseCases): ControllerHandlers {
  return {
    controllerGetCapabilities: () =>
      Promise.resolve({
        capabilities: CONTROLLER_CAPABILITIES.map((type) => ({
          type: { case: "rpc", value: { type } } as const,
        })),
      }),
    ...lifeHandlers(useCases.volumes),
    ...inquiryHandlers(useCases.volumes),
    ...publicationHandlers(useCases.publications),
    ...snapshotHandlers(useCases.snapshots),
  };
}

/** Calls that change volumes. */
function lifeHandlers(volumes: Volumes): ControllerHandlers {
  return {
    createVolume: async (request, { signal }) => {
      const { volume, context } = await volumes.create({
        name: required(request.name, "name"),
        range: capacityRangeOf(request.capacityRange),
        capabilities: requiredCapabilities(request.volumeCapabilities),
        parameters: request.parameters,
        mutableParameters: request.mutableParameters,
        source: contentSourceOf(request.volumeContentSource),
      }, signal);
      return { volume: { ...volumeMessage(volume), volumeContext: { ...context } } };
    },
    deleteVolume: async (request, { signal }) => {
      await volumes.delete(required(request.volumeId, "volume_id"), signal);
      return {};
    },
    controllerExpandVolume: async (request, { signal }) => {
      const range = capacityRangeOf(request.capacityRange);
      if (range.requiredBytes === 0 && range.limitBytes === 0) {
        throw new StorageError("invalid", "Cannot expand volume: capacity_range is empty");
      }
      const id = requiredVolumeId(request.volumeId);
      if (request.volumeCapability !== undefined) requiredCapability(request.volumeCapability);
      const volume = await volumes.expand(id, range, signal);
      // A raw block device, too, must be looked at again by the node before it shows the new size.
      return { capacityBytes: BigInt(volume.capacityBytes), nodeExpansionRequired: true };
    },
    controllerModifyVolume: async (request, { signal }) => {
      const id = requiredVolumeId(request.volumeId);
      await volumes.modify(id, request.mutableParameters, signal);
      return {};
    },
  };
}

/** Calls that only look. */
function inquiryHandlers(volumes: Volumes): ControllerHandlers {
  return {
    controllerGetVolume: async (request, { signal }) => {
      const volume = await volumes.get(requiredVolumeId(request.volumeId), signal);
      return { volume: volumeMessage(volume), status: statusMessage(volume) };
    },
    listVolumes: async (request, { signal }) => {
      const { maxEntries: entriesMax, startingToken } = request;
      const page = await volumes.list({ entriesMax, startingToken }, signal);
      return { entries: page.items.map(entryMessage), nextToken: page.nextToken };
    },
    validateVolumeCapabilities: async (request, { signal }) => {
      const { volumeCapabilities, volumeContext, parameters, mutableParameters } = request;
      const capabilities = requiredCapabilities(volumeCapabilities);
      const id = requiredVolumeId(request.volumeId);
      const refusal = await volumes.validate(id, capabilities, parameters, signal);
      if (refusal !== undefined) return { message: refusal };
      return { confirmed: { volumeCapabilities, volumeContext, parameters, mutableParameters } };
    },
    getCapacity: async (request, { signal }) => {
      const capabilities = request.volumeCapabilities.length === 0
        ? []
        : requiredCapabilities(request.volumeCapabilities);
      const capacity = await volumes.capacity(request.parameters, capabilities, signal);
      return {
        availableCapacity: BigInt(capacity.availableBytes),
        minimumVolumeSize: BigInt(capacity.volumeBytesMin),
        maximumVolumeSize: BigInt(capacity.volumeBytesMax),
      };
    },
  };
}

/** Calls that say which node may use a volume. */
function publicationHandlers(publications: Publications): ControllerHandlers {
  return {
    controllerPublishVolume: async (request, { signal }) => {
      required(request.volumeId, "volume_id");
      const nodeId = required(request.nodeId, "node_id");
      const capability = requiredCapability(request.volumeCapability);
      const publishContext = await publications.publish({
        // Only now: what is missing in the request is told before what is missing on the array.
        volumeId: requiredVolumeId(request.volumeId),
        nodeId,
        capability,
        isReadOnly: request.readonly,
        volumeContext: request.volumeContext,
      }, signal);
      return { publishContext };
    },
    controllerUnpublishVolume: async (request, { signal }) => {
      const id = required(request.volumeId, "volume_id");
      await publications.unpublish(id, request.nodeId, signal);
      return {};
    },
  };
}

function volumeMessage(volume: Volume): MessageInitShape<typeof VolumeSchema> {
  const contentSource = contentSourceMessage(volume.source);
  return {
    volumeId: volume.id,
    capacityBytes: BigInt(volume.capacityBytes),
    ...(contentSource === undefined ? {} : { contentSource }),
  };
}

function entryMessage(volume: Volume): MessageInitShape<typeof ListVolumesResponse_EntrySchema> {
  return { volume: volumeMessage(volume), status: statusMessage(volume) };
}

/** What both ListVolumes and ControllerGetVolume say of a volume's state. */
function statusMessage(volume: Volume): {
  publishedNodeIds: string[];
  volumeCondition: ReturnType<typeof conditionMessage>;
} {
  return {
    publishedNodeIds: volume.publications.map(({ node }) => node),
    volumeCondition: conditionMessage(volume.problem),
  };
}
