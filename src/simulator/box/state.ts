/** The records of the box in memory; every change goes to the journal before it is answered. */
import type { Journal, StateChange } from "./journal.ts";
import type { CollectionName, Collections, Scalar } from "./records.ts";

type Maps = { readonly [Name in CollectionName]: Map<string, Collections[Name]> };

/** All records, by collection and key, in the order they were first put. */
export class BoxState {
  readonly #maps: Maps = {
    disk: new Map(),
    file: new Map(),
    detached: new Map(),
    subvolume: new Map(),
    setting: new Map(),
    violation: new Map(),
  };
  readonly #journal: Journal;
  #watcher: ((collection: CollectionName) => void) | undefined;

  constructor(changes: readonly StateChange[], openJournal: (records: StateChange[]) => Journal) {
    for (const [collection, key, record] of changes) {
      const map = (this.#maps as Record<string, Map<string, unknown> | undefined>)[collection];
      if (map === undefined) throw new Error(`Cannot load the state: no collection ${collection}`);
      if (record === undefined) map.delete(key);
      else map.set(key, record);
    }
    this.#journal = openJournal(this.#dump());
  }

  /** The records of a collection; only to be read. */
  all<Name extends CollectionName>(name: Name): ReadonlyMap<string, Collections[Name]> {
    return this.#maps[name];
  }

  /** Puts or replaces a record; a replaced one keeps its place. */
  put<Name extends CollectionName>(name: Name, key: string, record: Collections[Name]): void {
    const map = this.#maps[name];
    const before = map.get(key);
    map.set(key, record);
    try {
      this.#journal.append([name, key, record], () => this.#dump());
    } catch (error) {
      // What the journal did not take never was.
      if (before === undefined) map.delete(key);
      else map.set(key, before);
      throw error;
    }
    this.#watcher?.(name);
  }

  /** Deletes a record. Idempotent. */
  delete(name: CollectionName, key: string): void {
    const map: Map<string, Collections[CollectionName]> = this.#maps[name];
    const before = map.get(key);
    if (before === undefined) return;
    map.delete(key);
    try {
      this.#journal.append([name, key], () => this.#dump());
    } catch (error) {
      map.set(key, before);
      throw error;
    }
    this.#watcher?.(name);
  }

  /** Calls `watcher` after every change with the collection it was in; undefined ends that. */
  watch(watcher: ((collection: CollectionName) => void) | undefined): void {
    this.#watcher = watcher;
  }

  /** A setting, or `fallback` when it was never set. */
  setting<T extends Scalar>(key: string, fallback: T): T {
    const value = this.#maps.setting.get(key);
    return value !== undefined && typeof value === typeof fallback ? value as T : fallback;
  }

  /** Counts a persisted counter up and gives its new value; the first is `first`. */
  next(counter: string, first = 1): number {
    const value = this.setting(counter, first - 1) + 1;
    this.put("setting", counter, value);
    return value;
  }

  close(): void {
    this.#journal.close();
  }

  #dump(): StateChange[] {
    const records: StateChange[] = [];
    for (const [name, map] of Object.entries(this.#maps)) {
      for (const [key, record] of map) records.push([name, key, record]);
    }
    return records;
  }
}
