/** The life of snapshots: what the controller does for create, delete, get and list. */
import { StorageError } from "../domain/errors.ts";
import { pageOf } from "../domain/paging.ts";
import type { Page, PageKey, PageRequest } from "../domain/paging.ts";
import { checkSameSnapshot } from "../domain/snapshot.ts";
import type { NewSnapshot, Snapshot } from "../domain/snapshot.ts";
import { isSecondToCome, parseSnapshotId, secondOf, sourceOf } from "../domain/snapshot_id.ts";
import type { SnapshotId } from "../domain/snapshot_id.ts";
import { checkSnapshotParameters } from "../domain/snapshot_parameters.ts";
import { nameDigestOf, parseVolumeId } from "../domain/volume_id.ts";
import type { NameDigest, VolumeId } from "../domain/volume_id.ts";
import type { Clock } from "../ports/clock.ts";
import { volumeNotFound } from "./amendment.ts";
import type { Backends } from "./backends.ts";
import type { KeyedLock } from "./keyed_lock.ts";
import { Recent } from "./recent.ts";

/** As many sources as can have had a snapshot deleted within a minute. */
const RETIRED_MAX = 20_000;

/** A snapshot as it is asked for. */
export interface SnapshotRequest {
  readonly name: string;
  /** The volume it is taken of. */
  readonly sourceVolumeId: string;
  /** Of the VolumeSnapshotClass. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** What a listing of snapshots is narrowed by; empty = not at all. */
export interface SnapshotFilter {
  readonly snapshotId: string;
  readonly sourceVolumeId: string;
}

/** What snapshots go through at the controller. Every method is safe to repeat. */
export class Snapshots {
  readonly #backends: Backends;
  readonly #locks: KeyedLock;
  readonly #clock: Clock;
  /** The latest second of the deleted snapshots of a source, while it could be given again. */
  readonly #retiredSeconds = new Recent<number>(RETIRED_MAX);

  constructor(backends: Backends, locks: KeyedLock, clock: Clock) {
    this.#backends = backends;
    this.#locks = locks;
    this.#clock = clock;
  }

  /**
   * The snapshot of that name: taken, or found as it was asked for. One store call with one array.
   * @throws {StorageError} `not-found` for the source; `already-exists` when the name belongs to a
   * snapshot of another volume; `invalid`, and what the store throws.
   */
  async create(request: SnapshotRequest, signal: AbortSignal): Promise<Snapshot> {
    checkSnapshotParameters(request.parameters);
    const source = parseVolumeId(request.sourceVolumeId);
    if (source === undefined) throw volumeNotFound(request.sourceVolumeId);
    const nameDigest = nameDigestOf(request.name);
    using _turn = this.#locks.take(nameDigest, source);
    const backend = await this.#backends.locate(source, signal);
    const wanted = this.#wanted(nameDigest, source);
    if (backend === undefined) return await this.#findTaken(wanted, signal);
    await this.#backends.checkSnapshotNotElsewhere(backend, nameDigest, signal);
    const snapshot = await backend.snapshots.create(wanted, signal);
    checkSameSnapshot(snapshot, source);
    this.#backends.remember(snapshot.id, backend);
    return snapshot;
  }

  /**
   * Deletes a snapshot; an id that is unknown, or cannot be ours, is a success. Volumes made from it
   * stay whole.
   */
  async delete(id: string, signal: AbortSignal): Promise<void> {
    const snapshotId = parseSnapshotId(id);
    if (snapshotId === undefined) return;
    using _turn = this.#locks.take(snapshotId);
    this.#retire(snapshotId);
    const backend = await this.#backends.locateSnapshot(snapshotId, signal);
    if (backend !== undefined) return await backend.snapshots.delete(snapshotId, signal);
    // No array shows it, but one may keep its file: a delete that failed half-way leaves that.
    await this.#backends.onAll(({ snapshots }) => snapshots.delete(snapshotId, signal), signal);
  }

  /** @throws {StorageError} `not-found`. */
  async get(id: SnapshotId, signal: AbortSignal): Promise<Snapshot> {
    const found = await this.#backends.findSnapshot(id, signal);
    if (found !== undefined) return found.item;
    throw new StorageError("not-found", `Cannot find snapshot "${id}": no array has it`);
  }

  /**
   * One page of the snapshots that pass the filter, oldest first. What cannot be ours, and what is
   * not there, gives an empty page.
   * @throws {StorageError} `stale-token`, `invalid`, and `unavailable` when any array is missing.
   */
  async list(
    filter: SnapshotFilter,
    page: Omit<PageRequest, "filter">,
    signal: AbortSignal,
  ): Promise<Page<Snapshot>> {
    const words = JSON.stringify(["snapshots", filter.snapshotId, filter.sourceVolumeId]);
    const request = { ...page, filter: words };
    // A bad token is refused before the arrays are asked for everything they have.
    pageOf([], keyOf, request);
    return pageOf(await this.#select(filter, signal), keyOf, request);
  }

  async #select(filter: SnapshotFilter, signal: AbortSignal): Promise<Snapshot[]> {
    const { snapshotId, sourceVolumeId } = filter;
    const isOfSource = ({ id }: Snapshot): boolean =>
      sourceVolumeId === "" || sourceOf(id) === sourceVolumeId;
    if (snapshotId !== "") {
      const id = parseSnapshotId(snapshotId);
      const found = id && await this.#backends.findSnapshot(id, signal);
      return found === undefined ? [] : [found.item].filter(isOfSource);
    }
    if (sourceVolumeId !== "" && parseVolumeId(sourceVolumeId) === undefined) return [];
    return (await this.#backends.listSnapshots(signal)).filter(isOfSource);
  }

  #wanted(nameDigest: NameDigest, source: VolumeId): NewSnapshot {
    const takenAtMs = this.#clock.wallMs();
    const afterSecond = this.#retiredSeconds.get(source);
    const isFree = afterSecond === undefined || !isSecondToCome(afterSecond, takenAtMs);
    return { nameDigest, source, takenAtMs, ...(isFree ? {} : { afterSecond }) };
  }

  /**
   * Keeps the id from being given to the next snapshot: the deletion may be repeated, and must not
   * meet another snapshot then. A second further ahead than any of ours is somebody's guess.
   */
  #retire(id: SnapshotId): void {
    const second = secondOf(id);
    if (!isSecondToCome(second, this.#clock.wallMs())) return;
    const source = sourceOf(id);
    this.#retiredSeconds.set(source, Math.max(second, this.#retiredSeconds.get(source) ?? 0));
  }

  /** For a source that is gone: its snapshot may have been taken before, and the reply lost. */
  async #findTaken({ nameDigest, source }: NewSnapshot, signal: AbortSignal): Promise<Snapshot> {
    const snapshots = await this.#backends.listSnapshots(signal);
    const taken = snapshots.find((snapshot) => snapshot.nameDigest === nameDigest);
    if (taken === undefined) throw volumeNotFound(source);
    checkSameSnapshot(taken, source);
    return taken;
  }
}

function keyOf({ takenAtMs, id }: Snapshot): PageKey {
  return { createdAtMs: takenAtMs, id };
}
