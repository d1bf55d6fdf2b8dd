/**
 * What came of attempts to connect volumes again: why the last one failed, and when the next one
 * is due. The guardian writes it, measuring reads it.
 */
import type { VolumeId } from "../domain/volume_id.ts";
import type { Random } from "../ports/random.ts";

interface Attempts {
  readonly failures: number;
  readonly reason: string;
  readonly dueMs: number;
}

const PAUSE_MS_MIN = 1000;
const PAUSE_MS_MAX = 30_000;

/** The failed attempts of one process, for each volume the last. Times are monotonic. */
export class Reconnects {
  readonly #random: Random;
  readonly #failed = new Map<VolumeId, Attempts>();

  /** @param random for jitter, so that the volumes of one array do not knock at once */
  constructor(random: Random) {
    this.#random = random;
  }

  /** Whether an attempt may be made now. */
  isDue(id: VolumeId, nowMs: number): boolean {
    return nowMs >= (this.#failed.get(id)?.dueMs ?? nowMs);
  }

  /** Why the last attempt failed, or undefined when none did since the last success. */
  failureOf(id: VolumeId): string | undefined {
    return this.#failed.get(id)?.reason;
  }

  /** An attempt failed: the next one is due after 1 to 30 s, later each time. */
  failed(id: VolumeId, reason: string, nowMs: number): void {
    const failures = (this.#failed.get(id)?.failures ?? 0) + 1;
    const most = Math.min(PAUSE_MS_MIN * 2 ** Math.min(failures - 1, 16), PAUSE_MS_MAX);
    const pauseMs = Math.max(PAUSE_MS_MIN, most * (0.5 + this.#random() / 2));
    this.#failed.set(id, { failures, reason, dueMs: nowMs + pauseMs });
  }

  /** The volume is connected, or nobody's any more. */
  forget(id: VolumeId): void {
    this.#failed.delete(id);
  }

  /** Forgets all volumes but these. */
  keepOnly(ids: ReadonlySet<VolumeId>): void {
    for (const id of this.#failed.keys()) if (!ids.has(id)) this.#failed.delete(id);
  }
}
