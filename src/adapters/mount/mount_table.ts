/** The mounts of this node with the devices below them, and whether they still work. */
import type { DeviceNumber } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { KernelTables } from "./kernel_tables.ts";
import { placeOf, topmostAt } from "./mountinfo.ts";
import type { MountEntry } from "./mountinfo.ts";
import type { DeviceNote, Notes } from "./records.ts";

/** A mount of a file system on a block device, or of one that has none. */
export interface MountView {
  readonly entry: MountEntry;
  /** The block device; the number in the table where there is none, or it is no longer known. */
  readonly device: DeviceNumber;
  readonly isReadOnly: boolean;
  /** False when the device is gone, or the file system has given up. */
  readonly isAlive: boolean;
}

/** What the table keeps in mind itself. */
export type DeviceNotes = Pick<Notes, "get" | "put" | "remove">;

/** Words with which a kernel says that a file system does nothing any more. */
const GIVEN_UP: readonly string[] = ["shutdown", "emergency_ro"];
const ANONYMOUS = /^0:/;

/** Reads the table of mounts, and knows the devices of file systems with anonymous numbers. */
export class MountTable {
  readonly #tables: KernelTables;
  readonly #notes: DeviceNotes;

  constructor(tables: KernelTables, notes: DeviceNotes) {
    this.#tables = tables;
    this.#notes = notes;
  }

  /** The topmost mount at a path, or undefined. */
  async topmost(path: string): Promise<MountView | undefined> {
    const entries = await this.#tables.mounts();
    const entry = topmostAt(entries, path);
    return entry === undefined ? undefined : await this.#view(entry, entries);
  }

  /** Every mount of the device. */
  async mountsOf(device: DeviceNumber): Promise<MountView[]> {
    return await this.#mountsAmong(await this.#tables.mounts(), device);
  }

  /** Whether the device is mounted nowhere but at this path; repetitions of it do not count. */
  async isOnlyAt(device: DeviceNumber, path: string): Promise<boolean> {
    const entries = await this.#tables.mounts();
    const mounts = (await this.#mountsAmong(entries, device)).map(({ entry }) => entry);
    const places = new Set(
      mounts.filter((entry) => entry.path === path).map((entry) => placeOf(entry, entries)),
    );
    return mounts.every((entry) => places.has(placeOf(entry, entries)));
  }

  /**
   * The paths at which the device is mounted, one for each place.
   * @param isPreferred chooses among paths that lead to the same place
   */
  async pathsOf(device: DeviceNumber, isPreferred: (path: string) => boolean): Promise<string[]> {
    const entries = await this.#tables.mounts();
    const paths = new Map<string, string>();
    for (const { entry } of await this.#mountsAmong(entries, device)) {
      const place = placeOf(entry, entries);
      if (!paths.has(place) || isPreferred(entry.path)) paths.set(place, entry.path);
    }
    return [...new Set(paths.values())];
  }

  /**
   * Notes the device below the mount just made at a path, where the table does not say it: once the
   * device is gone, nothing says it any more.
   */
  async noteDevice(path: string): Promise<void> {
    const entry = topmostAt(await this.#tables.mounts(), path);
    if (entry === undefined || !mayHide(entry)) return;
    const { number: key, source } = entry;
    // Anonymous numbers are given out again: what was noted about another mount goes first.
    await this.#notes.remove("btrfs", key);
    const number = await this.#tables.btrfsDevice(source);
    const shown = number === undefined ? undefined : await this.#tables.device(number);
    if (number === undefined || shown === undefined) return;
    const { sequence } = shown;
    const bootId = await this.#tables.bootId();
    await this.#notes.put("btrfs", { key, bootId, number, sequence });
  }

  /** Forgets what {@link noteDevice} noted about a file system that is mounted no more. */
  async forgetDevice(entry: MountEntry): Promise<void> {
    if (mayHide(entry)) await this.#notes.remove("btrfs", entry.number);
  }

  async #mountsAmong(
    entries: readonly MountEntry[],
    device: DeviceNumber,
  ): Promise<MountView[]> {
    const views: MountView[] = [];
    for (const entry of entries) {
      if (entry.number !== device && !mayHide(entry)) continue;
      const view = await this.#view(entry, entries);
      if (view.device === device) views.push(view);
    }
    return views;
  }

  async #view(entry: MountEntry, entries: readonly MountEntry[]): Promise<MountView> {
    const { number, isThere } = await this.#deviceBelow(entry);
    return {
      entry,
      device: number,
      isReadOnly: isReadOnlyMount(entry),
      isAlive: isThere && !hasGivenUp(entry, entries),
    };
  }

  async #deviceBelow(
    entry: MountEntry,
  ): Promise<{ readonly number: DeviceNumber; readonly isThere: boolean }> {
    const number = entry.number as DeviceNumber;
    if (!ANONYMOUS.test(number)) {
      return { number, isThere: await this.#tables.device(number) !== undefined };
    }
    // Memory, network and the like have no device that could go.
    if (!mayHide(entry)) return { number, isThere: true };
    const noted = await this.#noted(number);
    if (noted !== undefined && noted.bootId === await this.#tables.bootId()) {
      const shown = await this.#tables.device(noted.number);
      return { number: noted.number, isThere: shown?.sequence === noted.sequence };
    }
    const found = await this.#tables.btrfsDevice(entry.source);
    if (found === undefined) return { number, isThere: false };
    return { number: found, isThere: await this.#tables.device(found) !== undefined };
  }

  /** A note that cannot be understood is as good as none: it must not hide the mounts of others. */
  async #noted(number: DeviceNumber): Promise<DeviceNote | undefined> {
    try {
      return await this.#notes.get("btrfs", number);
    } catch (error) {
      if (error instanceof StorageError && error.code === "not-ready") return undefined;
      throw error;
    }
  }
}

/** Whether nothing can be written through this mount. */
export function isReadOnlyMount({ mountOptions, superOptions }: MountEntry): boolean {
  return mountOptions.includes("ro") || superOptions.includes("ro");
}

/** The options in force, each once, without `ro` and `rw`. */
export function optionsOf({ mountOptions, superOptions }: MountEntry): string[] {
  const options = [...new Set([...mountOptions, ...superOptions])];
  return options.filter((option) => option !== "ro" && option !== "rw" && option !== "");
}

/**
 * Whether a file system has given up: its kernel says so, or it made itself read-only while a mount
 * of it is writable.
 */
export function hasGivenUp(
  { number, superOptions }: MountEntry,
  entries: readonly MountEntry[],
): boolean {
  if (GIVEN_UP.some((word) => superOptions.includes(word))) return true;
  if (!superOptions.includes("ro")) return false;
  return entries.some((each) => each.number === number && each.mountOptions.includes("rw"));
}

function mayHide({ number, fileSystem }: MountEntry): boolean {
  return fileSystem === "btrfs" && ANONYMOUS.test(number);
}
