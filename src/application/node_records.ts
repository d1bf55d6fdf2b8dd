/** Reading records where a broken one must not stand in the way. */
import { StorageError } from "../domain/errors.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { StageRecord, StageRecords } from "../ports/stage_records.ts";

/**
 * The record of a volume, or undefined when there is none that can be read: what is alive and well
 * stays usable, and what is to go away goes away. Only staging insists on a whole record, for it
 * may be the last thing that forbids to format.
 */
export async function readableRecord(
  records: StageRecords,
  volumeId: VolumeId,
): Promise<StageRecord | undefined> {
  try {
    return await records.read(volumeId);
  } catch (error) {
    if (error instanceof StorageError && error.code === "not-ready") return undefined;
    throw error;
  }
}
