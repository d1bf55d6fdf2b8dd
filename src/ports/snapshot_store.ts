/**
 * Snapshots on one array: independent, immutable copies that are neither exported nor mounted.
 *
 * The same promises hold as for {@link VolumeStore}: safe to repeat, `unavailable` means unknown,
 * nothing foreign is touched.
 */
import type { CopyProof, NewSnapshot, Snapshot } from "../domain/snapshot.ts";
import type { SnapshotId } from "../domain/snapshot_id.ts";

/** The snapshots on one array. */
export interface SnapshotStore {
  /**
   * Takes a snapshot of a volume, or returns the snapshot that carries the same name digest, as it
   * is, also when its source is gone by now: comparing its source is the caller's part. Returns
   * only after the copy was compared with its source by samples. The identity second is later than
   * that of every other snapshot of the source, and than `afterSecond`. What a failed call leaves behind is never returned
   * by `find` or `list`.
   * @throws {StorageError} `not-found` when the array has no such volume; `out-of-space`;
   * `not-ready` when the array's copies are not proved real; `in-use` when the volume is published
   * and the array cannot cut a copy at one instant.
   */
  create(wanted: NewSnapshot, signal: AbortSignal): Promise<Snapshot>;

  /** The snapshot, or undefined when the array answered and has none of that id. */
  find(id: SnapshotId, signal: AbortSignal): Promise<Snapshot | undefined>;

  /** Every snapshot of our cluster on the array, in no order; complete or an error. */
  list(signal: AbortSignal): Promise<Snapshot[]>;

  /** Removes the snapshot, its item and its file; one that is already gone is a success. */
  delete(id: SnapshotId, signal: AbortSignal): Promise<void>;

  /** How the array makes copies; probed once and remembered until the array changes. */
  copyProof(signal: AbortSignal): Promise<CopyProof>;
}
