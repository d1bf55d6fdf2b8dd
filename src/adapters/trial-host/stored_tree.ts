/**
 * The files of a trial file system, kept inside its disk behind the superblock. While it is
 * mounted they lie in a directory; `pack` writes them into the disk, `unpack` brings them back. So
 * the files travel with the disk's bytes: to another node, into a snapshot, into a clone.
 *
 * Two header slots are written in turn, and contents never over the ones in use, so a copy that
 * the array makes at any moment holds one whole generation.
 *
 * Directories, files and symbolic links are kept, with permissions and times; owners, hard links
 * and special files are not.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { StorageError } from "../../domain/errors.ts";
import { MIB } from "../../domain/capacity.ts";
import { readAt, writeAll, writeAt } from "./device_file.ts";

/** What the newest header says. */
export interface TreeHeader {
  readonly generation: number;
  /** How large the file system is; never above the disk. */
  readonly sizeBytes: number;
  readonly indexOffset: number;
  readonly indexBytes: number;
  readonly indexSha256: string;
  /** Where the contents end, index included. */
  readonly endOffset: number;
}

/** One kept thing; `path` is relative to the root. */
type Entry =
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly to: string }
  | {
    readonly kind: "file";
    readonly path: string;
    readonly mode: number;
    readonly modifiedMs: number;
    readonly bytes: number;
  };

const MAGIC = "rds-csi trial file system";
const HEADER_BYTES = 4096;
/** Behind the superblocks of all file systems and the window that proves a disk blank. */
const HEADER_OFFSETS: readonly [number, number] = [MIB, MIB + HEADER_BYTES];
const CONTENT_OFFSET = 2 * MIB;
const CHUNK_BYTES = MIB;
/** As many files as a trial is good for. */
const ENTRIES_MAX = 100_000;

/** What a file system takes for itself, in bytes. */
export const OVERHEAD_BYTES: number = CONTENT_OFFSET;

/** Writes the first header: an empty tree of this size. */
export async function makeTree(diskPath: string, sizeBytes: number): Promise<void> {
  // Of an interrupted format there may be headers already.
  await writeAt(diskPath, HEADER_OFFSETS[0], new Uint8Array(2 * HEADER_BYTES));
  await writeContents(diskPath, { generation: 0, sizeBytes }, CONTENT_OFFSET, [], "");
}

/** The newest whole header, or undefined when the disk has no trial file system. */
export async function readHeader(diskPath: string): Promise<TreeHeader | undefined> {
  let newest: TreeHeader | undefined;
  for (const offset of HEADER_OFFSETS) {
    const header = parseHeader(await readAt(diskPath, offset, HEADER_BYTES));
    if (header !== undefined && header.generation > (newest?.generation ?? 0)) newest = header;
  }
  return newest;
}

/** Lets the file system be as large as `sizeBytes`; never smaller than it is. */
export async function growTree(diskPath: string, sizeBytes: number): Promise<void> {
  const header = await requiredHeader(diskPath);
  if (header.sizeBytes >= sizeBytes) return;
  await writeHeader(diskPath, { ...header, generation: header.generation + 1, sizeBytes });
}

/** How many things are below `directory`, and how many bytes the files have. */
export async function measureTree(
  directory: string,
): Promise<{ readonly count: number; readonly bytes: number }> {
  const entries = await entriesOf(directory);
  const bytes = entries.reduce((sum, each) => sum + (each.kind === "file" ? each.bytes : 0), 0);
  return { count: entries.length, bytes };
}

/**
 * Writes what is below `directory` into the disk.
 * @throws {StorageError} `out-of-space` when it does not fit; what the disk held before stays.
 */
export async function packTree(directory: string, diskPath: string): Promise<void> {
  const header = await requiredHeader(diskPath);
  const entries = await entriesOf(directory);
  const index = JSON.stringify(entries);
  const contentBytes = entries.reduce(
    (sum, each) => sum + (each.kind === "file" ? each.bytes : 0),
    new TextEncoder().encode(index).length,
  );
  const start = placeFor(contentBytes, header);
  if (start === undefined) {
    throw new StorageError(
      "out-of-space",
      `Cannot keep the files of ${directory}: ${contentBytes} bytes do not fit beside what is kept`,
    );
  }
  await writeContents(diskPath, header, start, entries, directory);
}

/**
 * Makes `directory`, which must not exist, and fills it with what the disk holds.
 * @throws {StorageError} `not-ready` when the disk has no trial file system.
 */
export async function unpackTree(diskPath: string, directory: string): Promise<void> {
  const header = await requiredHeader(diskPath);
  const index = await readAt(diskPath, header.indexOffset, header.indexBytes);
  if (sha256(index) !== header.indexSha256) {
    throw new StorageError("not-ready", `Cannot mount "${diskPath}": its index is damaged`);
  }
  const entries = JSON.parse(new TextDecoder().decode(index)) as readonly Entry[];
  await Deno.mkdir(directory, { mode: 0o777 });
  await Deno.chmod(directory, 0o777);
  let offset = header.indexOffset + header.indexBytes;
  for (const entry of entries) {
    const path = join(directory, entry.path);
    if (entry.kind === "directory") await Deno.mkdir(path);
    else if (entry.kind === "link") await Deno.symlink(entry.to, path);
    else {
      await copyOut(diskPath, offset, entry.bytes, path);
      offset += entry.bytes;
      await Deno.utime(path, new Date(entry.modifiedMs), new Date(entry.modifiedMs));
      await Deno.chmod(path, entry.mode);
    }
  }
  // Last, and from the leaves: a directory that is not writable must be filled before.
  for (const entry of entries.toReversed()) {
    if (entry.kind === "directory") await Deno.chmod(join(directory, entry.path), entry.mode);
  }
}

/** Where contents of this size can go without touching those in use. */
function placeFor(contentBytes: number, header: TreeHeader): number | undefined {
  if (CONTENT_OFFSET + contentBytes <= header.indexOffset) return CONTENT_OFFSET;
  const behind = Math.ceil(header.endOffset / HEADER_BYTES) * HEADER_BYTES;
  return behind + contentBytes <= header.sizeBytes ? behind : undefined;
}

async function writeContents(
  diskPath: string,
  before: Pick<TreeHeader, "generation" | "sizeBytes">,
  start: number,
  entries: readonly Entry[],
  directory: string,
): Promise<void> {
  const index = new TextEncoder().encode(JSON.stringify(entries));
  using disk = await Deno.open(diskPath, { write: true });
  await disk.seek(start, Deno.SeekMode.Start);
  await writeAll(disk, index);
  let endOffset = start + index.length;
  for (const entry of entries) {
    if (entry.kind !== "file") continue;
    await copyIn(join(directory, entry.path), entry.bytes, disk);
    endOffset += entry.bytes;
  }
  await disk.syncData();
  await writeHeader(diskPath, {
    generation: before.generation + 1,
    sizeBytes: before.sizeBytes,
    indexOffset: start,
    indexBytes: index.length,
    indexSha256: sha256(index),
    endOffset,
  });
}

/** Copies exactly `bytes` bytes: a file that has shrunk meanwhile is filled up with zeros. */
async function copyIn(path: string, bytes: number, disk: Deno.FsFile): Promise<void> {
  using file = await Deno.open(path);
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let left = bytes; left > 0;) {
    const count = await file.read(chunk.subarray(0, Math.min(left, CHUNK_BYTES)));
    const piece = count === null ? new Uint8Array(Math.min(left, CHUNK_BYTES)) : undefined;
    const read = piece ?? chunk.subarray(0, count ?? 0);
    await writeAll(disk, read);
    left -= read.length;
  }
}

async function copyOut(
  diskPath: string,
  offset: number,
  bytes: number,
  path: string,
): Promise<void> {
  using file = await Deno.open(path, { createNew: true, write: true });
  for (let done = 0; done < bytes; done += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, bytes - done);
    await writeAll(file, await readAt(diskPath, offset + done, length));
  }
}

async function writeHeader(diskPath: string, header: TreeHeader): Promise<void> {
  const slot = HEADER_OFFSETS[header.generation % 2 === 0 ? 0 : 1];
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(new TextEncoder().encode(JSON.stringify({ magic: MAGIC, ...header })));
  await writeAt(diskPath, slot, bytes);
}

function parseHeader(bytes: Uint8Array): TreeHeader | undefined {
  const text = new TextDecoder().decode(bytes);
  try {
    const header: unknown = JSON.parse(text.slice(0, text.indexOf("\0")));
    const isOurs = typeof header === "object" && header !== null && "magic" in header &&
      header.magic === MAGIC;
    return isOurs ? header as unknown as TreeHeader : undefined;
  } catch {
    return undefined; // zeros, something else, or a header that was cut off while written
  }
}

async function requiredHeader(diskPath: string): Promise<TreeHeader> {
  const header = await readHeader(diskPath);
  if (header !== undefined) return header;
  throw new StorageError(
    "not-ready",
    `Cannot use the file system on "${diskPath}": a trial mounts only what a trial has formatted`,
  );
}

async function entriesOf(root: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  const directories = [""];
  for (let next = directories.shift(); next !== undefined; next = directories.shift()) {
    for await (const { name } of Deno.readDir(join(root, next))) {
      const path = next === "" ? name : `${next}/${name}`;
      const entry = await entryAt(root, path);
      if (entry === undefined) continue;
      entries.push(entry);
      if (entry.kind === "directory") directories.push(path);
      if (entries.length > ENTRIES_MAX) {
        throw new StorageError(
          "out-of-space",
          `Cannot keep the files of ${root}: there are more than ${ENTRIES_MAX}`,
        );
      }
    }
  }
  return entries;
}

async function entryAt(root: string, path: string): Promise<Entry | undefined> {
  const found = await Deno.lstat(join(root, path));
  const mode = (found.mode ?? 0o644) & 0o7777;
  if (found.isDirectory) return { kind: "directory", path, mode };
  if (found.isSymlink) return { kind: "link", path, to: await Deno.readLink(join(root, path)) };
  if (!found.isFile) return undefined;
  const modifiedMs = found.mtime?.getTime() ?? 0;
  return { kind: "file", path, mode, modifiedMs, bytes: found.size };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
