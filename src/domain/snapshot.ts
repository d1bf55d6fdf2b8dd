/** A snapshot, and what taking one needs. */
import { StorageError } from "./errors.ts";
import { sourceOf } from "./snapshot_id.ts";
import type { SnapshotId } from "./snapshot_id.ts";
import type { NameDigest, VolumeId } from "./volume_id.ts";

/** A snapshot as it stands on its array: complete, proved, and independent of its source. */
export interface Snapshot {
  readonly id: SnapshotId;
  /** The digest of the name it was asked for by. */
  readonly nameDigest: NameDigest;
  readonly sizeBytes: number;
  /** When it was cut, by our clock. */
  readonly takenAtMs: number;
}

/** What a snapshot store needs to take a snapshot. */
export interface NewSnapshot {
  readonly nameDigest: NameDigest;
  readonly source: VolumeId;
  readonly takenAtMs: number;
  /**
   * The identity second of a snapshot of the source that was deleted a moment ago: the new one gets
   * a later one, or a repeated deletion of the old one would take it away. Absent = none was.
   */
  readonly afterSecond?: number;
}

/** How an array makes a copy, once that is proved. */
export type CopyProof =
  /** Real copies, at one instant, that share extents with their source. */
  | { readonly result: "independent-cow" }
  /** Real copies, made byte by byte: not one instant when the source is being written. */
  | { readonly result: "independent-full" }
  /** No real copies; `reason` says what the probe saw. */
  | { readonly result: "refused"; readonly reason: string };

/**
 * Checks that the snapshot found under a name is the one that is asked for.
 * @throws {StorageError} `already-exists` when it was taken of another volume.
 */
export function checkSameSnapshot(existing: Snapshot, source: VolumeId): void {
  if (sourceOf(existing.id) === source) return;
  throw new StorageError(
    "already-exists",
    `Cannot create snapshot of volume "${source}": the name belongs to "${existing.id}"`,
  );
}
