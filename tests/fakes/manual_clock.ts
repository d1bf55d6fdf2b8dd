/** A clock that stands still until it is told to go on. */
import type { Clock } from "../../src/ports/clock.ts";

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** 2026-01-01T00:00:00Z, where every manual clock starts. */
export const START_MS: number = Date.UTC(2026, 0, 1);

/** Time as a test wants it. */
export class ManualClock implements Clock {
  #elapsedMs = 0;
  #shiftMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  wallMs(): number {
    return START_MS + this.#elapsedMs + this.#shiftMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (signal.aborted) reject(signal.reason);
    else {
      const leave = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      };
      const wake = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const sleeper = { dueMs: this.#elapsedMs + milliseconds, wake };
      signal.addEventListener("abort", leave, { once: true });
      this.#sleepers.add(sleeper);
    }
    return promise;
  }

  /** As many as sleep now. */
  get sleeperCount(): number {
    return this.#sleepers.size;
  }

  /** Sets the wall clock forwards or, when negative, backwards; durations stay as they are. */
  shiftWall(milliseconds: number): void {
    this.#shiftMs += milliseconds;
  }

  /** Lets time pass, waking sleepers in the order they are due, those that fall asleep meanwhile too. */
  async advance(milliseconds: number): Promise<void> {
    const endMs = this.#elapsedMs + milliseconds;
    for (;;) {
      await letOthersRun();
      const [next] = [...this.#sleepers].sort((left, right) => left.dueMs - right.dueMs);
      if (next === undefined || next.dueMs > endMs) break;
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      this.#sleepers.delete(next);
      next.wake();
    }
    this.#elapsedMs = endMs;
    await letOthersRun();
  }
}

/** Long enough for a chain of a few dozen awaits. */
async function letOthersRun(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
