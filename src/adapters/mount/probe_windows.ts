/**
 * Which places of a device are looked at before it is called blank: both ends, and wherever the
 * file systems that we know keep copies of their superblocks. Pure.
 */
import type { DeviceWindow } from "../../ports/kernel_calls.ts";

const KIB = 1024;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TIB = 1024 ** 4;
/** Reads past the page cache begin at whole pages. */
const PAGE = 4096;
/** At both ends: everything in here is zero, or the device is not blank. */
const END = MIB;
/** Of either end so much is read to be recognised. */
const END_READ = 256 * KIB;
/** The superblock of btrfs, the last of the first ones, is at 64 KiB and has 4. */
const FRONT = 68 * KIB;
/** Around each place where a copy of a superblock may be. */
const AROUND = 64 * KIB;

/** A device of ext has copies in groups 1, 3, 5, 7 and their powers; groups are 8 blocks a byte. */
const EXT_BLOCKS = [KIB, 2 * KIB, 4 * KIB];
const EXT_BASES = [3, 5, 7];
/** The first allocation groups of xfs: a quarter of the device, or 1 TiB. */
const XFS_QUARTERS = [1, 2, 3];
const BTRFS_COPIES = [64 * MIB, 256 * GIB];
/** More places than this no device of ours has. */
const PLACES_MAX = 200;

/** Where every file system that we know has its first superblock. */
export function frontWindows(sizeBytes: number): DeviceWindow[] {
  return [{ offset: 0, length: Math.min(FRONT, sizeBytes), want: "bytes" }];
}

/** Windows to read and windows that must be zero, ordered, inside the device. */
export function probeWindows(sizeBytes: number): DeviceWindow[] {
  const tailRead = Math.max(0, down(sizeBytes - END_READ));
  const windows: DeviceWindow[] = [
    { offset: 0, length: END_READ, want: "bytes" },
    { offset: END_READ, length: END - END_READ, want: "is-zero" },
    { offset: Math.max(0, down(sizeBytes - END)), length: END - END_READ, want: "is-zero" },
    { offset: tailRead, length: sizeBytes - tailRead, want: "bytes" },
  ];
  const read = new Set(readPlaces(sizeBytes).map(around));
  for (const offset of read) windows.push({ offset, length: AROUND, want: "bytes" });
  for (const place of zeroPlaces(sizeBytes).slice(0, PLACES_MAX)) {
    const offset = around(place);
    if (!read.has(offset)) windows.push({ offset, length: AROUND, want: "is-zero" });
  }
  return windows
    .map((window) => ({ ...window, length: Math.min(window.length, sizeBytes - window.offset) }))
    .filter(({ length }) => length > 0)
    .sort((left, right) => left.offset - right.offset);
}

/** Where the first copy of each family is, which tells what a device was. */
export function readPlaces(sizeBytes: number): number[] {
  const ext = EXT_BLOCKS.map((block) => extGroup(block, 1));
  const xfs = sizeBytes <= 4 * TIB ? sizeBytes / 4 : TIB;
  return [...ext, xfs, BTRFS_COPIES[0] ?? 0].filter((place) => isCopy(place, sizeBytes));
}

function zeroPlaces(sizeBytes: number): number[] {
  const places: number[] = [...BTRFS_COPIES];
  for (const block of EXT_BLOCKS) {
    for (const base of EXT_BASES) {
      for (let group = base; extGroup(block, group) < sizeBytes; group *= base) {
        places.push(extGroup(block, group));
      }
    }
  }
  for (const quarter of XFS_QUARTERS) places.push(sizeBytes / 4 * quarter);
  for (let place = TIB; place < Math.min(sizeBytes, 64 * TIB); place += TIB) places.push(place);
  return [...new Set(places.filter((place) => isCopy(place, sizeBytes)).map(down))];
}

function extGroup(block: number, group: number): number {
  return group * block * 8 * block + (block === KIB ? KIB : 0);
}

function isCopy(place: number, sizeBytes: number): boolean {
  return place >= END && place < sizeBytes;
}

function around(place: number): number {
  return down(place) - AROUND / 2;
}

function down(offset: number): number {
  return Math.floor(offset / PAGE) * PAGE;
}
