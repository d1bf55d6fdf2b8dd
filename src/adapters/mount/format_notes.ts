/** What the note of a format of a disk is kept under, and when it says nothing any more. */
import type { BlockDevice } from "../../domain/block_device.ts";
import type { MountParts } from "./parts.ts";

/** The key of the note. A disk without an identity is the same only while it is the same device. */
export async function formatKeyOf(
  { tables }: Pick<MountParts, "tables">,
  { identity, number }: BlockDevice,
): Promise<string> {
  if (identity !== undefined) return identity;
  const sequence = (await tables.device(number))?.sequence ?? "";
  return `${number} ${sequence}`;
}

/**
 * Forgets a format of the disk that has not ended: from now on somebody else may write to it, and
 * what is found there later is no remains of ours. Safe to repeat.
 */
export async function forgetFormat(
  parts: Pick<MountParts, "tables" | "notes">,
  device: BlockDevice,
): Promise<void> {
  await parts.notes.remove("formatting", await formatKeyOf(parts, device));
}
