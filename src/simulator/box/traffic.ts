/** Counters of what hosts read and wrote, as `/disk/monitor-traffic` shows them. */

/** What a disk has served since the simulator started. */
export interface Traffic {
  readonly readOps: number;
  readonly readBytes: number;
  readonly writeOps: number;
  readonly writeBytes: number;
  readonly flushOps: number;
}

const NONE: Traffic = { readOps: 0, readBytes: 0, writeOps: 0, writeBytes: 0, flushOps: 0 };
const RATE_WINDOW_MS = 1000;

/** Traffic and rates by disk id; gone after a restart, as on a real box. */
export class TrafficCounters {
  readonly #nowMs: () => number;
  readonly #totals = new Map<string, Traffic>();
  readonly #windows = new Map<string, { readonly startMs: number; readonly before: Traffic }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Adds what the NVMe side served for a disk. */
  count(diskId: string, more: Partial<Traffic>): void {
    const old = this.totalOf(diskId);
    const window = this.#windows.get(diskId);
    if (window === undefined || this.#nowMs() - window.startMs >= RATE_WINDOW_MS) {
      this.#windows.set(diskId, { startMs: this.#nowMs(), before: old });
    }
    this.#totals.set(diskId, {
      readOps: old.readOps + (more.readOps ?? 0),
      readBytes: old.readBytes + (more.readBytes ?? 0),
      writeOps: old.writeOps + (more.writeOps ?? 0),
      writeBytes: old.writeBytes + (more.writeBytes ?? 0),
      flushOps: old.flushOps + (more.flushOps ?? 0),
    });
  }

  totalOf(diskId: string): Traffic {
    return this.#totals.get(diskId) ?? NONE;
  }

  /** What was served in the last second; zeros when the disk was idle for longer. */
  perSecondOf(diskId: string): Traffic {
    const window = this.#windows.get(diskId);
    const total = this.totalOf(diskId);
    if (window === undefined || this.#nowMs() - window.startMs >= 2 * RATE_WINDOW_MS) return NONE;
    return {
      readOps: total.readOps - window.before.readOps,
      readBytes: total.readBytes - window.before.readBytes,
      writeOps: total.writeOps - window.before.writeOps,
      writeBytes: total.writeBytes - window.before.writeBytes,
      flushOps: total.flushOps - window.before.flushOps,
    };
  }

  forget(diskId: string): void {
    this.#totals.delete(diskId);
    this.#windows.delete(diskId);
  }
}
