/**
 * Volumes on one array.
 *
 * Every method is safe to repeat after any failure, also after a lost reply: it looks at the array
 * first and converges. A method that throws `unavailable` says nothing about whether its change
 * took effect. Nothing that does not carry our cluster's identity is ever changed or removed; when
 * such a thing stands in the way the answer is `in-use`, naming it.
 *
 * Every method throws {@link StorageError} `unavailable` when the array does not answer before
 * `signal` aborts or our own deadline, and `not-ready` when the array lacks something we need (a
 * version, a package, a permission, its pool). An aborted call leaves a change either undone or
 * complete, or in a state that the next call for the same id repairs.
 */
import type { NewVolume, Publication, Volume } from "../domain/volume.ts";
import type { ReconnectChange } from "../domain/reconnect_policy.ts";
import type { VolumeId } from "../domain/volume_id.ts";

/** The space of an array's pool, in bytes. */
export interface PoolCapacity {
  readonly totalBytes: number;
  /** What new volumes may take: free space less the reserve; never negative. */
  readonly availableBytes: number;
}

/** What {@link VolumeStore.amend} may change. */
export interface VolumeAmendment {
  readonly publications?: readonly Publication[];
  readonly reconnect?: ReconnectChange;
}

/** The volumes on one array. */
export interface VolumeStore {
  /**
   * Makes a volume and exports it, or returns the volume of that id which is already there, as it
   * is, also when its source is gone by now: comparing it with what was asked is the caller's part.
   *
   * An empty volume has exactly `capacityBytes`. One with a source has that or the source's size
   * rounded up to 1 MiB, whichever is more; it holds the source's bytes, compared by samples,
   * before it is returned, and shares nothing with the source. The array itself takes the larger of
   * the two, so that nobody need ask for the source's size first.
   *
   * A call that throws anything but `unavailable` leaves nothing behind.
   * @throws {StorageError} `not-found` when the source is not on this array; `out-of-range` when
   * the source's size is above `limitBytes`; `out-of-space` when the pool, the port range or the
   * number of volumes is exhausted; `invalid` for a `basePath` that is not allowed; `not-ready`
   * when the array cannot copy; `in-use` when the source is published and the array cannot cut a
   * copy at one instant.
   */
  create(wanted: NewVolume, signal: AbortSignal): Promise<Volume>;

  /** The volume, or undefined when the array answered and has none of that id. */
  find(id: VolumeId, signal: AbortSignal): Promise<Volume | undefined>;

  /** Every volume of our cluster on the array, in no order; complete or an error. */
  list(signal: AbortSignal): Promise<Volume[]>;

  /**
   * Grows a volume to at least `capacityBytes` (a whole number of MiB) and returns it; a volume
   * that is already as large is left alone. Never shrinks.
   * @throws {StorageError} `not-found`, `out-of-space`.
   */
  expand(id: VolumeId, capacityBytes: number, signal: AbortSignal): Promise<Volume>;

  /**
   * Replaces parts of what is recorded with `volume`, provided its revision is still that of
   * `volume`. Returns the volume as it is afterwards, its revision one higher.
   * @throws {StorageError} `not-found`; `busy` when the record changed meanwhile.
   */
  amend(volume: Volume, amendment: VolumeAmendment, signal: AbortSignal): Promise<Volume>;

  /**
   * Removes the volume: its export, its item and its file, in this order, and looks that all are
   * gone. A volume that is already gone is a success. Snapshots of it stay whole.
   * @throws {StorageError} `in-use` while it is published.
   */
  delete(id: VolumeId, signal: AbortSignal): Promise<void>;

  /** The space of the pool that volumes are made on. */
  capacity(signal: AbortSignal): Promise<PoolCapacity>;
}
