/** File systems on block devices: recognise, make, check, grow. */
import type { FileSystemType } from "../domain/access.ts";
import type { FsckPolicy } from "../domain/volume_parameters.ts";

/** What a block device holds. */
export type DeviceContent =
  /** Two independent looks found nothing: no signature known, and zeros at both ends. */
  | { readonly kind: "blank" }
  | { readonly kind: "file-system"; readonly fileSystem: FileSystemType; readonly uuid: string }
  /** Something else, for example a partition table; `what` says it in words. */
  | { readonly kind: "other"; readonly what: string };

export interface FileSystems {
  /**
   * What the device holds. A device that cannot be read is never called blank.
   * @throws {StorageError} `unavailable` when any byte that must be looked at cannot be read.
   */
  identify(devicePath: string, signal: AbortSignal): Promise<DeviceContent>;

  /**
   * Makes a file system. The caller has shown that the device is blank; this looks again and
   * refuses when it is not.
   * @throws {StorageError} `not-ready` when the device is not blank or the tool is missing.
   */
  format(
    devicePath: string,
    fileSystem: FileSystemType,
    options: readonly string[],
    signal: AbortSignal,
  ): Promise<void>;

  /**
   * Checks, and as far as `policy` allows repairs, a file system that is not mounted.
   * @throws {StorageError} `not-ready` when it needs a person.
   */
  check(
    devicePath: string,
    fileSystem: FileSystemType,
    policy: FsckPolicy,
    signal: AbortSignal,
  ): Promise<void>;

  /**
   * Makes the file system as large as its device; one that already is stays as it is.
   * @param mountPath where it is mounted, for those that can only grow mounted
   */
  grow(
    devicePath: string,
    fileSystem: FileSystemType,
    mountPath: string,
    signal: AbortSignal,
  ): Promise<void>;
}
