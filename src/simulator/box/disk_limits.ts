/** Limits on names and comments of disks that differ between versions of the box. */
import { RouterOsError } from "../menu.ts";
import type { BoxSettings } from "./options.ts";
import type { Scalar } from "./records.ts";
import { WORDINGS } from "./wordings.ts";

/**
 * The slot as the box takes it: itself, or cut to the limit.
 * @throws {RouterOsError} when it is empty, or too long and the box rejects such.
 */
export function checkedSlot(slot: string, settings: BoxSettings): string {
  if (slot === "") throw new RouterOsError("invalid value for argument slot");
  const limit = settings.slotLimit;
  if (limit === undefined || slot.length <= limit) return slot;
  switch (settings.slotTooLong) {
    case "truncate":
      return slot.slice(0, limit);
    case "reject":
      throw new RouterOsError(WORDINGS[settings.wordings].slotTooLong);
  }
}

/** @throws {RouterOsError} when the comment among the properties is too long. */
export function checkedComment(
  configured: Readonly<Record<string, Scalar>>,
  settings: BoxSettings,
): void {
  const comment = configured["comment"];
  const limit = settings.commentLimit;
  if (comment === undefined || limit === undefined || String(comment).length <= limit) return;
  throw new RouterOsError(WORDINGS[settings.wordings].commentTooLong);
}
