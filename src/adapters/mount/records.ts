/**
 * Small notes about what was begun here, kept on a host path because the process may end at any
 * moment. None of them is the truth about what is there, which the kernel says; each says only what
 * the kernel cannot: what a thing was before it went away. A note of another boot says nothing.
 */
import { dirname, join } from "node:path";
import type { DeviceNumber } from "../../domain/block_device.ts";
import { base64url, sha256Of } from "../../domain/digest.ts";
import { StorageError } from "../../domain/errors.ts";
import { isMissing, onThisMachine } from "./paths.ts";

/** A device as it was when it was noted. */
export interface DeviceNote {
  /** What the note is about: a path, a number, or the identity of a device. */
  readonly key: string;
  readonly bootId: string;
  readonly number: DeviceNumber;
  /** See `ShownDevice.sequence`. */
  readonly sequence: string;
  /** The UUID of a file system that is being made. */
  readonly uuid?: string;
}

/** The kinds of notes, each a directory. */
export type NoteKind =
  /** A device node that was made at a path. */
  | "exposed"
  /** An unmount of the last mount of a device at a path, not proved yet. */
  | "releasing"
  /** The device behind the anonymous number of a btrfs. */
  | "btrfs"
  /** A format that has not ended, by the identity of the device. */
  | "formatting";

const VERSION = 1;
const SUFFIX = ".json";

/** The notes in a directory. One process uses it at a time. */
export class Notes {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Puts a note in place whole, and on the disk: a device node that it is about outlives the boot.
   * @throws {StorageError} `unavailable` when it cannot be written.
   */
  async put(kind: NoteKind, note: DeviceNote): Promise<void> {
    await onThisMachine("write a note below", this.#directory, this.#put(kind, note));
  }

  /**
   * The note about `key`, or undefined.
   * @throws {StorageError} `not-ready` when it is there and cannot be understood.
   */
  async get(kind: NoteKind, key: string): Promise<DeviceNote | undefined> {
    return await read(this.#pathOf(kind, key));
  }

  /**
   * Removes the note about `key`; one that is not there is a success.
   * @throws {StorageError} `unavailable` when it cannot be removed.
   */
  async remove(kind: NoteKind, key: string): Promise<void> {
    const path = this.#pathOf(kind, key);
    const removed = Deno.remove(path).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    await onThisMachine("remove the note", path, removed);
  }

  /**
   * Every note of a kind that can be understood. Whose one is that cannot be, nobody can tell, and
   * one volume's must not stand in the way of all the others.
   */
  async list(kind: NoteKind): Promise<DeviceNote[]> {
    const directory = join(this.#directory, kind);
    const notes: DeviceNote[] = [];
    try {
      for await (const { name } of Deno.readDir(directory)) {
        if (!name.endsWith(SUFFIX)) continue;
        const note = parseNote(await textAt(join(directory, name)) ?? "");
        if (note !== undefined) notes.push(note);
      }
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    return notes;
  }

  async #put(kind: NoteKind, note: DeviceNote): Promise<void> {
    const directory = join(this.#directory, kind);
    const path = this.#pathOf(kind, note.key);
    {
      using file = await openPart(`${path}.new`);
      const bytes = new TextEncoder().encode(`${JSON.stringify({ version: VERSION, ...note })}\n`);
      for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
      await file.sync();
    }
    await Deno.rename(`${path}.new`, path);
    using parent = await Deno.open(directory);
    await parent.sync();
  }

  #pathOf(kind: NoteKind, key: string): string {
    return join(this.#directory, kind, `${base64url(sha256Of(key))}${SUFFIX}`);
  }
}

/** Its directory is made when it is missing. */
async function openPart(path: string): Promise<Deno.FsFile> {
  const options = { write: true, create: true, truncate: true };
  try {
    return await Deno.open(path, options);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await Deno.mkdir(dirname(path), { recursive: true });
    return await Deno.open(path, options);
  }
}

async function read(path: string): Promise<DeviceNote | undefined> {
  const text = await textAt(path);
  if (text === undefined) return undefined;
  const note = parseNote(text);
  if (note !== undefined) return note;
  throw new StorageError(
    "not-ready",
    `Cannot use the note "${path}": it is none of this version. When its volume is not in use on ` +
      `this node, move the file away`,
  );
}

async function textAt(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    return await onThisMachine("read the note", path, Promise.reject(error));
  }
}

/** The note that a text says, or undefined. */
export function parseNote(text: string): DeviceNote | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const { version, key, bootId, number, sequence, uuid } = fields;
  if (version !== VERSION || typeof key !== "string" || typeof bootId !== "string") return;
  if (typeof number !== "string" || typeof sequence !== "string") return undefined;
  const note = { key, bootId, number: number as DeviceNumber, sequence };
  return typeof uuid === "string" ? { ...note, uuid } : note;
}
