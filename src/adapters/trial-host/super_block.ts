/**
 * What the first bytes of a disk say about it: the signatures of what may be on it, and the
 * superblocks that a trial format writes. Signature, UUID, label and size stand where the real
 * file systems have them; nothing else of a real file system is there. Pure.
 */
import type { FileSystemType } from "../../domain/access.ts";
import { MIB } from "../../domain/capacity.ts";
import type { DeviceContent } from "../../ports/file_systems.ts";

/** So many bytes at either end of a disk are looked at. */
export const WINDOW_BYTES: number = MIB;

/** Where the superblocks of ext, xfs and btrfs begin. */
const EXT_START = 1024;
const XFS_START = 0;
const BTRFS_START = 0x10000;
const BLOCK_BYTES = 4096;
const LABEL = "rds-trial";

/** ext3 has a journal; ext4 beside it extents. */
const HAS_JOURNAL = 0x4;
const HAS_EXTENTS = 0x40;

/** Things that are no file system of ours, and where they can be told from. */
const OTHER_SIGNATURES: readonly {
  readonly what: string;
  readonly offset: number;
  readonly bytes: readonly number[];
}[] = [
  { what: "LUKS encryption", offset: 0, bytes: codesOf("LUKS\xba\xbe") },
  { what: "an LVM physical volume", offset: 512, bytes: codesOf("LABELONE") },
  { what: "a partition table (GPT)", offset: 512, bytes: codesOf("EFI PART") },
  { what: "a partition table (GPT)", offset: 4096, bytes: codesOf("EFI PART") },
  { what: "swap space", offset: 4086, bytes: codesOf("SWAPSPACE2") },
  { what: "a RAID member", offset: 4096, bytes: [0xfc, 0x4e, 0x2b, 0xa9] },
  { what: "a partition table (MBR)", offset: 510, bytes: [0x55, 0xaa] },
];

/** The bytes that make a disk one with this file system, to be written at the start of it. */
export function superBlockOf(
  fileSystem: FileSystemType,
  uuid: string,
  sizeBytes: number,
): { readonly offset: number; readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  const blocks = Math.floor(sizeBytes / BLOCK_BYTES);
  switch (fileSystem) {
    case "ext4":
    case "ext3":
      view.setUint32(4, blocks % 2 ** 32, true);
      view.setUint32(24, 2, true); // 4096-byte blocks: 1024 shifted by two
      bytes.set([0x53, 0xef], 56);
      view.setUint32(92, HAS_JOURNAL, true);
      view.setUint32(96, fileSystem === "ext4" ? HAS_EXTENTS : 0, true);
      bytes.set(uuidBytes(uuid), 104);
      bytes.set(codesOf(LABEL), 120);
      return { offset: EXT_START, bytes: bytes.subarray(0, 1024) };
    case "xfs":
      bytes.set(codesOf("XFSB"), 0);
      view.setUint32(4, BLOCK_BYTES);
      view.setBigUint64(8, BigInt(blocks));
      bytes.set(uuidBytes(uuid), 32);
      bytes.set(codesOf(LABEL), 108);
      return { offset: XFS_START, bytes };
    case "btrfs":
      bytes.set(uuidBytes(uuid), 32);
      bytes.set(codesOf("_BHRfS_M"), 64);
      view.setBigUint64(112, BigInt(sizeBytes), true);
      bytes.set(codesOf(LABEL), 299);
      return { offset: BTRFS_START, bytes };
  }
}

/**
 * What a disk holds, by its first and its last bytes. Blank is only what has no signature and
 * nothing but zeros in both.
 */
export function recognise(head: Uint8Array, tail: Uint8Array): DeviceContent {
  const fileSystem = fileSystemIn(head);
  if (fileSystem !== undefined) return fileSystem;
  const other = OTHER_SIGNATURES.find(({ offset, bytes }) => hasAt(head, offset, bytes));
  if (other !== undefined) return { kind: "other", what: other.what };
  if (isZero(head) && isZero(tail)) return { kind: "blank" };
  return { kind: "other", what: "data of an unknown kind" };
}

function fileSystemIn(head: Uint8Array): DeviceContent | undefined {
  const view = new DataView(head.buffer, head.byteOffset);
  const found = (fileSystem: FileSystemType, uuidAt: number, sizeBytes: number): DeviceContent => ({
    kind: "file-system",
    fileSystem,
    uuid: uuidText(head.subarray(uuidAt, uuidAt + 16)),
    sizeBytes,
    needsReplay: false,
  });
  if (hasAt(head, XFS_START, codesOf("XFSB"))) {
    const blocks = Number(view.getBigUint64(XFS_START + 8));
    return found("xfs", XFS_START + 32, blocks * view.getUint32(XFS_START + 4));
  }
  if (hasAt(head, BTRFS_START + 64, codesOf("_BHRfS_M"))) {
    const sizeBytes = Number(view.getBigUint64(BTRFS_START + 112, true));
    return found("btrfs", BTRFS_START + 32, sizeBytes);
  }
  if (!hasAt(head, EXT_START + 56, [0x53, 0xef])) return undefined;
  const [uuidAt, sizeBytes] = [EXT_START + 104, view.getUint32(EXT_START + 4, true) * BLOCK_BYTES];
  if ((view.getUint32(EXT_START + 96, true) & HAS_EXTENTS) !== 0) {
    return found("ext4", uuidAt, sizeBytes);
  }
  if ((view.getUint32(EXT_START + 92, true) & HAS_JOURNAL) !== 0) {
    return found("ext3", uuidAt, sizeBytes);
  }
  return { kind: "other", what: "an ext2 file system" };
}

function hasAt(bytes: Uint8Array, offset: number, wanted: readonly number[]): boolean {
  return wanted.every((byte, index) => bytes[offset + index] === byte);
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function codesOf(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}

function uuidBytes(uuid: string): number[] {
  return uuid.replaceAll("-", "").match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
}

function uuidText(bytes: Uint8Array): string {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
