/** Who may go next: at most so many at once, the others in the order they came. */
import { StorageError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { abortReason, within } from "./deadline.ts";

/** How many may go at once and wait, and how long. */
export interface TurnLimits {
  readonly atOnce: number;
  readonly waitingMax: number;
  readonly waitMs: number;
}

/** A bounded line of waiters for a bounded number of places. */
export class Turns {
  readonly #limits: TurnLimits;
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  /** Nobody waits, every place is free. */
  constructor(limits: TurnLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * Runs `work` when it is its turn.
   * @throws {StorageError} `unavailable` when the line is full, or the turn does not come before
   * `signal` aborts or the waiting time is over; whoever leaves frees the place in the line.
   */
  async take<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw gaveUp(signal);
    if (this.#taken < this.#limits.atOnce) {
      this.#taken++;
      return;
    }
    if (this.#waiting.length >= this.#limits.waitingMax) {
      throw new StorageError("unavailable", "Cannot queue a command: too many are waiting");
    }
    await within(this.#clock, this.#limits.waitMs, "waiting for a turn", signal, (bounded) => {
      return this.#wait(bounded);
    });
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        const place = this.#waiting.indexOf(enter);
        if (place >= 0) this.#waiting.splice(place, 1);
        reject(gaveUp(signal));
      };
      const enter = (): void => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      this.#waiting.push(enter);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** The place goes to the first in the line, without becoming free in between. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken--;
    else next();
  }
}

function gaveUp(signal: AbortSignal): StorageError {
  return new StorageError("unavailable", `Cannot run a command: ${abortReason(signal)}`);
}
