/** Backing files as real, sparse files of a data directory. */
import type { BackingEntry, BackingFiles, CopyMeans } from "./backing_files.ts";

/** Real files below `root`. Copies are made by `cp`, which knows reflinks and holes. */
export class DirectoryFiles implements BackingFiles {
  readonly #root: string;
  /** Undefined until the first copy has shown whether the file system can share blocks. */
  #sharesBlocks: boolean | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  realPath(path: string): string {
    return `${this.#root}/${path}`;
  }

  exists(path: string): boolean {
    try {
      Deno.lstatSync(this.realPath(path));
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  create(path: string, sizeBytes: number): void {
    const file = Deno.openSync(this.realPath(path), { createNew: true, write: true });
    try {
      file.truncateSync(sizeBytes);
    } finally {
      file.close();
    }
  }

  makeDirectory(path: string): void {
    Deno.mkdirSync(this.realPath(path), { recursive: true });
  }

  resize(path: string, sizeBytes: number): void {
    Deno.truncateSync(this.realPath(path), sizeBytes);
  }

  remove(path: string): void {
    try {
      Deno.removeSync(this.realPath(path), { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  rename(from: string, to: string): void {
    Deno.renameSync(this.realPath(from), this.realPath(to));
  }

  copy(from: string, to: string, means: CopyMeans): void {
    if (means === "full" || this.#sharesBlocks === false) {
      return this.#copy(from, to, "never");
    }
    try {
      this.#copy(from, to, "always");
      this.#sharesBlocks = true;
    } catch (error) {
      // Where sharing works, what fails is an error (no space left) and no reason for a long copy.
      if (this.#sharesBlocks === true) throw error;
      this.#copy(from, to, "never");
      this.#sharesBlocks = false;
    }
  }

  link(from: string, to: string): void {
    Deno.linkSync(this.realPath(from), this.realPath(to));
  }

  read(path: string, offset: number, length: number): Uint8Array {
    const file = Deno.openSync(this.realPath(path));
    try {
      file.seekSync(offset, Deno.SeekMode.Start);
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const count = file.readSync(bytes.subarray(filled));
        if (count === null) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    } finally {
      file.close();
    }
  }

  write(path: string, offset: number, bytes: Uint8Array): void {
    const file = Deno.openSync(this.realPath(path), { write: true });
    try {
      file.seekSync(offset, Deno.SeekMode.Start);
      let rest = bytes;
      while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
    } finally {
      file.close();
    }
  }

  list(path: string): BackingEntry[] {
    const entries: BackingEntry[] = [];
    const directories = [path];
    for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
      for (const entry of Deno.readDirSync(this.realPath(next))) {
        const child = `${next}/${entry.name}`;
        if (entry.isDirectory) {
          entries.push({ path: child, isDirectory: true, sizeBytes: 0 });
          directories.push(child);
        } else if (entry.isFile) {
          const sizeBytes = Deno.lstatSync(this.realPath(child)).size;
          entries.push({ path: child, isDirectory: false, sizeBytes });
        }
      }
    }
    return entries.sort((a, b) => a.path < b.path ? -1 : 1);
  }

  #copy(from: string, to: string, reflink: "always" | "never"): void {
    const { success, stderr } = new Deno.Command("cp", {
      args: [
        `--reflink=${reflink}`,
        // `cp` takes no other value together with shared blocks.
        "--sparse=auto",
        "--",
        this.realPath(from),
        this.realPath(to),
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      env: { LC_ALL: "C" },
    }).outputSync();
    if (success) return;
    throw new Error(`Cannot copy "${from}": ${new TextDecoder().decode(stderr).trim()}`);
  }
}
