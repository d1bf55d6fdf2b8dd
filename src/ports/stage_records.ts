/**
 * What this node staged, kept where it survives the process and its container. The kernel is the
 * truth about what is there; a record says what was meant, which the kernel cannot know: how to
 * bring a session back, what the device was, whether it was ended on purpose.
 */
import type { VolumeCapability } from "../domain/access.ts";
import type { DeviceNumber } from "../domain/block_device.ts";
import type { PublishedVolume } from "../domain/publish_context.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { VolumeParameters } from "../domain/volume_parameters.ts";

/** One volume that is being staged, is staged, or is being unstaged. */
export interface StageRecord {
  readonly volumeId: VolumeId;
  readonly stagingPath: string;
  /**
   * `staging` is written before the first step and `staged` after the last; `unstaging` before the
   * first step back, and `abandoned` when a person gave the volume up. Neither is brought back, but
   * for a device of the former that its kernel keeps without a connection.
   */
  readonly phase: "staging" | "staged" | "unstaging" | "abandoned";
  /** The boot in which it was written: of another boot nothing is left in the kernel. */
  readonly bootId: string;
  /** What the stage call said, to do the same again. */
  readonly published: PublishedVolume;
  readonly capability: VolumeCapability;
  readonly parameters: Pick<VolumeParameters, "mkfsOptions" | "fsckPolicy">;
  /** The device as it was when it was staged. */
  readonly device?: {
    readonly number: DeviceNumber;
    /** See `BlockDevice.identity`. */
    readonly identity: string | undefined;
    readonly sizeBytes: number;
  };
  /** The UUID of the file system that was mounted. */
  readonly fileSystemUuid?: string;
  /** The UID of the VolumeAttachment it was staged under, where it is known. */
  readonly attachmentUid?: string;
  /** Why staging fails, and what the breaker makes of it; absent while nothing failed. */
  readonly trouble?: StageTrouble;
}

/** Failures of staging in a row. */
export interface StageTrouble {
  /** The last one, for people. */
  readonly reason: string;
  readonly count: number;
  /** Milliseconds since 1970: before it no attempt is made. */
  readonly retryAtMs: number;
}

/**
 * Keeps one record for each volume. A write is whole or not at all, and on the disk when its
 * promise is fulfilled.
 */
export interface StageRecords {
  /**
   * The record of a volume, or undefined.
   * @throws {StorageError} `not-ready` when it is there and cannot be read or understood.
   */
  read(volumeId: VolumeId): Promise<StageRecord | undefined>;
  /** Puts a record in place of the one there is. */
  write(record: StageRecord): Promise<void>;
  /** Removes a record; one that is not there is a success. */
  remove(volumeId: VolumeId): Promise<void>;
  /** All that can be read, in no order, and the names of those that cannot. */
  list(): Promise<{ readonly records: StageRecord[]; readonly unreadable: string[] }>;
}
