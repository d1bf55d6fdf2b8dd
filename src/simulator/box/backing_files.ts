/** The seam to the real bytes: one implementation in a directory, one in memory. */

/** Whether a copy shares its blocks with the source where the file system can, or never does. */
export type CopyMeans = "reflink" | "full";

/** One entry of a listing. */
export interface BackingEntry {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly sizeBytes: number;
}

/**
 * Files by relative path (`files/storage-pool/a.img`). Callers have checked the names. Everything
 * is synchronous, so that one command of the console is never seen half done by another.
 */
export interface BackingFiles {
  /** The absolute path of a file, for tools that open it; undefined in memory. */
  realPath(path: string): string | undefined;
  exists(path: string): boolean;
  /** Makes a file of zeros that takes no real space. @throws {Error} when it exists. */
  create(path: string, sizeBytes: number): void;
  makeDirectory(path: string): void;
  resize(path: string, sizeBytes: number): void;
  /** Removes a file, or a directory with all it holds. Idempotent. */
  remove(path: string): void;
  rename(from: string, to: string): void;
  /** Copies a file onto `to`, which keeps its inode when it exists. Holes stay holes. */
  copy(from: string, to: string, means: CopyMeans): void;
  /** Makes `to` a second name of the same data. */
  link(from: string, to: string): void;
  /** Up to `length` bytes from `offset`; fewer at the end, none beyond it. */
  read(path: string, offset: number, length: number): Uint8Array;
  write(path: string, offset: number, bytes: Uint8Array): void;
  /** Everything below `path`, directories before what is in them. */
  list(path: string): BackingEntry[];
}
