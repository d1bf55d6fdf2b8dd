/** How a disk of type `file` gets its backing file: an old one, a new one, or a copy. */
import { RouterOsError } from "../menu.ts";
import { fileNameOf } from "./disk_record.ts";
import type { FileTable } from "./file_table.ts";
import { storedName } from "./names.ts";
import type { BoxSettings } from "./options.ts";
import { type DiskRecord, type FileRecord, FILES_PREFIX, type Scalar } from "./records.ts";
import { WORDINGS, type Wordings } from "./wordings.ts";

/** An opened backing file, and the properties as the box shows them afterwards. */
export interface OpenedBacking {
  readonly backing: string | undefined;
  readonly sizeBytes: number;
  readonly configured: Readonly<Record<string, Scalar>>;
}

type Configured = Readonly<Record<string, Scalar>>;

/** Opens, creates, copies and resizes backing files by what a command says. */
export class BackingOpener {
  readonly #files: FileTable;
  readonly #settings: BoxSettings;
  readonly #words: Wordings;

  constructor(files: FileTable, settings: BoxSettings) {
    this.#files = files;
    this.#settings = settings;
    this.#words = WORDINGS[settings.wordings];
  }

  /** The file of a new disk; `givenSize` is the size typed, not one inherited. */
  openForAdd(
    configured: Configured,
    givenSize: Scalar | undefined,
    source: DiskRecord | undefined,
  ): OpenedBacking | undefined {
    if (configured["type"] !== "file") return undefined;
    const name = this.#nameIn(configured);
    const existing = this.#files.get(name);
    if (existing !== undefined || this.#files.isMount(name)) {
      return this.#attach(name, existing, givenSize);
    }
    const file = source === undefined ? undefined : this.#sourceFile(source);
    if (file === undefined) return this.#create(name, configured["file-size"]);
    const wanted = givenSize === undefined ? file.sizeBytes : Number(givenSize);
    this.#checkShrink(file, wanted);
    const copied = this.#copy(file, name);
    try {
      return opened(this.#resized(copied, wanted));
    } catch (error) {
      this.#files.remove(copied);
      throw error;
    }
  }

  /** The file of a disk after `set`: another path opens another file, another size resizes. */
  openForChange(
    disk: DiskRecord,
    configured: Configured,
    given: ReadonlyMap<string, Scalar>,
  ): OpenedBacking | undefined {
    if (configured["type"] !== "file") return undefined;
    const name = this.#nameIn(configured);
    const givenSize = given.get("file-size");
    if (name !== fileNameOf(disk)) {
      const existing = this.#files.get(name);
      return existing === undefined && !this.#files.isMount(name)
        ? this.#create(name, configured["file-size"])
        : this.#attach(name, existing, givenSize);
    }
    const path = `/${name}`;
    const sizeBytes = disk.sizeBytes;
    if (givenSize === undefined || Number(givenSize) === sizeBytes) {
      const shown = { "file-path": path, ...sizeShown(sizeBytes) };
      return { backing: disk.backing, sizeBytes, configured: shown };
    }
    const file = this.#openFile(disk);
    if (file === undefined) throw new RouterOsError(this.#words.fileMissing);
    const resized = this.#resized(file, Number(givenSize));
    const shown = { "file-path": path, ...sizeShown(resized.sizeBytes) };
    return { backing: disk.backing, sizeBytes: resized.sizeBytes, configured: shown };
  }

  /** The record of the file a disk has open, whatever its name is by now. */
  #openFile(disk: DiskRecord): FileRecord | undefined {
    if (disk.backing === undefined || !disk.backing.startsWith(FILES_PREFIX)) return undefined;
    return this.#files.get(disk.backing.slice(FILES_PREFIX.length));
  }

  #nameIn(configured: Configured): string {
    const path = configured["file-path"];
    if (path === undefined) throw new RouterOsError("missing value(s) of argument(s) file-path");
    const name = storedName(String(path));
    if (name === undefined) throw new RouterOsError("invalid value for argument file-path");
    return name;
  }

  #attach(
    name: string,
    existing: FileRecord | undefined,
    givenSize: Scalar | undefined,
  ): OpenedBacking {
    if (existing?.kind !== "file") throw new RouterOsError(this.#words.fileExists);
    const wanted = Math.max(existing.sizeBytes, Number(givenSize ?? 0));
    return opened(this.#files.resize(this.#files.get(name) ?? existing, wanted));
  }

  #create(name: string, size: Scalar | undefined): OpenedBacking {
    const sizeBytes = Number(size ?? 0);
    if (sizeBytes <= 0) throw new RouterOsError(this.#words.fileMissing);
    return opened(this.#files.create(name, sizeBytes));
  }

  /** The file whose data `copy-from` copies; undefined when the box copies properties only. */
  #sourceFile(source: DiskRecord): FileRecord | undefined {
    if (this.#settings.copyFrom === "property-only" || source.backing === undefined) {
      return undefined;
    }
    const file = this.#openFile(source);
    if (file === undefined) throw new RouterOsError(this.#words.fileMissing);
    return file;
  }

  #copy(file: FileRecord, name: string): FileRecord {
    switch (this.#settings.copyFrom) {
      case "independent-full":
        return this.#files.copy(file, name, "full");
      case "shared":
        return this.#files.link(file, name);
      case "independent-cow":
      case "property-only":
        return this.#files.copy(file, name, "reflink");
    }
  }

  #resized(file: FileRecord, sizeBytes: number): FileRecord {
    this.#checkShrink(file, sizeBytes);
    return this.#files.resize(file, sizeBytes);
  }

  #checkShrink(file: FileRecord, sizeBytes: number): void {
    if (sizeBytes < file.sizeBytes && this.#settings.shrink === "refuse") {
      throw new RouterOsError(this.#words.shrinkRefused);
    }
  }
}

function opened(file: FileRecord): OpenedBacking {
  return {
    backing: FILES_PREFIX + file.name,
    sizeBytes: file.sizeBytes,
    configured: { "file-path": `/${file.name}`, ...sizeShown(file.sizeBytes) },
  };
}

function sizeShown(sizeBytes: number): Configured {
  return sizeBytes === 0 ? {} : { "file-size": sizeBytes };
}
