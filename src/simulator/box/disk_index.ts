/** Finding disks without walking over all of them: by slot, by file, by exported name. */
import { fileNameOf, isExported, slotOf, subsystemNameOf } from "./disk_record.ts";
import type { DiskRecord } from "./records.ts";

/** The index of all disks; told of every change. */
export class DiskIndex {
  readonly #version: string;
  readonly #bySlot = new Map<string, string>();
  readonly #byFile = new Map<string, Set<string>>();
  readonly #byBacking = new Map<string, Set<string>>();
  readonly #bySubsystem = new Map<string, Set<string>>();

  constructor(version: string) {
    this.#version = version;
  }

  enter(disk: DiskRecord): void {
    this.#bySlot.set(slotOf(disk), disk.id);
    enterIn(this.#byFile, fileNameOf(disk), disk.id);
    enterIn(this.#byBacking, disk.backing, disk.id);
    if (isExported(disk)) {
      enterIn(this.#bySubsystem, subsystemNameOf(disk, this.#version), disk.id);
    }
  }

  leave(disk: DiskRecord): void {
    this.#bySlot.delete(slotOf(disk));
    leaveIn(this.#byFile, fileNameOf(disk), disk.id);
    leaveIn(this.#byBacking, disk.backing, disk.id);
    leaveIn(this.#bySubsystem, subsystemNameOf(disk, this.#version), disk.id);
  }

  idOfSlot(slot: string): string | undefined {
    return this.#bySlot.get(slot);
  }

  /** The disks whose `file-path` names this file. */
  idsOfFile(name: string): ReadonlySet<string> {
    return this.#byFile.get(name) ?? new Set();
  }

  /** The disks that have this backing file open. */
  idsOfBacking(backing: string): ReadonlySet<string> {
    return this.#byBacking.get(backing) ?? new Set();
  }

  /** The enabled exports under this name. */
  idsOfSubsystem(name: string): ReadonlySet<string> {
    return this.#bySubsystem.get(name) ?? new Set();
  }
}

function enterIn(map: Map<string, Set<string>>, key: string | undefined, id: string): void {
  if (key === undefined) return;
  const ids = map.get(key) ?? new Set();
  map.set(key, ids.add(id));
}

function leaveIn(map: Map<string, Set<string>>, key: string | undefined, id: string): void {
  const ids = key === undefined ? undefined : map.get(key);
  if (key === undefined || ids === undefined) return;
  ids.delete(id);
  if (ids.size === 0) map.delete(key);
}
