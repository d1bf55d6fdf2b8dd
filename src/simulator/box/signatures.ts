/** Which file system a disk holds, by the marks its format leaves. */
import type { GuestFileSystem } from "./records.ts";

type FileSystem = GuestFileSystem["fileSystem"];

const SIGNATURES: readonly {
  readonly fileSystem: FileSystem;
  readonly offset: number;
  readonly bytes: readonly number[];
}[] = [
  { fileSystem: "ext4", offset: 1080, bytes: [0x53, 0xef] },
  { fileSystem: "xfs", offset: 0, bytes: [...new TextEncoder().encode("XFSB")] },
  { fileSystem: "btrfs", offset: 0x10040, bytes: [...new TextEncoder().encode("_BHRfS_M")] },
];

/** The file system whose signature `read` finds, or undefined. */
export function detectFileSystem(
  read: (offset: number, length: number) => Uint8Array,
): FileSystem | undefined {
  for (const { fileSystem, offset, bytes } of SIGNATURES) {
    const found = read(offset, bytes.length);
    if (bytes.every((byte, at) => found[at] === byte)) return fileSystem;
  }
  return undefined;
}
