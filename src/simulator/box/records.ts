/**
 * What the box remembers. Records are never changed, only replaced: what is derived from one (a
 * row, for example) can be cached under it.
 */
import type { Violation } from "../faults.ts";

/** A plain property of an item. */
export type Scalar = string | number | boolean;

/** A file system found inside a disk: that of a guest, or of a disk in use by the box. */
export interface GuestFileSystem {
  readonly fileSystem: "ext4" | "xfs" | "btrfs";
  /** Whether the box itself has it mounted. */
  readonly isMounted: boolean;
}

/** What an NVMe host sees of a namespace. */
export interface NamespaceIdentity {
  readonly namespaceUuid: string;
  /** Sixteen hexadecimal digits. */
  readonly serial: string;
}

/** One item of `/disk`. */
export interface DiskRecord {
  /** `*2B`. */
  readonly id: string;
  /** What was configured, by argument name; a name that is absent was never set. */
  readonly configured: Readonly<Record<string, Scalar>>;
  /** What the box reports of hardware: model, state, flags by their long names. */
  readonly facts: Readonly<Record<string, Scalar>>;
  /**
   * The opened backing file, relative to the data directory: `files/<name>`, or
   * `detached/<key>` once the file was removed while in use. Undefined: there is none.
   */
  readonly backing: string | undefined;
  /** The size of the backing file in bytes; 0 without one. */
  readonly sizeBytes: number;
  readonly guest: GuestFileSystem | undefined;
  /** Present from the first export on. */
  readonly identity: NamespaceIdentity | undefined;
}

/** A piece of disk space that several files may share. */
export interface Layer {
  readonly id: number;
  readonly bytes: number;
}

/** One file or directory of the box. */
export interface FileRecord {
  /** `*F000001`. */
  readonly id: string;
  /** Without leading slash. */
  readonly name: string;
  readonly kind: "file" | "directory";
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** The space the file takes; a layer is counted once however many files have it. */
  readonly layers: readonly Layer[];
}

/** One Btrfs subvolume; it is a directory, too. */
export interface SubvolumeRecord {
  readonly id: string;
  /** The path below the pool: `Snapshots/snap-y`. */
  readonly fullName: string;
  /** The full name of the subvolume it is a snapshot of. */
  readonly parent: string | undefined;
  readonly isReadOnly: boolean;
  readonly uuid: string;
  readonly subvolumeId: number;
  readonly generation: number;
  readonly createdMs: number;
}

/** The collections of records and what each holds. */
export interface Collections {
  readonly disk: DiskRecord;
  readonly file: FileRecord;
  /** Files removed while a disk had them open, by the last part of the disk's `backing`. */
  readonly detached: FileRecord;
  readonly subvolume: SubvolumeRecord;
  readonly setting: Scalar;
  readonly violation: Violation;
}

/** The name of a collection. */
export type CollectionName = keyof Collections;

/** The prefix of `backing` for files that have a name. */
export const FILES_PREFIX = "files/";

/** The prefix of `backing` for files that were removed while in use. */
export const DETACHED_PREFIX = "detached/";
