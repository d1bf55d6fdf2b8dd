/** The part of a node's own file system that mounts and device nodes need, in memory. */
import type { DeviceNumber } from "../../domain/block_device.ts";

/** One entry of the tree. */
export type PathEntry =
  | { readonly kind: "directory" }
  | { readonly kind: "file" }
  | { readonly kind: "device-node"; readonly device: DeviceNumber; readonly isReadOnly: boolean };

/** Directories, files and device nodes by absolute path; the root is always there. */
export class PathTree {
  readonly #entries = new Map<string, PathEntry>([["/", { kind: "directory" }]]);

  /** What is at `path`, or undefined. */
  at(path: string): PathEntry | undefined {
    return this.#entries.get(path);
  }

  /** Every path with its entry, in no order. */
  entries(): readonly (readonly [string, PathEntry])[] {
    return [...this.#entries];
  }

  /** Whether the directory that `path` lies in exists. */
  hasParentOf(path: string): boolean {
    return this.#entries.get(parentOf(path))?.kind === "directory";
  }

  /** Whether nothing lies in the directory `path`. */
  isEmpty(path: string): boolean {
    return ![...this.#entries.keys()].some((each) => each !== path && parentOf(each) === path);
  }

  /** Makes a directory and those it lies in. */
  makeDirectories(path: string): void {
    if (this.#entries.has(path)) return;
    this.makeDirectories(parentOf(path));
    this.#entries.set(path, { kind: "directory" });
  }

  /** Makes an empty file in a directory, with the directories it lies in. */
  writeFile(directory: string, name: string): void {
    this.makeDirectories(directory);
    this.#entries.set(`${directory}/${name}`, { kind: "file" });
  }

  /** Makes a device node. */
  makeNode(path: string, device: DeviceNumber, isReadOnly: boolean): void {
    this.#entries.set(path, { kind: "device-node", device, isReadOnly });
  }

  /** Removes an entry, which must be no directory with entries of its own. */
  remove(path: string): void {
    this.#entries.delete(path);
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
