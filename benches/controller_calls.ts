/** The calls of the CSI controller, as the sidecars send them. */
import {
  Controller,
  Identity,
  VolumeCapability_AccessMode_Mode as Mode,
} from "../src/adapters/csi-grpc/gen/csi_pb.ts";
import type { CsiClient } from "../tools/trial/csi_client.ts";

const GIB = 1024 ** 3;
const NODE_ID = "bench-node@6f2f0a53-1c0e-4a57-9a2f-5d1b6a3e8c41";
const MOUNTED = {
  accessType: { case: "mount", value: { fsType: "ext4" } },
  accessMode: { mode: Mode.SINGLE_NODE_WRITER },
} as const;

/** What a new volume is filled from. */
export type VolumeSource = { readonly volume: string } | { readonly snapshot: string };

/** Each method is one call; sizes are in GiB. Failures are grpc-js's errors. */
export class ControllerCalls {
  readonly #client: CsiClient;

  constructor(client: CsiClient) {
    this.#client = client;
  }

  /** @returns whether the controller says that it is ready */
  async probe(): Promise<boolean> {
    return (await this.#client.call(Identity.method.probe, {})).ready ?? false;
  }

  /** @returns the id of the volume */
  async createVolume(name: string, gib = 1, source?: VolumeSource): Promise<string> {
    const { volume } = await this.#client.call(Controller.method.createVolume, {
      name,
      capacityRange: { requiredBytes: BigInt(gib * GIB) },
      volumeCapabilities: [MOUNTED],
      ...(source === undefined ? {} : { volumeContentSource: { type: sourceMessage(source) } }),
    });
    if (volume === undefined) throw new Error("CreateVolume answered with no volume");
    return volume.volumeId;
  }

  /** Deletes a volume. */
  async deleteVolume(volumeId: string): Promise<void> {
    await this.#client.call(Controller.method.deleteVolume, { volumeId });
  }

  /** Grows a volume. */
  async expandVolume(volumeId: string, gib: number): Promise<void> {
    const capacityRange = { requiredBytes: BigInt(gib * GIB) };
    await this.#client.call(Controller.method.controllerExpandVolume, { volumeId, capacityRange });
  }

  /** Lets the one node of the bench use a volume. */
  async publishVolume(volumeId: string): Promise<void> {
    await this.#client.call(Controller.method.controllerPublishVolume, {
      volumeId,
      nodeId: NODE_ID,
      volumeCapability: MOUNTED,
    });
  }

  /** Takes that back. */
  async unpublishVolume(volumeId: string): Promise<void> {
    const nodeId = NODE_ID;
    await this.#client.call(Controller.method.controllerUnpublishVolume, { volumeId, nodeId });
  }

  /** Changes the delay between two reconnects. */
  async modifyVolume(volumeId: string, reconnectDelaySeconds: number): Promise<void> {
    const mutableParameters = { reconnectDelay: String(reconnectDelaySeconds) };
    await this.#client.call(Controller.method.controllerModifyVolume, {
      volumeId,
      mutableParameters,
    });
  }

  /** Reads one volume. */
  async getVolume(volumeId: string): Promise<void> {
    await this.#client.call(Controller.method.controllerGetVolume, { volumeId });
  }

  /** Asks whether a volume can be mounted by one node. */
  async validateVolume(volumeId: string): Promise<void> {
    const volumeCapabilities = [MOUNTED];
    await this.#client.call(Controller.method.validateVolumeCapabilities, {
      volumeId,
      volumeCapabilities,
    });
  }

  /** @returns how many volumes were listed */
  async listVolumes(): Promise<number> {
    return (await this.#client.call(Controller.method.listVolumes, {})).entries.length;
  }

  /** Asks for the free space. */
  async getCapacity(): Promise<void> {
    await this.#client.call(Controller.method.getCapacity, {});
  }

  /** @returns the id of the snapshot */
  async createSnapshot(name: string, sourceVolumeId: string): Promise<string> {
    const request = { name, sourceVolumeId };
    const { snapshot } = await this.#client.call(Controller.method.createSnapshot, request);
    if (snapshot === undefined) throw new Error("CreateSnapshot answered with no snapshot");
    return snapshot.snapshotId;
  }

  /** Deletes a snapshot. */
  async deleteSnapshot(snapshotId: string): Promise<void> {
    await this.#client.call(Controller.method.deleteSnapshot, { snapshotId });
  }

  /** Reads one snapshot. */
  async getSnapshot(snapshotId: string): Promise<void> {
    await this.#client.call(Controller.method.getSnapshot, { snapshotId });
  }

  /** @returns how many snapshots were listed */
  async listSnapshots(): Promise<number> {
    return (await this.#client.call(Controller.method.listSnapshots, {})).entries.length;
  }
}

function sourceMessage(
  source: VolumeSource,
): { case: "volume"; value: { volumeId: string } } | {
  case: "snapshot";
  value: { snapshotId: string };
} {
  return "volume" in source
    ? { case: "volume", value: { volumeId: source.volume } }
    : { case: "snapshot", value: { snapshotId: source.snapshot } };
}
