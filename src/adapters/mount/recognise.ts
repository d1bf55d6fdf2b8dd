/**
 * What a device holds, by what was read of it. Blank is only what has no signature and nothing but
 * zeros in every place that is looked at. Pure.
 */
import type { FoundFileSystem } from "../../ports/file_systems.ts";
import type { DeviceWindow, WindowContent } from "../../ports/kernel_calls.ts";
import {
  BTRFS_AT,
  BTRFS_BYTES,
  EXT_AT,
  EXT_BYTES,
  parseBtrfs,
  parseExt,
  parseXfs,
  XFS_AT,
  XFS_BYTES,
} from "./super_blocks.ts";
import type { SuperBlock } from "./super_blocks.ts";

/** What the bytes alone say. */
export type Finding =
  | { readonly kind: "blank" }
  | FoundFileSystem
  /** Not whole: what an interrupted format leaves, or a destroyed file system. */
  | { readonly kind: "remains"; readonly what: string; readonly uuids: readonly string[] }
  | { readonly kind: "other"; readonly what: string };

/** A window and what it holds; `bytes` is absent when it is zero, or only that was asked for. */
export interface ReadWindow {
  readonly offset: number;
  readonly length: number;
  readonly isZero: boolean;
  readonly bytes?: Uint8Array;
}

interface Signature {
  readonly what: string;
  /** From the beginning, or from the end when negative. */
  readonly offset: number;
  readonly bytes: readonly number[];
}

/** What is no file system of ours, and where it can be told from. */
const OTHERS: readonly Signature[] = [
  signature("LUKS encryption", 0, "LUKS\xba\xbe"),
  signature("LUKS encryption", 16_384, "SKUL\xba\xbe"),
  ...[0, 512, 1024, 1536].map((at) => signature("an LVM physical volume", at, "LABELONE")),
  signature("a partition table (GPT)", 512, "EFI PART"),
  signature("a partition table (GPT)", 4096, "EFI PART"),
  signature("a partition table (GPT)", -512, "EFI PART"),
  signature("a partition table (GPT)", -4096, "EFI PART"),
  signature("swap space", 4086, "SWAPSPACE2"),
  signature("swap space", 4086, "SWAP-SPACE"),
  signature("a RAID member", 0, "\xfc\x4e\x2b\xa9"),
  signature("a RAID member", 4096, "\xfc\x4e\x2b\xa9"),
  signature("a RAID member", -8192, "\xfc\x4e\x2b\xa9"),
  signature("a RAID member", -65_536, "\xfc\x4e\x2b\xa9"),
  signature("a bcache device", 4096 + 24, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca"),
  signature("a bcachefs file system", 4096 + 24, "\xc6\x85\x73\xf6\x66\xce\x90\xa9"),
  ...Array.from(
    { length: 128 },
    (_, slot) => signature("a member of a ZFS pool", 131_072 + 1024 * slot, "\x0c\xb1\xba\x00"),
  ),
  signature("an NTFS file system", 3, "NTFS    "),
  signature("an exFAT file system", 3, "EXFAT   "),
  signature("a FAT file system", 82, "FAT32   "),
  signature("a FAT file system", 54, "FAT1"),
  signature("an F2FS file system", 1024, "\x10\x20\xf5\xf2"),
  signature("a DRBD device", -4036, "\x83\x74\x02\x6b"),
  signature("an ISO 9660 file system", 32_769, "CD001"),
  signature("a squashfs", 0, "hsqs"),
];
/** No file system that we know has files of its users in here. */
const FRONT_BYTES = 16_384;
/** Only when nothing else is there: boot code of a file system ends with it, too. */
const BOOT_SECTOR = signature("a partition table (MBR)", 510, "\x55\xaa");

/** What the windows of `probeWindows` say about a device of that size. */
export function recognise(windows: readonly ReadWindow[], sizeBytes: number): Finding {
  const first = firstSuperBlocks(windows);
  const other = OTHERS.find((each) => hasSignature(windows, each, sizeBytes));
  const [one, ...more] = first;
  // Further in, a file system may have put a file of a user's that looks like anything.
  const rival = OTHERS.find((each) => isInFront(each) && hasSignature(windows, each, sizeBytes));
  if (one !== undefined && (more.length > 0 || rival !== undefined)) {
    const whats = [...first, ...(rival === undefined ? [] : [rival])].map(({ what }) => what);
    return { kind: "other", what: `signs of ${whats.join(" and of ")} at once` };
  }
  if (one !== undefined) return findingOf(one);
  if (other !== undefined) return { kind: "other", what: other.what };
  const copies = copiedSuperBlocks(windows);
  const [copy] = copies;
  if (copy !== undefined) {
    const what = `remains of ${copy.what} whose first superblock is missing`;
    return { kind: "remains", what, uuids: copies.map(({ uuid }) => uuid) };
  }
  if (hasSignature(windows, BOOT_SECTOR, sizeBytes)) {
    return { kind: "other", what: BOOT_SECTOR.what };
  }
  if (windows.length > 0 && windows.every(({ isZero }) => isZero)) return { kind: "blank" };
  return { kind: "remains", what: "data of an unknown kind", uuids: [] };
}

/** The windows with what was read of them. */
export function readWindows(
  windows: readonly DeviceWindow[],
  contents: readonly WindowContent[],
): ReadWindow[] {
  if (windows.length !== contents.length) throw new Error("not every window was read");
  return windows.map(({ offset, length }, index): ReadWindow => {
    const { isZero = false, base64 } = contents[index] ?? {};
    if (base64 === undefined) return { offset, length, isZero };
    const bytes = Uint8Array.fromBase64(base64);
    if (bytes.length !== length) throw new Error(`read ${bytes.length} bytes of ${length}`);
    return { offset, length, bytes, isZero };
  });
}

function findingOf(found: SuperBlock): Finding {
  const { kind, what, uuid, isComplete, sizeBytes, needsReplay } = found;
  if (!isComplete) {
    return { kind: "remains", what: `${what} that was not made to its end`, uuids: [uuid] };
  }
  if (kind === "other") return { kind: "other", what };
  return { kind: "file-system", fileSystem: kind, uuid, sizeBytes, needsReplay };
}

function firstSuperBlocks(windows: readonly ReadWindow[]): SuperBlock[] {
  return [
    parseExt(bytesAt(windows, EXT_AT, EXT_BYTES)),
    parseXfs(bytesAt(windows, XFS_AT, XFS_BYTES)),
    parseBtrfs(bytesAt(windows, BTRFS_AT, BTRFS_BYTES)),
  ].filter((found) => found !== undefined);
}

/** Superblocks in the windows behind the first: copies begin at a whole number of 512 or 1024. */
function copiedSuperBlocks(windows: readonly ReadWindow[]): SuperBlock[] {
  const found: SuperBlock[] = [];
  for (const { offset, bytes, isZero } of windows) {
    if (offset === 0 || bytes === undefined || isZero) continue;
    for (let at = 0; at < bytes.length; at += 512) {
      const rest = bytes.subarray(at);
      const copy = parseXfs(rest.subarray(0, XFS_BYTES)) ??
        parseBtrfs(rest.subarray(0, BTRFS_BYTES)) ??
        (at % EXT_BYTES === 0 ? parseExt(rest.subarray(0, EXT_BYTES)) : undefined);
      if (copy !== undefined) found.push(copy);
    }
  }
  return found;
}

function isInFront({ offset }: Signature): boolean {
  return offset >= 0 && offset < FRONT_BYTES;
}

function hasSignature(
  windows: readonly ReadWindow[],
  { offset, bytes }: Signature,
  sizeBytes: number,
): boolean {
  const found = bytesAt(windows, offset < 0 ? sizeBytes + offset : offset, bytes.length);
  return found.length === bytes.length && bytes.every((byte, index) => found[index] === byte);
}

/** The bytes of a range, or none when no one window has them all. */
function bytesAt(windows: readonly ReadWindow[], offset: number, length: number): Uint8Array {
  for (const window of windows) {
    const start = offset - window.offset;
    if (window.bytes === undefined || start < 0 || start + length > window.length) continue;
    return window.bytes.subarray(start, start + length);
  }
  return new Uint8Array();
}

function signature(what: string, offset: number, text: string): Signature {
  return { what, offset, bytes: [...text].map((character) => character.charCodeAt(0)) };
}
