/** The port `StageRecords` in memory. */
import { StorageError } from "../../domain/errors.ts";
import type { VolumeId } from "../../domain/volume_id.ts";
import type { StageRecord, StageRecords } from "../../ports/stage_records.ts";

/** The records of a node in memory; nobody shares an object with them. */
export class MemoryStageRecords implements StageRecords {
  readonly #records = new Map<VolumeId, StageRecord>();
  readonly #damaged = new Set<VolumeId>();

  /** Makes the record of a volume one that cannot be read, until it is written or removed. */
  damage(volumeId: VolumeId): void {
    this.#damaged.add(volumeId);
  }

  async read(volumeId: VolumeId): Promise<StageRecord | undefined> {
    await Promise.resolve();
    if (this.#damaged.has(volumeId)) {
      throw new StorageError("not-ready", `Cannot use the stage record ${volumeId}: it is damaged`);
    }
    return structuredClone(this.#records.get(volumeId));
  }

  async write(record: StageRecord): Promise<void> {
    await Promise.resolve();
    this.#records.set(record.volumeId, structuredClone(record));
    this.#damaged.delete(record.volumeId);
  }

  async remove(volumeId: VolumeId): Promise<void> {
    await Promise.resolve();
    this.#records.delete(volumeId);
    this.#damaged.delete(volumeId);
  }

  async list(): Promise<{ readonly records: StageRecord[]; readonly unreadable: string[] }> {
    await Promise.resolve();
    const whole = [...this.#records.values()].filter(({ volumeId }) =>
      !this.#damaged.has(volumeId)
    );
    return { records: structuredClone(whole), unreadable: [...this.#damaged] };
  }
}
