/**
 * Mounts of this node, and block devices shown at a path.
 *
 * A path is free, or a directory without a mount, or mounted, or a block device; methods look
 * first and do nothing when things are already as asked. Nothing is ever deleted recursively.
 */
import type { FileSystemType } from "../domain/access.ts";

/** What is at a path. */
export type PathUse =
  | { readonly kind: "nothing" }
  | { readonly kind: "directory" }
  | {
    readonly kind: "mount";
    /** The device that is mounted there. */
    readonly devicePath: string;
    readonly isReadOnly: boolean;
    /** False when the device behind the mount is gone. */
    readonly isAlive: boolean;
  }
  | { readonly kind: "block"; readonly devicePath: string; readonly isAlive: boolean };

/** How to mount a device. */
export interface MountRequest {
  readonly devicePath: string;
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

export interface Mounter {
  /** What is at `path`, asked of the kernel; never follows a dead mount. */
  look(path: string, signal: AbortSignal): Promise<PathUse>;

  /** Mounts a device with a file system at `path`, which is made when missing. */
  mount(request: MountRequest, signal: AbortSignal): Promise<void>;

  /** Shows the tree mounted at `from` also at `path`, which is made when missing. */
  bind(from: string, path: string, isReadOnly: boolean, signal: AbortSignal): Promise<void>;

  /** Shows the block device at `path`, which is made when missing. */
  exposeBlock(
    devicePath: string,
    path: string,
    isReadOnly: boolean,
    signal: AbortSignal,
  ): Promise<void>;

  /**
   * Takes away whatever we showed at `path`, stacked mounts included, and then the empty directory
   * or device node itself. A path with nothing is a success. Returns only when the kernel has let
   * go of the mount.
   * @throws {StorageError} `in-use` when something still uses it; `not-ready` when the path holds
   * files of somebody's.
   */
  release(path: string, signal: AbortSignal): Promise<void>;

  /** The paths at which `devicePath` is mounted or shown. */
  usesOf(devicePath: string, signal: AbortSignal): Promise<string[]>;

  /** Space and inodes of what is mounted at `path`. Bounded in time even when the device is dead. */
  usage(path: string, signal: AbortSignal): Promise<FileSystemUsage>;
}
