/** The requests that tests make of the shipped program, in few words. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Controller,
  type CreateSnapshotRequestSchema,
  type CreateVolumeRequestSchema,
  VolumeCapability_AccessMode_Mode as Mode,
  type VolumeCapabilitySchema,
} from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import type { Snapshot, Volume } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import type { CsiClient } from "../../../tools/trial/csi_client.ts";

type Capability = MessageInitShape<typeof VolumeCapabilitySchema>;
/** Fields of a CreateVolumeRequest. */
export type VolumeFields = Omit<MessageInitShape<typeof CreateVolumeRequestSchema>, "$typeName">;
/** Fields of a CreateSnapshotRequest. */
export type SnapshotFields = Omit<
  MessageInitShape<typeof CreateSnapshotRequestSchema>,
  "$typeName"
>;

/** Bytes in one gibibyte. */
export const GIB: bigint = 1024n ** 3n;

/** A file system of `fsType` for one node. */
export function mount(mode: Mode = Mode.SINGLE_NODE_WRITER, fsType = ""): Capability {
  return { accessMode: { mode }, accessType: { case: "mount", value: { fsType } } };
}

/** A raw device. */
export function block(mode: Mode = Mode.SINGLE_NODE_WRITER): Capability {
  return { accessMode: { mode }, accessType: { case: "block", value: {} } };
}

/** The content source for a new volume. */
export function fromSnapshot(snapshotId: string): {
  type: { case: "snapshot"; value: { snapshotId: string } };
} {
  return { type: { case: "snapshot", value: { snapshotId } } };
}

/** The content source for a clone. */
export function fromVolume(volumeId: string): {
  type: { case: "volume"; value: { volumeId: string } };
} {
  return { type: { case: "volume", value: { volumeId } } };
}

/** A request for a volume of 1 GiB for one node. */
export function volumeRequest(
  name: string,
  differing: VolumeFields = {},
): VolumeFields {
  return {
    name,
    capacityRange: { requiredBytes: GIB },
    volumeCapabilities: [mount()],
    ...differing,
  };
}

/** Makes a volume of 1 GiB. */
export async function createVolume(
  client: CsiClient,
  name: string,
  differing: VolumeFields = {},
): Promise<Volume> {
  const request = volumeRequest(name, differing);
  const { volume } = await client.call(Controller.method.createVolume, request);
  if (volume === undefined) throw new Error("CreateVolume answered without a volume");
  return volume;
}

/** Takes a snapshot. */
export async function createSnapshot(
  client: CsiClient,
  name: string,
  sourceVolumeId: string,
  differing: SnapshotFields = {},
): Promise<Snapshot> {
  const request = { name, sourceVolumeId, ...differing };
  const { snapshot } = await client.call(Controller.method.createSnapshot, request);
  if (snapshot === undefined) throw new Error("CreateSnapshot answered without a snapshot");
  return snapshot;
}

/** Deletes volumes. */
export async function deleteVolumes(client: CsiClient, ...ids: string[]): Promise<void> {
  for (const volumeId of ids) await client.call(Controller.method.deleteVolume, { volumeId });
}
