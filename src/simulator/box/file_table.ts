/** The files of the box: names, space, and the real bytes behind them. */
import { RouterOsError } from "../menu.ts";
import type { BackingFiles, CopyMeans } from "./backing_files.ts";
import { type Capacity, cutLayers } from "./capacity.ts";
import { firstComponentOf, isWithin, parentOf } from "./names.ts";
import type { BoxSettings } from "./options.ts";
import { DETACHED_PREFIX, type FileRecord, FILES_PREFIX, type Layer } from "./records.ts";
import { POOL_NAME } from "./options.ts";
import type { BoxState } from "./state.ts";
import { WORDINGS, type Wordings } from "./wordings.ts";

/** A mounted file system of the box. */
export interface Mount {
  readonly name: string;
  readonly sizeBytes: number;
  /** What the file system needs for itself. */
  readonly overheadBytes: number;
}

/** The mount that files without a mount point are on: the internal flash. */
export const FLASH_MOUNT: Mount = { name: "", sizeBytes: 134_217_728, overheadBytes: 31_457_280 };

const FIRST_FILE_NUMBER = 0xf000001;

/**
 * Files and directories by name. Every method that changes something throws
 * {@link RouterOsError} when the box would refuse.
 */
export class FileTable {
  readonly #state: BoxState;
  readonly #backing: BackingFiles;
  readonly #capacity: Capacity;
  readonly #nowMs: () => number;
  readonly #words: Wordings;
  readonly #mounts: ReadonlyMap<string, Mount>;
  readonly #nameOfId = new Map<string, string>();
  #freeLimit: { readonly bytes: number; readonly usedBytes: number } | undefined;

  constructor(
    state: BoxState,
    backing: BackingFiles,
    capacity: Capacity,
    settings: BoxSettings,
    mounts: readonly Mount[],
  ) {
    this.#state = state;
    this.#backing = backing;
    this.#capacity = capacity;
    this.#nowMs = settings.nowMs;
    this.#words = WORDINGS[settings.wordings];
    this.#mounts = new Map(mounts.map((mount) => [mount.name, mount]));
    for (const record of state.all("file").values()) this.#nameOfId.set(record.id, record.name);
  }

  get(name: string): FileRecord | undefined {
    return this.#state.all("file").get(name);
  }

  byId(id: string): FileRecord | undefined {
    const name = this.#nameOfId.get(id);
    return name === undefined ? undefined : this.get(name);
  }

  all(): Iterable<FileRecord> {
    return this.#state.all("file").values();
  }

  /** The names of the mounted file systems. */
  mountNames(): Iterable<string> {
    return this.#mounts.keys();
  }

  isMount(name: string): boolean {
    return this.#mounts.has(name);
  }

  isDirectory(name: string): boolean {
    return this.isMount(name) || this.get(name)?.kind === "directory";
  }

  /** The bytes a client may still allocate on the mount that `name` is on. */
  freeBytes(name: string): number {
    const mount = this.#mountOf(name);
    const used = this.#capacity.usedBytes(mount.name);
    const free = Math.max(0, mount.sizeBytes - mount.overheadBytes - used);
    if (this.#freeLimit === undefined || mount.name !== POOL_NAME) return free;
    const { bytes, usedBytes } = this.#freeLimit;
    return Math.max(0, Math.min(free, bytes - (used - usedBytes)));
  }

  /** Makes the pool seem to have only `bytes` left, until called with undefined. */
  setFreeLimit(bytes: number | undefined): void {
    const usedBytes = this.#capacity.usedBytes(POOL_NAME);
    this.#freeLimit = bytes === undefined ? undefined : { bytes, usedBytes };
  }

  /** Makes a file of zeros; the whole size is taken from the free space at once. */
  create(name: string, sizeBytes: number): FileRecord {
    this.#checkNew(name);
    const layers = this.#layersFor(name, sizeBytes);
    this.#backing.create(FILES_PREFIX + name, sizeBytes);
    return this.#putNew(name, "file", sizeBytes, layers);
  }

  makeDirectory(name: string): FileRecord {
    this.#checkNew(name);
    this.#backing.makeDirectory(FILES_PREFIX + name);
    return this.#putNew(name, "directory", 0, []);
  }

  /** Makes a file from the data of `source`; a reflink copy takes no space of its own. */
  copy(source: FileRecord, name: string, means: CopyMeans): FileRecord {
    this.#checkNew(name);
    const canShare = means === "reflink" && this.#mountOf(name) === this.#mountOf(source.name);
    const layers = canShare ? source.layers : this.#layersFor(name, source.sizeBytes);
    try {
      this.#backing.copy(FILES_PREFIX + source.name, FILES_PREFIX + name, means);
    } catch (error) {
      this.#backing.remove(FILES_PREFIX + name);
      throw error;
    }
    return this.#putNew(name, "file", source.sizeBytes, layers);
  }

  /** Copies a file, or a directory with all that is in it. */
  copyTree(source: FileRecord, name: string, means: CopyMeans): void {
    if (source.kind === "file") {
      this.copy(source, name, means);
      return;
    }
    if (isWithin(name, source.name)) throw new RouterOsError("invalid value for argument name");
    this.makeDirectory(name);
    for (const child of this.within(source.name)) {
      if (child === source) continue;
      const target = name + child.name.slice(source.name.length);
      if (child.kind === "directory") this.makeDirectory(target);
      else this.copy(child, target, means);
    }
  }

  /** Makes a second name for the data of `source`. */
  link(source: FileRecord, name: string): FileRecord {
    this.#checkNew(name);
    this.#backing.link(FILES_PREFIX + source.name, FILES_PREFIX + name);
    return this.#putNew(name, "file", source.sizeBytes, source.layers);
  }

  /** Grows or cuts a file. */
  resize(record: FileRecord, sizeBytes: number): FileRecord {
    if (sizeBytes === record.sizeBytes) return record;
    this.#checkWritable(record.name);
    const mount = this.#mountOf(record.name).name;
    const layers = sizeBytes > record.sizeBytes
      ? [...record.layers, ...this.#layersFor(record.name, sizeBytes - record.sizeBytes)]
      : cutLayers(record.layers, sizeBytes, (bytes) => this.#capacity.layer(bytes));
    this.#backing.resize(FILES_PREFIX + record.name, sizeBytes);
    // In this order a layer that stays never counts as free.
    this.#capacity.retain(mount, layers);
    this.#capacity.release(mount, record.layers);
    const resized = { ...record, sizeBytes, layers, modifiedMs: this.#nowMs() };
    this.#state.put("file", record.name, resized);
    return resized;
  }

  /** Replaces the whole contents of a file. */
  write(record: FileRecord, bytes: Uint8Array): void {
    const resized = this.resize(this.resize(record, 0), bytes.length);
    this.#backing.write(FILES_PREFIX + resized.name, 0, bytes);
  }

  read(record: FileRecord, offset: number, length: number): Uint8Array {
    return this.#backing.read(FILES_PREFIX + record.name, offset, length);
  }

  /** Gives one file or directory, and what is in it, another name. */
  rename(record: FileRecord, name: string): void {
    this.#checkWritable(record.name);
    if (isWithin(name, record.name)) throw new RouterOsError("invalid value for argument name");
    this.#checkNew(name);
    if (this.#mountOf(name) !== this.#mountOf(record.name)) {
      throw new RouterOsError("failure: can not move file to another disk");
    }
    this.#backing.rename(FILES_PREFIX + record.name, FILES_PREFIX + name);
    for (const child of this.within(record.name)) {
      const moved = { ...child, name: name + child.name.slice(record.name.length) };
      this.#state.delete("file", child.name);
      this.#put(moved);
    }
  }

  /** Removes one file; its space is free at once. Directories have to be empty by then. */
  remove(record: FileRecord): void {
    this.#checkWritable(record.name);
    this.#forget(record);
    this.#capacity.release(this.#mountOf(record.name).name, record.layers);
    this.#backing.remove(FILES_PREFIX + record.name);
  }

  /** Removes the name of a file that a disk has open; the data stays under the path returned. */
  detach(record: FileRecord): string {
    this.#checkWritable(record.name);
    const key = `${this.#state.next("last-detached")}.img`;
    this.#forget(record);
    this.#state.put("detached", key, record);
    this.#backing.makeDirectory(DETACHED_PREFIX.slice(0, -1));
    this.#backing.rename(FILES_PREFIX + record.name, DETACHED_PREFIX + key);
    return DETACHED_PREFIX + key;
  }

  /** Frees a detached file. Idempotent. */
  release(path: string): void {
    const key = path.slice(DETACHED_PREFIX.length);
    const record = this.#state.all("detached").get(key);
    if (record === undefined) return;
    this.#state.delete("detached", key);
    this.#capacity.release(this.#mountOf(record.name).name, record.layers);
    this.#backing.remove(path);
  }

  /** A directory's record and those of everything in it, or a file's record alone. */
  within(name: string): FileRecord[] {
    const record = this.get(name);
    if (record?.kind === "file") return [record];
    return [...this.all()].filter((file) => isWithin(file.name, name))
      .sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** @throws {RouterOsError} when `name` lies in a read-only subvolume. */
  #checkWritable(name: string): void {
    const subvolumes = this.#state.all("subvolume");
    let below = name;
    while (below.startsWith(`${POOL_NAME}/`)) {
      const subvolume = subvolumes.get(below.slice(POOL_NAME.length + 1));
      if (subvolume?.isReadOnly === true) throw new RouterOsError(this.#words.readOnly);
      below = parentOf(below) ?? "";
    }
  }

  #checkNew(name: string): void {
    if (this.isMount(name) || this.get(name) !== undefined) {
      throw new RouterOsError(this.#words.fileExists);
    }
    const parent = parentOf(name);
    if (parent !== undefined && !this.isDirectory(parent)) {
      throw new RouterOsError(this.#words.directoryMissing);
    }
    this.#checkWritable(name);
  }

  /** Layers for so many bytes more, not yet counted in. */
  #layersFor(name: string, bytes: number): Layer[] {
    if (bytes > this.freeBytes(name)) throw new RouterOsError(this.#words.noSpace);
    return bytes === 0 ? [] : [this.#capacity.layer(bytes)];
  }

  #putNew(
    name: string,
    kind: FileRecord["kind"],
    sizeBytes: number,
    layers: readonly Layer[],
  ): FileRecord {
    this.#capacity.retain(this.#mountOf(name).name, layers);
    const number = this.#state.next("last-file-number", FIRST_FILE_NUMBER);
    const id = `*${number.toString(16).toUpperCase()}`;
    return this.#put({ id, name, kind, sizeBytes, modifiedMs: this.#nowMs(), layers });
  }

  #put(record: FileRecord): FileRecord {
    this.#state.put("file", record.name, record);
    this.#nameOfId.set(record.id, record.name);
    return record;
  }

  #forget(record: FileRecord): void {
    this.#state.delete("file", record.name);
    this.#nameOfId.delete(record.id);
  }

  #mountOf(name: string): Mount {
    return this.#mounts.get(firstComponentOf(name)) ?? FLASH_MOUNT;
  }
}
