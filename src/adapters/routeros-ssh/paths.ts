/**
 * Paths on the box. `/disk` shows a leading slash, `/file` does not, and either may be given; here a
 * path is always kept without one, and nothing compares paths in any other form.
 */
import { parseSnapshotId } from "../../domain/snapshot_id.ts";
import type { SnapshotId } from "../../domain/snapshot_id.ts";
import { parseVolumeId } from "../../domain/volume_id.ts";
import type { VolumeId } from "../../domain/volume_id.ts";

/** A path without a leading slash, as `/file` shows it; made only by {@link fileNameOf}. */
export type FileName = string & { readonly brand: "FileName" };

const SUFFIX = ".img";
/** What the name of a file ends with that stands for another one. */
export const PART_SUFFIX = ".part";

/** The one form of a path: no slash at either end. */
export function fileNameOf(path: string): FileName {
  return path.replace(/^\/+|\/+$/g, "") as FileName;
}

/** The file as `/disk` shows it, with a leading slash. */
export function diskPathOf(name: FileName): string {
  return `/${name}`;
}

/** Where the backing file of `id` is, below the directory `basePath`. */
export function backingFileOf(basePath: string, id: string): FileName {
  return `${fileNameOf(basePath)}/${id}${SUFFIX}` as FileName;
}

/** The file that stands for `file` while that is being copied. */
export function partOf(file: FileName): FileName {
  return `${file}${PART_SUFFIX}` as FileName;
}

/** The file that `path` stands for when it is one of {@link partOf}; else `path`. */
export function wholeOf(path: string): string {
  return path.endsWith(PART_SUFFIX) ? path.slice(0, -PART_SUFFIX.length) : path;
}

/** The mount point a file is on: the first component of its path. */
export function poolOf(path: string): string {
  return fileNameOf(path).split("/", 1)[0] ?? "";
}

/** The id whose backing file `path` is, or undefined when the file is not called like one of ours. */
export function idOfFile(path: string): VolumeId | SnapshotId | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (!name.endsWith(SUFFIX)) return undefined;
  const id = name.slice(0, -SUFFIX.length);
  return parseVolumeId(id) ?? parseSnapshotId(id);
}
