/** Counts failures of staging that need a person; the rules are in domain/breaker.ts. */
import { afterFailure, FAILURES_MAX } from "../domain/breaker.ts";
import { StorageError } from "../domain/errors.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { StageRecords } from "../ports/stage_records.ts";
import type { NodeContext } from "./node_ports.ts";

/**
 * Does `work`, and counts it in the volume's record when it finds what needs a person. An array
 * that does not answer needs none, so it never counts.
 */
export async function counted<Result>(
  context: NodeContext,
  volumeId: VolumeId,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StorageError && error.code === "not-ready") {
      await count(context, volumeId, error.message);
    }
    throw error;
  }
}

/**
 * Lets staging of a volume be tried at once again.
 * @returns whether there was anything to forget
 */
export async function resetBreaker(records: StageRecords, volumeId: VolumeId): Promise<boolean> {
  const record = await records.read(volumeId);
  if (record?.trouble === undefined) return false;
  const { trouble: _, ...calm } = record;
  await records.write(calm);
  return true;
}

async function count(context: NodeContext, volumeId: VolumeId, reason: string): Promise<void> {
  const { records, clock, observe } = context;
  try {
    const record = await records.read(volumeId);
    if (record === undefined) return;
    const trouble = afterFailure(record.trouble, reason, clock.wallMs());
    await records.write({ ...record, trouble });
    if (trouble.count < FAILURES_MAX) return;
    observe({
      kind: "breaker-opened",
      volumeId,
      reason: trouble.reason,
      failures: trouble.count,
      retryAt: new Date(trouble.retryAtMs).toISOString(),
    });
  } catch (error) {
    // The caller is to hear why staging failed, not that it could not be counted.
    if (!(error instanceof StorageError)) throw error;
  }
}
