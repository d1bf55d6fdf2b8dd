/** The volumes of a cluster on an array in memory. */
import { capacityFor } from "../../domain/capacity.ts";
import { StorageError } from "../../domain/errors.ts";
import { nodeNameOf } from "../../domain/node_id.ts";
import { nqnOf } from "../../domain/nvme.ts";
import { describeSource } from "../../domain/volume.ts";
import type { ContentSource, NewVolume, Volume } from "../../domain/volume.ts";
import type { VolumeId } from "../../domain/volume_id.ts";
import type { PoolCapacity, VolumeAmendment, VolumeStore } from "../../ports/volume_store.ts";
import type { Item, MemoryArray } from "./rds_array.ts";
import { settle } from "./settle.ts";

/** Volumes in memory; every change takes effect at once and whole. */
export class MemoryVolumeStore implements VolumeStore {
  readonly #array: MemoryArray;
  readonly #cluster: string;

  constructor(array: MemoryArray, cluster: string) {
    this.#array = array;
    this.#cluster = cluster;
  }

  async create(wanted: NewVolume, signal: AbortSignal): Promise<Volume> {
    await settle(signal);
    const existing = this.#array.volume(this.#cluster, wanted.id);
    if (existing !== undefined) return existing.volume;
    this.#array.checkNotForeign(this.#cluster, wanted.id);
    if (wanted.basePath !== undefined) this.#array.checkBasePath(wanted.basePath);
    const source = wanted.source && this.#sourceOf(wanted.source);
    const { id, nameDigest, capacityBytes, limitBytes, createdAtMs, reconnect } = wanted;
    const range = { requiredBytes: capacityBytes, limitBytes };
    const sizeBytes = capacityFor(range, source?.sizeBytes);
    this.#array.checkRoom(`create volume "${id}"`, sizeBytes);
    const volume: Volume = {
      ...{ id, nameDigest, createdAtMs, reconnect, source: wanted.source },
      capacityBytes: sizeBytes,
      nqn: nqnOf(id),
      port: wanted.port === "per-volume" ? this.#array.freePort(id) : wanted.port,
      publications: [],
      revision: 0,
      problem: undefined,
    };
    this.#put(volume, source?.content ?? "");
    return volume;
  }

  async find(id: VolumeId, signal: AbortSignal): Promise<Volume | undefined> {
    await settle(signal);
    return this.#array.volume(this.#cluster, id)?.volume;
  }

  async list(signal: AbortSignal): Promise<Volume[]> {
    await settle(signal);
    return [...this.#array.items.values()].flatMap((item) =>
      item.kind === "volume" && item.cluster === this.#cluster ? [item.volume] : []
    );
  }

  async expand(id: VolumeId, capacityBytes: number, signal: AbortSignal): Promise<Volume> {
    await settle(signal);
    const { volume, content } = this.#existing(id);
    const growthBytes = capacityBytes - volume.capacityBytes;
    if (growthBytes <= 0) return volume;
    if (growthBytes > this.#array.availableBytes) {
      throw new StorageError(
        "out-of-space",
        `Cannot expand volume "${id}" by ${growthBytes} bytes: ` +
          `${this.#array.availableBytes} are free`,
      );
    }
    return this.#put({ ...volume, capacityBytes }, content);
  }

  async amend(volume: Volume, amendment: VolumeAmendment, signal: AbortSignal): Promise<Volume> {
    await settle(signal);
    const { volume: current, content } = this.#existing(volume.id);
    if (current.revision !== volume.revision) {
      throw new StorageError("busy", `Cannot change volume "${volume.id}": its record has changed`);
    }
    return this.#put({ ...current, ...amendment, revision: current.revision + 1 }, content);
  }

  async delete(id: VolumeId, signal: AbortSignal): Promise<void> {
    await settle(signal);
    const item = this.#array.volume(this.#cluster, id);
    if (item === undefined) return;
    const [holder] = item.volume.publications;
    if (holder !== undefined) {
      throw new StorageError(
        "in-use",
        `Cannot delete volume "${id}": it is published to "${nodeNameOf(holder.node)}"`,
      );
    }
    this.#array.items.delete(id);
  }

  async capacity(signal: AbortSignal): Promise<PoolCapacity> {
    await settle(signal);
    const { availableBytes, traits } = this.#array;
    return { totalBytes: traits.poolBytes, availableBytes };
  }

  #existing(id: VolumeId): Item & { kind: "volume" } {
    const item = this.#array.volume(this.#cluster, id);
    if (item !== undefined) return item;
    throw new StorageError("not-found", `Cannot find volume "${id}": the array has none`);
  }

  #sourceOf(source: ContentSource): Item {
    const item = source.kind === "volume"
      ? this.#array.volume(this.#cluster, source.id)
      : this.#array.snapshot(this.#cluster, source.id);
    if (item === undefined) {
      throw new StorageError(
        "not-found",
        `Cannot copy ${describeSource(source)}: the array has none`,
      );
    }
    this.#array.checkCopyable(item);
    return item;
  }

  #put(volume: Volume, content: string): Volume {
    this.#array.items.set(volume.id, {
      kind: "volume",
      cluster: this.#cluster,
      sizeBytes: volume.capacityBytes,
      volume,
      content,
    });
    return volume;
  }
}
