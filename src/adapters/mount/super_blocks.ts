/** What the superblocks of ext, xfs and btrfs say. Pure. */
import type { FileSystemType } from "../../domain/access.ts";

/** A superblock that was found. */
export interface SuperBlock {
  /** `other`: of the family, and nothing that we use; `what` says it. */
  readonly kind: FileSystemType | "other";
  readonly what: string;
  readonly uuid: string;
  /** False while the tool that makes the file system has not ended. */
  readonly isComplete: boolean;
  readonly sizeBytes: number;
  /** Whether an ext has a journal to replay; the mount sees to those of the others. */
  readonly needsReplay: boolean;
}

/** Where the first superblock of ext begins. */
export const EXT_AT = 1024;
/** How many bytes of it are read. */
export const EXT_BYTES = 1024;
/** Where the first superblock of xfs begins. */
export const XFS_AT = 0;
/** How many bytes of it are read. */
export const XFS_BYTES = 512;
/** Where the first superblock of btrfs begins. */
export const BTRFS_AT: number = 64 * 1024;
/** How many bytes of it are read. */
export const BTRFS_BYTES = 4096;

const EXT_MAGIC = 0xef53;
const COMPAT_JOURNAL = 0x4;
const INCOMPAT_REPLAY = 0x4;
const INCOMPAT_JOURNAL_DEVICE = 0x8;
const INCOMPAT_64BIT = 0x80;
/** What ext3 may have of the features that change how the disk is read: file types, journal to be
 * replayed, meta block groups. */
const INCOMPAT_OF_EXT3 = 0x2 | 0x4 | 0x10;
/** And of those that change how it is written: sparse superblocks, large files. */
const RO_COMPAT_OF_EXT3 = 0x1 | 0x2 | 0x4;
const EXT_BLOCK_SHIFT_MAX = 6;

const XFS_MAGIC = "XFSB";
const BTRFS_MAGIC = "_BHRfS_M";
/** mkfs.btrfs writes this one first. */
const BTRFS_MAGIC_BEFORE = "!BHRfS_M";

/** An ext superblock in 1024 bytes, the first or a copy; undefined when there is none. */
export function parseExt(bytes: Uint8Array): SuperBlock | undefined {
  const view = viewOf(bytes);
  if (bytes.length < EXT_BYTES || view.getUint16(56, true) !== EXT_MAGIC) return undefined;
  const shift = view.getUint32(24, true);
  const compat = view.getUint32(92, true);
  const incompat = view.getUint32(96, true);
  const readOnlyCompat = view.getUint32(100, true);
  const high = (incompat & INCOMPAT_64BIT) === 0 ? 0 : view.getUint32(336, true);
  const blocks = high * 2 ** 32 + view.getUint32(4, true);
  const found = {
    uuid: uuidText(bytes.subarray(104, 120)),
    isComplete: true,
    sizeBytes: shift > EXT_BLOCK_SHIFT_MAX ? 0 : blocks * 2 ** (10 + shift),
    needsReplay: (incompat & INCOMPAT_REPLAY) !== 0,
  };
  if ((incompat & INCOMPAT_JOURNAL_DEVICE) !== 0) {
    return { ...found, kind: "other", what: "a journal of an ext file system" };
  }
  const isNewer = (incompat & ~INCOMPAT_OF_EXT3) !== 0 ||
    (readOnlyCompat & ~RO_COMPAT_OF_EXT3) !== 0;
  if (isNewer) return { ...found, kind: "ext4", what: "an ext4 file system" };
  if ((compat & COMPAT_JOURNAL) !== 0) {
    return { ...found, kind: "ext3", what: "an ext3 file system" };
  }
  return { ...found, kind: "other", what: "an ext2 file system" };
}

/** An xfs superblock, the first or one of another allocation group. */
export function parseXfs(bytes: Uint8Array): SuperBlock | undefined {
  if (bytes.length < XFS_BYTES || !hasText(bytes, 0, XFS_MAGIC)) return undefined;
  const view = viewOf(bytes);
  return {
    kind: "xfs",
    what: "an xfs file system",
    uuid: uuidText(bytes.subarray(32, 48)),
    isComplete: bytes[126] === 0,
    sizeBytes: Number(view.getBigUint64(8)) * view.getUint32(4),
    needsReplay: false,
  };
}

/** A btrfs superblock, the first or a copy. */
export function parseBtrfs(bytes: Uint8Array): SuperBlock | undefined {
  const isComplete = hasText(bytes, 64, BTRFS_MAGIC);
  if (bytes.length < BTRFS_BYTES) return undefined;
  if (!isComplete && !hasText(bytes, 64, BTRFS_MAGIC_BEFORE)) return undefined;
  const view = viewOf(bytes);
  const isAlone = view.getBigUint64(136, true) === 1n;
  return {
    kind: isAlone ? "btrfs" : "other",
    what: isAlone ? "a btrfs file system" : "a part of a btrfs of several devices",
    uuid: uuidText(bytes.subarray(32, 48)),
    isComplete,
    sizeBytes: Number(view.getBigUint64(112, true)),
    needsReplay: false,
  };
}

/** Whether the bytes at an offset are those of a text. */
export function hasText(bytes: Uint8Array, offset: number, text: string): boolean {
  return [...text].every((character, index) => bytes[offset + index] === character.charCodeAt(0));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function uuidText(bytes: Uint8Array): string {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
