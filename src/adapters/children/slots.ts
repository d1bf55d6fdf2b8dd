/** A bound on how much happens at once. Who finds no place waits, in order and not for ever. */
import { StorageError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { waitFor } from "./wait.ts";

/** How many may wait; more is a failure to keep up that waiting does not cure. */
const WAITING_MAX = 256;

/** Places for what may run at once. */
export class Slots {
  readonly #clock: Clock;
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number, clock: Clock) {
    this.#free = count;
    this.#clock = clock;
  }

  /**
   * A place, to be given back by disposing of it.
   * @param what it is for, in words
   * @throws {StorageError} `unavailable` when none becomes free in time or too many wait
   * @throws the reason of `signal` when it aborts first
   */
  async take(what: string, limitMs: number, signal: AbortSignal): Promise<Disposable> {
    if (this.#free > 0) {
      this.#free--;
      return this.#place();
    }
    if (this.#waiting.length >= WAITING_MAX) {
      throw new StorageError("unavailable", `Cannot ${what}: ${WAITING_MAX} others wait already`);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const waited = await waitFor(promise, limitMs, this.#clock, signal);
    if (waited.kind === "done") return this.#place();
    const index = this.#waiting.indexOf(resolve);
    if (index >= 0) this.#waiting.splice(index, 1);
    else this.#giveBack(); // it was handed over in the same turn
    if (waited.kind === "aborted") throw signal.reason;
    const seconds = limitMs / 1000;
    throw new StorageError(
      "unavailable",
      `Cannot ${what}: too much runs on this node, and nothing ended in ${seconds} s`,
    );
  }

  #place(): Disposable {
    let isTaken = true;
    return {
      [Symbol.dispose]: () => {
        if (isTaken) this.#giveBack();
        isTaken = false;
      },
    };
  }

  /** A free place goes to who waits longest, so nobody can overtake. */
  #giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
