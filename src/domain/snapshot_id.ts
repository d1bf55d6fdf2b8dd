/**
 * What a snapshot is called: `snap-<source uuid>-at-<unix seconds>`.
 *
 * The second is identity only: it grows with every snapshot of a source and may run ahead of the
 * clock. When a snapshot was taken is recorded apart, in milliseconds.
 */
import { StorageError } from "./errors.ts";
import { parseVolumeId, uuidOf } from "./volume_id.ts";
import type { VolumeId } from "./volume_id.ts";

/** Made only by {@link parseSnapshotId} and {@link snapshotIdOf}. */
export type SnapshotId = string & { readonly brand: "SnapshotId" };

const SNAPSHOT_ID = /^snap-([0-9a-f-]{36})-at-([0-9]{10,12})$/;
/** How far identity may run ahead of the clock before we say that the clock went back. */
const AHEAD_SECONDS_MAX = 60;

/** The id that `text` is, or undefined when it is not one of ours. */
export function parseSnapshotId(text: string): SnapshotId | undefined {
  const match = SNAPSHOT_ID.exec(text);
  if (match === null || parseVolumeId(`pvc-${match[1]}`) === undefined) return undefined;
  return text as SnapshotId;
}

/** The id of the snapshot of `source` with identity second `second`. */
export function snapshotIdOf(source: VolumeId, second: number): SnapshotId {
  return `snap-${uuidOf(source)}-at-${second}` as SnapshotId;
}

/** The volume a snapshot was taken of; it need not exist any more. */
export function sourceOf(id: SnapshotId): VolumeId {
  return `pvc-${id.slice("snap-".length, "snap-".length + 36)}` as VolumeId;
}

/** Whether a snapshot named from `nowMs` on could be given `second`, were it free. */
export function isSecondToCome(second: number, nowMs: number): boolean {
  const now = Math.floor(nowMs / 1000);
  return second >= now && second - now <= AHEAD_SECONDS_MAX;
}

/** The identity second of a snapshot id. */
export function secondOf(id: SnapshotId): number {
  return Number(id.slice(id.lastIndexOf("-") + 1));
}

/**
 * The identity second for a snapshot taken at `nowMs` when `existing` seconds of the same source
 * are taken: later than all of them, so that order by id is order in time.
 * @throws {StorageError} `unavailable` when the clock stands more than a minute behind them.
 */
export function nextSnapshotSecond(nowMs: number, existing: readonly number[]): number {
  const now = Math.floor(nowMs / 1000);
  const second = existing.reduce((next, taken) => Math.max(next, taken + 1), now);
  if (second - now > AHEAD_SECONDS_MAX) {
    throw new StorageError(
      "unavailable",
      `Cannot name snapshot: the clock is ${second - now} s behind the newest snapshot`,
    );
  }
  return second;
}
