/**
 * Connects, one after the other. The kernel makes them under one lock for the whole node, so one
 * that waits for a silent array makes all the others wait: the arrays take turns here.
 */
import { StorageError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";

interface Waiter {
  readonly start: () => void;
}

/** More than a node can have volumes. */
const WAITING_MAX = 512;

/** A queue with a lane for each address; lanes take turns. */
export class ConnectQueue {
  readonly #clock: Clock;
  readonly #waitMs: number;
  /** Lanes in the order of their next turn; no lane is empty. */
  readonly #lanes = new Map<string, Set<Waiter>>();
  #waiting = 0;
  #isBusy = false;

  /** @param waitMs how long a call waits for its turn */
  constructor(clock: Clock, waitMs: number) {
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  /**
   * Runs `work` when it is its turn.
   * @throws {StorageError} `unavailable` when that does not come in time, or too many wait.
   */
  async run<Result>(
    lane: string,
    work: () => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    signal.throwIfAborted();
    if (this.#isBusy) await this.#wait(lane, signal);
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  async #wait(lane: string, signal: AbortSignal): Promise<void> {
    if (this.#waiting >= WAITING_MAX) {
      throw new StorageError(
        "unavailable",
        `Cannot connect to ${lane}: ${this.#waiting} connects are waiting for their turn`,
      );
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter: Waiter = { start: resolve };
    this.#add(lane, waiter);
    const over = new AbortController();
    const whenLate = this.#clock.sleep(this.#waitMs, AbortSignal.any([signal, over.signal]));
    try {
      await Promise.race([promise, whenLate]);
    } catch (error) {
      // The turn may have come in the same moment: then it has to be passed on.
      if (!this.#remove(lane, waiter)) this.#next();
      throw error;
    } finally {
      over.abort();
      whenLate.catch(() => {});
    }
    if (!this.#remove(lane, waiter)) return;
    throw new StorageError(
      "unavailable",
      `Cannot connect to ${lane}: other connects of this node took ${this.#waitMs / 1000} s`,
    );
  }

  /** Hands the turn to the first of the lane that waited longest; it stays busy in between. */
  #next(): void {
    const [first] = this.#lanes;
    if (first === undefined) {
      this.#isBusy = false;
      return;
    }
    const [lane, waiters] = first;
    const [waiter] = waiters;
    if (waiter === undefined) return;
    this.#remove(lane, waiter);
    // To the end of the line, so that each address gets its turn.
    if (this.#lanes.delete(lane) && waiters.size > 0) this.#lanes.set(lane, waiters);
    waiter.start();
  }

  #add(lane: string, waiter: Waiter): void {
    const waiters = this.#lanes.get(lane) ?? new Set();
    this.#lanes.set(lane, waiters.add(waiter));
    this.#waiting++;
  }

  /** Whether it was still waiting. */
  #remove(lane: string, waiter: Waiter): boolean {
    const waiters = this.#lanes.get(lane);
    if (waiters === undefined || !waiters.delete(waiter)) return false;
    if (waiters.size === 0) this.#lanes.delete(lane);
    this.#waiting--;
    return true;
  }
}
