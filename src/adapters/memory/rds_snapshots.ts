/** The snapshots of a cluster on an array in memory. */
import { StorageError } from "../../domain/errors.ts";
import type { CopyProof, NewSnapshot, Snapshot } from "../../domain/snapshot.ts";
import { nextSnapshotSecond, secondOf, snapshotIdOf, sourceOf } from "../../domain/snapshot_id.ts";
import type { SnapshotId } from "../../domain/snapshot_id.ts";
import type { VolumeId } from "../../domain/volume_id.ts";
import type { SnapshotStore } from "../../ports/snapshot_store.ts";
import type { MemoryArray } from "./rds_array.ts";
import { settle } from "./settle.ts";

/** Snapshots in memory; every change takes effect at once and whole. */
export class MemorySnapshotStore implements SnapshotStore {
  readonly #array: MemoryArray;
  readonly #cluster: string;

  constructor(array: MemoryArray, cluster: string) {
    this.#array = array;
    this.#cluster = cluster;
  }

  async create(wanted: NewSnapshot, signal: AbortSignal): Promise<Snapshot> {
    await settle(signal);
    const { nameDigest, source, takenAtMs } = wanted;
    const existing = this.#all().find((snapshot) => snapshot.nameDigest === nameDigest);
    if (existing !== undefined) return existing;
    const item = this.#array.volume(this.#cluster, source);
    if (item === undefined) {
      throw new StorageError("not-found", `Cannot snapshot volume "${source}": the array has none`);
    }
    this.#array.checkCopyable(item);
    this.#array.checkRoom(`snapshot volume "${source}"`, item.sizeBytes);
    const seconds = [...this.#secondsOf(source), wanted.afterSecond ?? 0];
    const id = snapshotIdOf(source, nextSnapshotSecond(takenAtMs, seconds));
    const snapshot = { id, nameDigest, sizeBytes: item.sizeBytes, takenAtMs };
    this.#array.items.set(id, {
      kind: "snapshot",
      cluster: this.#cluster,
      sizeBytes: item.sizeBytes,
      snapshot,
      content: item.content,
    });
    return snapshot;
  }

  async find(id: SnapshotId, signal: AbortSignal): Promise<Snapshot | undefined> {
    await settle(signal);
    return this.#array.snapshot(this.#cluster, id)?.snapshot;
  }

  async list(signal: AbortSignal): Promise<Snapshot[]> {
    await settle(signal);
    return this.#all();
  }

  async delete(id: SnapshotId, signal: AbortSignal): Promise<void> {
    await settle(signal);
    if (this.#array.snapshot(this.#cluster, id) !== undefined) this.#array.items.delete(id);
  }

  async copyProof(signal: AbortSignal): Promise<CopyProof> {
    await settle(signal);
    return this.#array.traits.copies;
  }

  #all(): Snapshot[] {
    return [...this.#array.items.values()].flatMap((item) =>
      item.kind === "snapshot" && item.cluster === this.#cluster ? [item.snapshot] : []
    );
  }

  /** Of every cluster: an identity that somebody has is taken. */
  #secondsOf(source: VolumeId): number[] {
    return [...this.#array.items.values()].flatMap((item) =>
      item.kind === "snapshot" && sourceOf(item.snapshot.id) === source
        ? [secondOf(item.snapshot.id)]
        : []
    );
  }
}
