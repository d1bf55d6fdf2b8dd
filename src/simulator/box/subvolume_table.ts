/** Btrfs subvolumes of the pool: directories that can be snapshot with all that is in them. */
import { RouterOsError } from "../menu.ts";
import type { FileTable } from "./file_table.ts";
import { type OpenFilesParts, removeFiles } from "./open_files.ts";
import { type BoxSettings, POOL_NAME } from "./options.ts";
import type { SubvolumeRecord } from "./records.ts";
import type { BoxState } from "./state.ts";
import { WORDINGS } from "./wordings.ts";

const FIRST_SUBVOLUME_ID = 256;

/** Subvolumes by full name, that is by path below the pool. */
export class SubvolumeTable {
  readonly #state: BoxState;
  readonly #files: FileTable;
  readonly #settings: BoxSettings;

  constructor(state: BoxState, files: FileTable, settings: BoxSettings) {
    this.#state = state;
    this.#files = files;
    this.#settings = settings;
  }

  all(): Iterable<SubvolumeRecord> {
    return this.#state.all("subvolume").values();
  }

  /** The subvolume of this full name, or the only one whose last component it is. */
  find(name: string): SubvolumeRecord | undefined {
    const exact = this.#state.all("subvolume").get(name);
    if (exact !== undefined) return exact;
    const matches = [...this.all()].filter((one) => one.fullName.endsWith(`/${name}`));
    return matches.length === 1 ? matches[0] : undefined;
  }

  byId(id: string): SubvolumeRecord | undefined {
    for (const subvolume of this.all()) {
      if (subvolume.id === id) return subvolume;
    }
    return undefined;
  }

  /**
   * Makes an empty subvolume, or a snapshot of `parent` that shares its data.
   * @throws {RouterOsError} when the name is taken or its directory missing.
   */
  add(
    fullName: string,
    parent: SubvolumeRecord | undefined,
    isReadOnly: boolean,
  ): SubvolumeRecord {
    const words = WORDINGS[this.#settings.wordings];
    const target = `${POOL_NAME}/${fullName}`;
    if (this.#files.isDirectory(target)) throw new RouterOsError(words.subvolumeExists);
    if (parent === undefined) {
      this.#files.makeDirectory(target);
    } else {
      const source = this.#files.get(`${POOL_NAME}/${parent.fullName}`);
      if (source === undefined) throw new RouterOsError("no such item");
      this.#files.copyTree(source, target, "reflink");
    }
    const subvolumeId = this.#state.next("last-subvolume-id", FIRST_SUBVOLUME_ID);
    const subvolume: SubvolumeRecord = {
      id: `*${subvolumeId.toString(16).toUpperCase()}`,
      fullName,
      parent: parent?.fullName,
      isReadOnly,
      uuid: crypto.randomUUID(),
      subvolumeId,
      generation: subvolumeId,
      createdMs: this.#settings.nowMs(),
    };
    this.#state.put("subvolume", fullName, subvolume);
    return subvolume;
  }

  /** Removes a subvolume with its directory. The order lets a read-only one be emptied. */
  remove(subvolume: SubvolumeRecord, parts: OpenFilesParts): void {
    for (const nested of [...this.all()]) {
      if (nested.fullName.startsWith(`${subvolume.fullName}/`)) {
        this.#state.delete("subvolume", nested.fullName);
      }
    }
    this.#state.delete("subvolume", subvolume.fullName);
    removeFiles(parts, `${POOL_NAME}/${subvolume.fullName}`);
  }
}
