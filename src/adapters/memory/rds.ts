/**
 * An array in memory: a small honest model of the RDS that keeps the promises of the ports. It has
 * rules, no script: to make a call fail, wrap it from outside.
 */
import { GIB } from "../../domain/capacity.ts";
import { StorageError } from "../../domain/errors.ts";
import type { SnapshotStore } from "../../ports/snapshot_store.ts";
import type { VolumeStore } from "../../ports/volume_store.ts";
import { MemoryArray } from "./rds_array.ts";
import type { ArrayTraits, Item } from "./rds_array.ts";
import { MemorySnapshotStore } from "./rds_snapshots.ts";
import { MemoryVolumeStore } from "./rds_volumes.ts";

const TRAITS: ArrayTraits = {
  poolBytes: 1024 * GIB,
  reservedBytes: 0,
  ports: { first: 44_200, last: 48_295 },
  itemsMax: 20_000,
  basePaths: ["/storage-pool/metal-csi"],
  copies: { result: "independent-cow" },
};

/** One cluster's view of an array in memory. */
export class MemoryRds {
  readonly volumes: VolumeStore;
  readonly snapshots: SnapshotStore;
  readonly #array: MemoryArray;

  /** @param traits what differs from a large array that makes real copies */
  constructor(traits: Partial<ArrayTraits> = {}, cluster = "cluster-a") {
    this.#array = new MemoryArray({ ...TRAITS, ...traits });
    [this.volumes, this.snapshots] = storesOf(this.#array, cluster);
  }

  /** The stores that another cluster has on the same array. */
  storesOf(cluster: string): readonly [VolumeStore, SnapshotStore] {
    return storesOf(this.#array, cluster);
  }

  /** As many items as stand on the array, whoever they belong to. */
  get itemCount(): number {
    return this.#array.items.size;
  }

  /**
   * Overwrites the content of a volume, as a node would.
   * @throws {StorageError} `not-found`; `in-use` for a snapshot, which nobody can write.
   */
  write(id: string, content: string): void {
    const item = this.#itemOf(id);
    if (item.kind === "snapshot") {
      throw new StorageError("in-use", `Cannot write "${id}": it is a snapshot`);
    }
    item.content = content;
  }

  /** The content of a volume or snapshot. @throws {StorageError} `not-found`. */
  read(id: string): string {
    return this.#itemOf(id).content;
  }

  #itemOf(id: string): Item {
    const item = this.#array.items.get(id);
    if (item !== undefined) return item;
    throw new StorageError("not-found", `Cannot find "${id}": the array has none`);
  }
}

function storesOf(array: MemoryArray, cluster: string): readonly [VolumeStore, SnapshotStore] {
  return [new MemoryVolumeStore(array, cluster), new MemorySnapshotStore(array, cluster)];
}
