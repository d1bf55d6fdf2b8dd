/** Backing files in memory: for unit tests, which may not touch a disk. */
import type { BackingEntry, BackingFiles, CopyMeans } from "./backing_files.ts";

const PAGE_BYTES = 65536;

interface MemoryFile {
  sizeBytes: number;
  readonly pages: Map<number, Uint8Array>;
}

/** Sparse files in memory; only pages that were written to take space. */
export class MemoryFiles implements BackingFiles {
  readonly #files = new Map<string, MemoryFile>();
  readonly #directories = new Set<string>();

  realPath(_path: string): string | undefined {
    return undefined;
  }

  exists(path: string): boolean {
    return this.#files.has(path) || this.#directories.has(path);
  }

  create(path: string, sizeBytes: number): void {
    if (this.exists(path)) throw new Error(`Cannot create "${path}": it exists`);
    this.#files.set(path, { sizeBytes, pages: new Map() });
  }

  makeDirectory(path: string): void {
    this.#directories.add(path);
  }

  resize(path: string, sizeBytes: number): void {
    const file = this.#file(path);
    file.sizeBytes = sizeBytes;
    for (const [number, page] of file.pages) {
      const start = number * PAGE_BYTES;
      if (start >= sizeBytes) file.pages.delete(number);
      else if (start + PAGE_BYTES > sizeBytes) page.fill(0, sizeBytes - start);
    }
  }

  remove(path: string): void {
    for (const name of [...this.#files.keys()]) {
      if (name === path || name.startsWith(`${path}/`)) this.#files.delete(name);
    }
    for (const name of [...this.#directories]) {
      if (name === path || name.startsWith(`${path}/`)) this.#directories.delete(name);
    }
  }

  rename(from: string, to: string): void {
    for (const [name, file] of [...this.#files]) {
      if (name !== from && !name.startsWith(`${from}/`)) continue;
      this.#files.delete(name);
      this.#files.set(to + name.slice(from.length), file);
    }
    for (const name of [...this.#directories]) {
      if (name !== from && !name.startsWith(`${from}/`)) continue;
      this.#directories.delete(name);
      this.#directories.add(to + name.slice(from.length));
    }
  }

  copy(from: string, to: string, _means: CopyMeans): void {
    const source = this.#file(from);
    const target = this.#files.get(to) ?? { sizeBytes: 0, pages: new Map() };
    target.pages.clear();
    for (const [number, page] of source.pages) target.pages.set(number, page.slice());
    target.sizeBytes = source.sizeBytes;
    this.#files.set(to, target);
  }

  link(from: string, to: string): void {
    this.#files.set(to, this.#file(from));
  }

  read(path: string, offset: number, length: number): Uint8Array {
    const file = this.#file(path);
    const bytes = new Uint8Array(Math.max(0, Math.min(length, file.sizeBytes - offset)));
    for (let at = 0; at < bytes.length;) {
      const position = offset + at;
      const inPage = position % PAGE_BYTES;
      const take = Math.min(PAGE_BYTES - inPage, bytes.length - at);
      const page = file.pages.get(Math.floor(position / PAGE_BYTES));
      if (page !== undefined) bytes.set(page.subarray(inPage, inPage + take), at);
      at += take;
    }
    return bytes;
  }

  write(path: string, offset: number, bytes: Uint8Array): void {
    const file = this.#file(path);
    for (let at = 0; at < bytes.length;) {
      const position = offset + at;
      const number = Math.floor(position / PAGE_BYTES);
      const inPage = position % PAGE_BYTES;
      const take = Math.min(PAGE_BYTES - inPage, bytes.length - at);
      const page = file.pages.get(number) ?? new Uint8Array(PAGE_BYTES);
      page.set(bytes.subarray(at, at + take), inPage);
      file.pages.set(number, page);
      at += take;
    }
    file.sizeBytes = Math.max(file.sizeBytes, offset + bytes.length);
  }

  list(path: string): BackingEntry[] {
    const prefix = `${path}/`;
    const entries: BackingEntry[] = [];
    for (const name of this.#directories) {
      if (name.startsWith(prefix)) entries.push({ path: name, isDirectory: true, sizeBytes: 0 });
    }
    for (const [name, file] of this.#files) {
      if (!name.startsWith(prefix)) continue;
      entries.push({ path: name, isDirectory: false, sizeBytes: file.sizeBytes });
    }
    return entries.sort((a, b) => a.path < b.path ? -1 : 1);
  }

  #file(path: string): MemoryFile {
    const file = this.#files.get(path);
    if (file === undefined) throw new Error(`Cannot open "${path}": there is no such file`);
    return file;
  }
}
