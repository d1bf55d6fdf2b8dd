/** What stands on an array in memory, and the rules that hold for all of it. */
import { StorageError } from "../../domain/errors.ts";
import { portCandidates } from "../../domain/nvme.ts";
import type { PortRange } from "../../domain/nvme.ts";
import type { CopyProof, Snapshot } from "../../domain/snapshot.ts";
import type { SnapshotId } from "../../domain/snapshot_id.ts";
import type { Volume } from "../../domain/volume.ts";
import type { VolumeId } from "../../domain/volume_id.ts";

/** What an array in memory is like. */
export interface ArrayTraits {
  /** The size of the pool, in bytes. */
  readonly poolBytes: number;
  /** What of it is never given to volumes, in bytes. */
  readonly reservedBytes: number;
  /** The TCP ports that volumes get one of. */
  readonly ports: PortRange;
  /** As many items as the array holds. */
  readonly itemsMax: number;
  /** The directories that a class may name, and everything below them. */
  readonly basePaths: readonly string[];
  readonly copies: CopyProof;
}

interface ItemBase {
  /** Whose it is; items of another cluster are seen, counted and never touched. */
  readonly cluster: string;
  readonly sizeBytes: number;
  /** What a guest wrote there. */
  content: string;
}

/** Something that stands on the array. */
export type Item =
  | (ItemBase & { readonly kind: "volume"; readonly volume: Volume })
  | (ItemBase & { readonly kind: "snapshot"; readonly snapshot: Snapshot });

/** The items of one array, whoever they belong to. Every allocation takes its full size. */
export class MemoryArray {
  readonly traits: ArrayTraits;
  readonly items: Map<string, Item> = new Map();

  constructor(traits: ArrayTraits) {
    this.traits = traits;
  }

  /** Free bytes of the pool, less the reserve. */
  get availableBytes(): number {
    let availableBytes = this.traits.poolBytes - this.traits.reservedBytes;
    for (const item of this.items.values()) availableBytes -= item.sizeBytes;
    return Math.max(0, availableBytes);
  }

  /** The volume `id` of `cluster`. */
  volume(cluster: string, id: VolumeId): Item & { kind: "volume" } | undefined {
    const item = this.items.get(id);
    return item?.kind === "volume" && item.cluster === cluster ? item : undefined;
  }

  /** The snapshot `id` of `cluster`. */
  snapshot(cluster: string, id: SnapshotId): Item & { kind: "snapshot" } | undefined {
    const item = this.items.get(id);
    return item?.kind === "snapshot" && item.cluster === cluster ? item : undefined;
  }

  /**
   * Checks that there is room for one more item.
   * @param growthBytes what it takes of the pool
   * @throws {StorageError} `out-of-space`.
   */
  checkRoom(what: string, growthBytes: number): void {
    const { availableBytes } = this;
    if (growthBytes > availableBytes) {
      throw new StorageError(
        "out-of-space",
        `Cannot ${what}: it takes ${growthBytes} bytes and ${availableBytes} are free`,
      );
    }
    if (this.items.size < this.traits.itemsMax) return;
    throw new StorageError("out-of-space", `Cannot ${what}: there are ${this.items.size} items`);
  }

  /**
   * Checks that `id` is free or ours.
   * @throws {StorageError} `in-use` when it belongs to another cluster.
   */
  checkNotForeign(cluster: string, id: string): void {
    const item = this.items.get(id);
    if (item === undefined || item.cluster === cluster) return;
    throw new StorageError("in-use", `Cannot use "${id}": it belongs to another cluster`);
  }

  /**
   * Checks that copies are real, and that `source` can be copied while it is used as it is.
   * @throws {StorageError} `not-ready`, `in-use`.
   */
  checkCopyable(source: Item): void {
    const { copies } = this.traits;
    if (copies.result === "refused") {
      throw new StorageError("not-ready", `Cannot copy: ${copies.reason}`);
    }
    const isAtRest = source.kind === "snapshot" || source.volume.publications.length === 0;
    if (copies.result === "independent-cow" || isAtRest) return;
    throw new StorageError(
      "in-use",
      `Cannot copy volume "${source.volume.id}": it is published, and a copy takes a while`,
    );
  }

  /** @throws {StorageError} `invalid` when `path` lies under no directory that is allowed. */
  checkBasePath(path: string): void {
    const { basePaths } = this.traits;
    if (basePaths.some((base) => path === base || path.startsWith(`${base}/`))) return;
    throw new StorageError(
      "invalid",
      `Cannot use basePath "${path}": allowed is ${basePaths.join(", ")} and below`,
    );
  }

  /**
   * A port of the range that no volume has.
   * @throws {StorageError} `out-of-space` when there is none.
   */
  freePort(id: VolumeId): number {
    const { ports } = this.traits;
    const taken = new Set<number>();
    for (const item of this.items.values()) {
      if (item.kind === "volume") taken.add(item.volume.port);
    }
    const size = ports.last - ports.first + 1;
    const port = portCandidates(id, ports, size).find((candidate) => !taken.has(candidate));
    if (port !== undefined) return port;
    throw new StorageError("out-of-space", `Cannot export "${id}": all ${size} ports are taken`);
  }
}
