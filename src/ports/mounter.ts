/**
 * Mounts of this node, and block devices shown at a path.
 *
 * Methods look first and do nothing when things are already as asked, so all are safe to repeat.
 * What they make at a path they make without its parents, and they put nothing on top of a path
 * that holds somebody's files or another mount. Nothing is ever deleted recursively.
 */
import type { FileSystemType } from "../domain/access.ts";
import type { BlockDevice, DeviceNumber } from "../domain/block_device.ts";

/** What is at a path; where mounts are stacked, the topmost. */
export type PathUse =
  | { readonly kind: "nothing" }
  /** A directory that nothing is mounted on, whether it is empty or not. */
  | { readonly kind: "directory" }
  | {
    readonly kind: "mount";
    /** The device that is mounted there. */
    readonly device: DeviceNumber;
    /** As the kernel names it. */
    readonly fileSystem: string;
    /** The options in force that the kernel shows, without `ro` and `rw`. */
    readonly options: readonly string[];
    readonly isReadOnly: boolean;
    /** False when the device behind the mount is gone, or its file system was shut down. */
    readonly isAlive: boolean;
  }
  | {
    readonly kind: "block";
    /** The device that the node at the path stands for. */
    readonly device: DeviceNumber;
    readonly isReadOnly: boolean;
    /** False when there is no such device any more. */
    readonly isAlive: boolean;
  }
  /** Something else, for example a file; `what` says it in words. */
  | { readonly kind: "other"; readonly what: string };

/** How to mount a device. */
export interface MountRequest {
  readonly device: BlockDevice;
  readonly path: string;
  readonly fileSystem: FileSystemType;
  /** Options as mount knows them, without `ro` and `rw`. */
  readonly options: readonly string[];
  readonly isReadOnly: boolean;
}

/** Space and inodes of a mounted file system; inodes are absent where it has no fixed number. */
export interface FileSystemUsage {
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
  readonly inodes?: { readonly total: number; readonly used: number; readonly available: number };
}

/** What is mounted or shown where on this node. */
export interface Mounter {
  /**
   * What is at `path`, asked of the kernel's tables; never follows a dead mount, and never takes
   * an error for "nothing".
   */
  look(path: string, signal: AbortSignal): Promise<PathUse>;

  /**
   * Whether the file system that is mounted at `path` still works, asked of the file system itself:
   * not every kernel's tables say of every one that it has given up. False is certain; a file system
   * that has given up and still opens its root is told to work.
   * @throws {StorageError} `not-found` when nothing is mounted there; `unavailable` when it does not
   * answer in time.
   */
  works(path: string, signal: AbortSignal): Promise<boolean>;

  /**
   * Mounts a device with a file system at `path`, which is made when missing.
   * @throws {StorageError} `unavailable` when the path of the device no longer leads to the device
   * of that number, or cannot be read; `not-ready` when the path cannot be mounted on, or the kernel refuses the file
   * system.
   */
  mount(request: MountRequest, signal: AbortSignal): Promise<void>;

  /**
   * Shows the tree mounted at `from` also at `path`, which is made when missing.
   * @throws {StorageError} `not-ready` when nothing alive is mounted at `from`, or the path cannot
   * be mounted on.
   */
  bind(from: string, path: string, isReadOnly: boolean, signal: AbortSignal): Promise<void>;

  /**
   * Shows the block device at `path`, which is made when missing, and looks that what is there has
   * the number of the device.
   * @throws {StorageError} `unavailable` when the path of the device no longer leads to the device
   * of that number; `not-ready` when something else is at `path`.
   */
  exposeBlock(
    device: BlockDevice,
    path: string,
    isReadOnly: boolean,
    signal: AbortSignal,
  ): Promise<void>;

  /**
   * Takes away whatever we showed at `path`, stacked mounts included, and then the empty directory
   * or device node itself. A path with nothing is a success. Returns only when the kernel has let
   * go of the mount.
   * @throws {StorageError} `in-use` when something still uses it; `not-ready` when the path holds
   * files of somebody's; `out-of-space` when what was written does not fit; then it stays mounted.
   */
  release(path: string, signal: AbortSignal): Promise<void>;

  /**
   * The paths at which the device is mounted or shown, dead or alive, in no order. A path with
   * stacked mounts of it is there once.
   */
  usesOf(device: DeviceNumber, signal: AbortSignal): Promise<string[]>;

  /**
   * Space and inodes of what is mounted at `path`. Bounded in time even when the device is dead.
   * @throws {StorageError} `not-found` when nothing is mounted there; `unavailable` when the file
   * system does not answer.
   */
  usage(path: string, signal: AbortSignal): Promise<FileSystemUsage>;
}
