/**
 * What a volume or snapshot is called on an array that limits the length of names. The id itself
 * where it fits, else a short alias that is computed from it, so no table is needed.
 */
import { base32, sha256Of } from "./digest.ts";
import type { SnapshotId } from "./snapshot_id.ts";
import type { VolumeId } from "./volume_id.ts";

const ALIAS_DIGITS = 26;

/** The length of every alias, in characters. */
export const SLOT_ALIAS_LENGTH: number = "s-".length + ALIAS_DIGITS;

/** The short form of `id`: 28 characters, the same for ever. */
export function slotAliasOf(id: VolumeId | SnapshotId): string {
  return `s-${base32(sha256Of(id)).slice(0, ALIAS_DIGITS)}`;
}

/**
 * The slot that `id` is made under on an array whose slots have at most `lengthMax` characters.
 * What exists may carry either form: a limit can change with the array's version.
 */
export function slotOf(id: VolumeId | SnapshotId, lengthMax: number): string {
  return id.length <= lengthMax ? id : slotAliasOf(id);
}
