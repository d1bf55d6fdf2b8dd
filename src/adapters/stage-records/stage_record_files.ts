/**
 * The port `StageRecords` as files: one for each volume below `volumes` in the node's state
 * directory, which is a directory of the host.
 */
import { join } from "node:path";
import { StorageError } from "../../domain/errors.ts";
import { parseVolumeId } from "../../domain/volume_id.ts";
import type { VolumeId } from "../../domain/volume_id.ts";
import type { StageRecord, StageRecords } from "../../ports/stage_records.ts";
import { makeDirectoryDurably, PART_SUFFIX, removeDurably, writeDurably } from "./durable_file.ts";
import { parseRecord, renderRecord } from "./record_format.ts";

const DIRECTORY = "volumes";
const SUFFIX = ".json";
/** Far more than a record has; a larger file is not one. */
const FILE_BYTES_MAX = 64 * 1024;
/** Far more than a node can have volumes. */
const RECORDS_MAX = 10_000;

/** The records of a node, in files. Several may use the same directory. */
export class StageRecordFiles implements StageRecords {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * The records below a state directory, which is made when it is missing. Removes what a process
   * that was killed while it wrote has left: for the process that serves the node, not for one
   * beside it.
   */
  static async open(stateDirectory: string): Promise<StageRecordFiles> {
    const directory = join(stateDirectory, DIRECTORY);
    await makeDirectoryDurably(stateDirectory);
    await makeDirectoryDurably(directory);
    for (const name of await namesIn(directory)) {
      if (name.endsWith(PART_SUFFIX)) await removeDurably(join(directory, name));
    }
    return new StageRecordFiles(directory);
  }

  /**
   * The records below a state directory that a node uses, with nothing made or removed.
   * @throws {StorageError} `not-found` when no node ever used it
   */
  static async openExisting(stateDirectory: string): Promise<StageRecordFiles> {
    const directory = join(stateDirectory, DIRECTORY);
    try {
      await Deno.stat(directory);
    } catch (cause) {
      throw new StorageError(
        "not-found",
        `Cannot use the state directory "${stateDirectory}": there are no records of a node`,
        { cause },
      );
    }
    return new StageRecordFiles(directory);
  }

  async read(volumeId: VolumeId): Promise<StageRecord | undefined> {
    const path = this.#pathOf(volumeId);
    try {
      const record = parseRecord(await readBounded(path));
      if (record.volumeId === volumeId) return record;
      throw new RangeError(`it is the record of ${record.volumeId}`);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) return undefined;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new StorageError(
        "not-ready",
        `Cannot use the stage record ${path}: ${reason}. When the volume is not in use on this ` +
          `node, move the file away`,
        { cause },
      );
    }
  }

  async write(record: StageRecord): Promise<void> {
    const path = this.#pathOf(record.volumeId);
    const text = checkedText(record, path);
    await this.#change("write", path, () => writeDurably(path, text));
  }

  async remove(volumeId: VolumeId): Promise<void> {
    const path = this.#pathOf(volumeId);
    await this.#change("remove", path, () => removeDurably(path));
  }

  async list(): Promise<{ readonly records: StageRecord[]; readonly unreadable: string[] }> {
    const records: StageRecord[] = [];
    const unreadable: string[] = [];
    for (const name of await namesIn(this.#directory)) {
      if (!name.endsWith(SUFFIX)) continue;
      const volumeId = parseVolumeId(name.slice(0, -SUFFIX.length));
      try {
        const record = volumeId === undefined ? undefined : await this.read(volumeId);
        if (record !== undefined) records.push(record);
        // A record that is gone by now was removed meanwhile.
        else if (volumeId === undefined) unreadable.push(name);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        unreadable.push(name);
      }
    }
    return { records, unreadable };
  }

  /** An id holds no character that means something in a path. */
  #pathOf(volumeId: VolumeId): string {
    return join(this.#directory, `${volumeId}${SUFFIX}`);
  }

  async #change(verb: string, path: string, change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `Cannot ${verb} the stage record ${path}: ${reason}`;
      throw new StorageError("unavailable", message, { cause });
    }
  }
}

/** What could not be read again must not be written. @throws {StorageError} `invalid` */
function checkedText(record: StageRecord, path: string): string {
  try {
    const text = renderRecord(record);
    parseRecord(text);
    const { length } = new TextEncoder().encode(text);
    if (length > FILE_BYTES_MAX) throw new RangeError(`it would have ${length} bytes`);
    return text;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const message = `Cannot write the stage record ${path}: ${cause.message}`;
    throw new StorageError("invalid", message, { cause });
  }
}

async function namesIn(directory: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(directory)) {
    names.push(name);
    if (names.length > RECORDS_MAX) {
      throw new StorageError(
        "not-ready",
        `Cannot use the directory ${directory}: it has more than ${RECORDS_MAX} files`,
      );
    }
  }
  return names;
}

/** The text of a file. @throws {RangeError} when it is no file, or larger than a record is */
async function readBounded(path: string): Promise<string> {
  using file = await Deno.open(path);
  const { isFile, size } = await file.stat();
  if (!isFile) throw new RangeError("it is no file");
  if (size > FILE_BYTES_MAX) throw new RangeError(`it has ${size} bytes, which no record has`);
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const count = await file.read(bytes.subarray(length));
    if (count === null) throw new RangeError(`it ends after ${length} of ${size} bytes`);
    length += count;
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
