/** Turns what is seen in every round into events: one for each change, none for each look. */
import { PATIENCE_MS } from "../domain/health.ts";
import type { Health, IllReason } from "../domain/health.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { Clock } from "../ports/clock.ts";
import type { Observe } from "../ports/events.ts";

interface Illness {
  readonly reason: IllReason;
  /** Monotonic. */
  readonly sinceMs: number;
  /** When the volume was first not well, for whatever reason. */
  readonly beganMs: number;
  readonly isReported: boolean;
  /** Whether anything was reported since the volume was last well. */
  readonly isKnown: boolean;
}

/** What was reported of each volume that is not well. */
export class HealthReports {
  readonly #clock: Clock;
  readonly #observe: Observe;
  readonly #ill = new Map<VolumeId, Illness>();

  constructor(clock: Clock, observe: Observe) {
    this.#clock = clock;
    this.#observe = observe;
  }

  /** Takes the health of a volume as it is now. */
  report(volumeId: VolumeId, health: Health): void {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#ill.get(volumeId);
    if (health.kind === "well") {
      this.#ill.delete(volumeId);
      if (before?.isKnown !== true) return;
      const durationMs = nowMs - before.beganMs;
      return this.#observe({ kind: "volume-recovered", volumeId, durationMs });
    }
    const { reason, message } = health;
    const isSame = before?.reason === reason;
    const sinceMs = isSame ? before.sinceMs : nowMs;
    const isDue = nowMs - sinceMs >= PATIENCE_MS[reason];
    const wasReported = isSame && before.isReported;
    this.#ill.set(volumeId, {
      reason,
      sinceMs,
      beganMs: before?.beganMs ?? nowMs,
      isReported: isDue,
      isKnown: isDue || before?.isKnown === true,
    });
    if (isDue && !wasReported) {
      this.#observe({ kind: "volume-abnormal", volumeId, reason, finding: message });
    }
  }

  /** Forgets all volumes but these: nobody has the others any more. */
  keepOnly(ids: ReadonlySet<VolumeId>): void {
    for (const id of this.#ill.keys()) if (!ids.has(id)) this.#ill.delete(id);
  }
}
