/** A simulated box: what the console, the SSH server and the tests see of it. */
import type { Violation } from "../faults.ts";
import type { MenuTree } from "../menu.ts";
import { boxMenuTree } from "../menus/box_menu_tree.ts";
import type { BackingFiles } from "./backing_files.ts";
import type { BoxParts } from "./box_parts.ts";
import { Capacity } from "./capacity.ts";
import { DirectoryFiles } from "./directory_files.ts";
import { diskArguments } from "./disk_properties.ts";
import { DiskRows } from "./disk_row.ts";
import { DiskTable, newIdentity } from "./disk_table.ts";
import { EventLog } from "./event_log.ts";
import { exportEntries, type ExportEntry } from "./export_list.ts";
import { FileTable, FLASH_MOUNT, type Mount } from "./file_table.ts";
import { seedFiles, seedHardware } from "./foreign.ts";
import { claimDirectory, DirectoryJournal, NO_JOURNAL, readStateChanges } from "./journal.ts";
import { MemoryFiles } from "./memory_files.ts";
import { firstComponentOf } from "./names.ts";
import {
  type BoxOptions,
  type BoxSettings,
  type BoxUser,
  DEFAULT_BOX_SETTINGS,
} from "./options.ts";
import {
  type CollectionName,
  DETACHED_PREFIX,
  FILES_PREFIX,
  type NamespaceIdentity,
} from "./records.ts";
import { reconcileFiles } from "./reconcile.ts";
import { BoxState } from "./state.ts";
import { SubvolumeTable } from "./subvolume_table.ts";
import { type Traffic, TrafficCounters } from "./traffic.ts";
import { ViolationLog } from "./violation_log.ts";

/** A box. Dispose it to close its files; its state stays in its directory. */
export interface Box extends AsyncDisposable {
  /** The commands of its console. */
  readonly tree: MenuTree;
  readonly settings: BoxSettings;
  /** What would have lost or mixed up data on a real box; survives a restart. */
  violations(): readonly Violation[];
  /** The user of this name, or undefined. */
  user(name: string): BoxUser | undefined;
  /** The disks that are exported now, with their backing files. */
  exports(): readonly ExportEntry[];
  /** Fault: the pool seems to have only so many bytes left, until called with undefined. */
  setFreeLimit(bytes: number | undefined): void;
  /** Looks for file systems inside the disks, as a box does when a disk appears. */
  inspectGuests(): void;
  /** Adds to the counters of the disk exported under `nqn`. */
  countTraffic(nqn: string, more: Partial<Traffic>): void;
  /** Restarts the box: open files are closed, ids and identities may change. */
  reboot(): void;
  /** Calls `watcher` after every change of a record, with its collection; undefined ends that. */
  watch(watcher: ((collection: CollectionName) => void) | undefined): void;
  /** An identity that no disk has had. */
  newIdentity(): NamespaceIdentity;
  /** Gives the disk in `slot` another identity. Does nothing when there is none. */
  setIdentity(slot: string, identity: NamespaceIdentity): void;
  /** Adds a line to the log of the box. */
  log(topics: string, message: string): void;
  /** When the box was started last, in wall-clock milliseconds. */
  bootedMs(): number;
}

/**
 * Opens a box: a new one in an empty directory, or the one that a directory holds.
 * @throws {Error} when the directory is somebody else's, in use, or of another schema version.
 */
export function openBox(options: BoxOptions): Promise<Box> {
  return new Promise((resolve) => resolve(openNow({ ...DEFAULT_BOX_SETTINGS, ...options })));
}

function openNow(settings: BoxSettings): Box {
  const lock = lockDirectory(settings.directory);
  try {
    return new OpenedBox(openParts(settings), () => lock?.close());
  } catch (error) {
    lock?.close();
    throw error;
  }
}

class OpenedBox implements Box {
  readonly tree: MenuTree;
  readonly settings: BoxSettings;
  readonly #parts: BoxParts;
  readonly #unlock: () => void;
  #isClosed = false;

  constructor(parts: BoxParts, unlock: () => void) {
    this.#parts = parts;
    this.#unlock = unlock;
    this.settings = parts.settings;
    this.tree = boxMenuTree(parts);
    parts.disks.inspectAll();
    parts.log.add("system,info", "router rebooted");
  }

  violations(): readonly Violation[] {
    return this.#parts.violations.all();
  }

  user(name: string): BoxUser | undefined {
    return this.settings.users.find((user) => user.name === name);
  }

  exports(): readonly ExportEntry[] {
    const { disks, backing, settings } = this.#parts;
    return exportEntries(disks.all(), settings.version, (path) => backing.realPath(path) ?? path);
  }

  setFreeLimit(bytes: number | undefined): void {
    this.#parts.files.setFreeLimit(bytes);
  }

  inspectGuests(): void {
    this.#parts.disks.inspectAll();
  }

  countTraffic(nqn: string, more: Partial<Traffic>): void {
    const slot = this.exports().find((entry) => entry.nqn === nqn)?.slot;
    const disk = slot === undefined ? undefined : this.#parts.disks.bySlot(slot);
    if (disk !== undefined) this.#parts.traffic.count(disk.id, more);
  }

  reboot(): void {
    this.#parts.disks.reboot();
    this.#parts.state.put("setting", "booted-ms", this.settings.nowMs());
    this.#parts.log.add("system,info", "router rebooted");
  }

  watch(watcher: ((collection: CollectionName) => void) | undefined): void {
    this.#parts.state.watch(watcher);
  }

  newIdentity(): NamespaceIdentity {
    return newIdentity();
  }

  setIdentity(slot: string, identity: NamespaceIdentity): void {
    const disk = this.#parts.disks.bySlot(slot);
    if (disk !== undefined) this.#parts.state.put("disk", disk.id, { ...disk, identity });
  }

  log(topics: string, message: string): void {
    this.#parts.log.add(topics, message);
  }

  bootedMs(): number {
    return this.#parts.bootedMs();
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#parts.state.close();
      this.#unlock();
    }
    return Promise.resolve();
  }
}

/** Keeps a second simulator out of the directory; the system drops the lock with the process. */
function lockDirectory(directory: string | undefined): Deno.FsFile | undefined {
  if (directory === undefined) return undefined;
  claimDirectory(directory);
  const lock = Deno.openSync(`${directory}/lock`, { create: true, write: true });
  if (lock.tryLockSync(true)) return lock;
  lock.close();
  throw new Error(`Cannot open the box in "${directory}": another simulator has it open`);
}

function openParts(settings: BoxSettings): BoxParts {
  const { directory, nowMs } = settings;
  const { state, backing, isNew } = openStorage(directory);
  state.put("setting", "version", settings.version);
  if (isNew) {
    state.put("setting", "booted-ms", nowMs());
    seedHardware(state, settings);
  }
  const mounts = mountsIn(state);
  for (const { name } of mounts) backing.makeDirectory(FILES_PREFIX + name);
  const capacity = new Capacity();
  if (!isNew) reconcileFiles(state, backing, capacity, nowMs());
  for (
    const { name, layers } of [...state.all("file").values(), ...state.all("detached").values()]
  ) {
    capacity.retain(mountNameOf(name, mounts), layers);
  }
  const files = new FileTable(state, backing, capacity, settings, mounts);
  if (isNew) seedFiles(state, files, settings);
  state.put("setting", "is-seeded", true);
  const violations = new ViolationLog(state);
  const allArguments = diskArguments("9999", true);
  return {
    settings,
    state,
    backing,
    files,
    disks: new DiskTable({ state, files, backing, settings, violations }),
    diskRows: new DiskRows({
      version: settings.version,
      argumentNames: new Set(diskArguments(settings.version, settings.storagePackage).keys()),
      gatedNames: new Set(allArguments.keys()),
      freeBytes: (mount) => files.freeBytes(mount),
    }),
    subvolumes: new SubvolumeTable(state, files, settings),
    traffic: new TrafficCounters(nowMs),
    log: new EventLog(nowMs),
    violations,
    bootedMs: () => state.setting("booted-ms", 0),
  };
}

/** State and backing files; a directory whose seeding was cut short is seeded anew. */
function openStorage(
  directory: string | undefined,
): { readonly state: BoxState; readonly backing: BackingFiles; readonly isNew: boolean } {
  if (directory === undefined) {
    return { state: new BoxState([], () => NO_JOURNAL), backing: new MemoryFiles(), isNew: true };
  }
  const backing = new DirectoryFiles(directory);
  const { generation, changes } = readStateChanges(directory);
  const isNew = !changes.some(([collection, key]) =>
    collection === "setting" && key === "is-seeded"
  );
  if (isNew) {
    backing.remove(FILES_PREFIX.slice(0, -1));
    backing.remove(DETACHED_PREFIX.slice(0, -1));
  }
  const state = new BoxState(
    isNew ? [] : changes,
    (records) => new DirectoryJournal(directory, generation, records),
  );
  return { state, backing, isNew };
}

function mountsIn(state: BoxState): Mount[] {
  const mounts: Mount[] = [];
  for (const { facts } of state.all("disk").values()) {
    if (facts["mount-point"] === undefined) continue;
    mounts.push({
      name: String(facts["mount-point"]),
      sizeBytes: Number(facts["size"]),
      overheadBytes: Number(facts["overhead-bytes"] ?? 0),
    });
  }
  return mounts;
}

function mountNameOf(name: string, mounts: readonly Mount[]): string {
  const first = firstComponentOf(name);
  return mounts.some((mount) => mount.name === first) ? first : FLASH_MOUNT.name;
}
