/** Calls to the node, decoded. */
import type { VolumeCapability } from "../domain/access.ts";
import type { PublishedVolume } from "../domain/publish_context.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { VolumeParameters } from "../domain/volume_parameters.ts";

/** A NodeStageVolume call, decoded. */
export interface StageRequest {
  readonly volumeId: VolumeId;
  readonly stagingPath: string;
  readonly capability: VolumeCapability;
  /** From the publish context. */
  readonly published: PublishedVolume;
  /** From the volume context. */
  readonly parameters: Pick<VolumeParameters, "mkfsOptions" | "fsckPolicy">;
}

/** A NodePublishVolume call, decoded. */
export interface NodePublishRequest {
  readonly volumeId: VolumeId;
  readonly stagingPath: string;
  readonly targetPath: string;
  readonly capability: VolumeCapability;
  readonly isReadOnly: boolean;
}

/** A NodeExpandVolume call, decoded. */
export interface NodeExpandRequest {
  readonly volumeId: VolumeId;
  /** Where the volume is staged or published. */
  readonly volumePath: string;
  /** Bytes the device must have; 0 = as many as it has. */
  readonly requiredBytes: number;
}
