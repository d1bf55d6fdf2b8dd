/**
 * File systems on block devices: recognise, make, check, grow.
 *
 * Every method throws {@link StorageError} `unavailable` when the path of the device no longer
 * leads to the device of that number, or the device cannot be read or written.
 */
import type { FileSystemType } from "../domain/access.ts";
import type { BlockDevice } from "../domain/block_device.ts";
import type { FsckPolicy } from "../domain/volume_parameters.ts";

/** A whole file system on a device, as its superblock tells it. */
export interface FoundFileSystem {
  readonly kind: "file-system";
  readonly fileSystem: FileSystemType;
  readonly uuid: string;
  /** Less than the device has, once that has grown. */
  readonly sizeBytes: number;
  /** Whether there is a journal that a check has to replay first; false where the mount does. */
  readonly needsReplay: boolean;
}

/** What a block device holds. */
export type DeviceContent =
  /** Two independent looks found nothing: no signature known, and zeros at both ends. */
  | { readonly kind: "blank" }
  | FoundFileSystem
  /** A `format` of ours on this node that did not end; nothing was ever mounted from it. */
  | { readonly kind: "half-formatted" }
  /** Something else, for example a partition table; `what` says it in words. */
  | { readonly kind: "other"; readonly what: string };

/** Recognises, makes, checks and grows file systems. */
export interface FileSystems {
  /**
   * What the device holds. A device that cannot be read is never called blank.
   * @throws {StorageError} `unavailable` when any byte that must be looked at cannot be read.
   */
  identify(device: BlockDevice, signal: AbortSignal): Promise<DeviceContent>;

  /**
   * Makes a file system. The caller has shown that the device is blank or half-formatted; this
   * looks again and refuses when it is neither. It goes on when its caller leaves, and a call that
   * comes while it runs has its result; what is interrupted leaves one of the two, or the whole file
   * system.
   * @throws {StorageError} `not-ready` when the device holds something, or the tool is missing or
   * refuses.
   */
  format(
    device: BlockDevice,
    fileSystem: FileSystemType,
    options: readonly string[],
    signal: AbortSignal,
  ): Promise<void>;

  /**
   * Checks a file system that is not mounted. A journal left by a crash is no error: ext4 and
   * ext3 replay it here, xfs and btrfs at the mount, so those two are not checked at all. `off`
   * does nothing; `check` changes nothing else; `repair-safe` also repairs what can be repaired
   * without a choice.
   * @param found what {@link identify} has just said of the device
   * @throws {StorageError} `not-ready` when it needs a person; `in-use` when it is mounted.
   */
  check(
    device: BlockDevice,
    found: FoundFileSystem,
    policy: FsckPolicy,
    signal: AbortSignal,
  ): Promise<void>;

  /**
   * Makes the file system as large as its device; one that already is stays as it is. Where this
   * process may not grow it while it is mounted, the next mount does.
   * @param mountPath where it is mounted writable
   * @throws {StorageError} `not-ready` when it is not mounted there, or mounted read-only.
   */
  grow(
    device: BlockDevice,
    fileSystem: FileSystemType,
    mountPath: string,
    signal: AbortSignal,
  ): Promise<void>;
}
