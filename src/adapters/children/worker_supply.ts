/**
 * Workers for calls that need one: whichever comes first, one that another call is done with or
 * one that was just started, for this call or for another. First come, first served.
 */
import { StorageError } from "../../domain/errors.ts";
import { IdleWorkers } from "./idle_workers.ts";
import type { KernelWorker } from "./kernel_worker.ts";
import { waitFor } from "./wait.ts";
import { startWorker } from "./worker_start.ts";
import type { WorkerStartOptions } from "./worker_start.ts";

/**
 * At most so many workers are being started: a start keeps a processor busy, and on a machine with
 * one of them more starts at once only make each of them late.
 */
const STARTING_MAX = 2;
/**
 * How long a call waits for a worker that makes another call before one is started for it: about
 * as long as a start takes. Most calls return in a millisecond, and a burst of them needs no more
 * workers than there are.
 */
const FREEING_MS = 100;
/** Time for two starts, one after another: the first may be one that hangs. */
const WAITING_MS = 45_000;
/** When so many starts fail in a row, what is wrong is not the single start. */
const FAILURES_MAX = 3;

/** A call that waits for a worker. */
interface Waiter {
  readonly promise: Promise<KernelWorker>;
  readonly resolve: (worker: KernelWorker) => void;
  readonly reject: (reason: unknown) => void;
  /** Starts that failed since it waits and since a worker came last, for whomever. */
  failures: number;
  /** Whether it has waited long enough for one that is in use. */
  isDue: boolean;
}

/** Hands out workers, and takes them back. */
export class WorkerSupply {
  readonly #options: WorkerStartOptions;
  readonly #idle: IdleWorkers;
  /** In the order they came. Only calls that have a place wait here, which bounds it. */
  readonly #waiting: Waiter[] = [];
  /** Never fewer than there are waiters that are due, up to the most. */
  readonly #starts = new Set<Promise<KernelWorker>>();
  /** Those that calls have. */
  readonly #inUse = new Set<KernelWorker>();
  /** When a waiter was given a worker last. */
  #givenMs = 0;
  #isClosed = false;

  constructor(options: WorkerStartOptions) {
    this.#options = options;
    this.#idle = new IdleWorkers(options.clock);
  }

  /**
   * A worker, for one call. The wait ends when nobody was given one for 45 s: while workers come,
   * however slowly, so does the turn of each who waits.
   * @param what it is for, in words
   * @throws {StorageError} `unavailable` when none comes, or starts fail one after another
   * @throws the reason of `signal` when it aborts first
   */
  async take(what: string, signal: AbortSignal): Promise<KernelWorker> {
    const idle = this.#idle.take();
    if (idle !== undefined) {
      this.#inUse.add(idle);
      return idle;
    }
    const waiter = { ...Promise.withResolvers<KernelWorker>(), failures: 0, isDue: false };
    this.#waiting.push(waiter);
    this.#startMissing();
    const waited = await this.#waitFor(waiter, signal);
    if (waited.kind === "done") return waited.value;
    const index = this.#waiting.indexOf(waiter);
    if (index >= 0) this.#waiting.splice(index, 1);
    // It was answered in the same turn.
    else void waiter.promise.then((worker) => this.giveBack(worker), () => {});
    if (waited.kind === "aborted") throw signal.reason;
    throw new StorageError(
      "unavailable",
      `Cannot ${what}: no worker started or became free in ${WAITING_MS / 1000} s`,
    );
  }

  /** Takes a worker that can make another call: for who waits longest, or to keep. */
  async giveBack(worker: KernelWorker): Promise<void> {
    if (!worker.isUsable) return await this.writeOff(worker);
    this.#inUse.delete(worker);
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#inUse.add(worker);
      this.#givenMs = this.#options.clock.monotonicMs();
      for (const waiter of this.#waiting) waiter.failures = 0;
      next.resolve(worker);
    } else if (this.#isClosed) await worker.release();
    else await this.#idle.keep(worker);
  }

  /** Lets go of a worker that can make no more calls; who waits for it needs another. */
  async writeOff(worker: KernelWorker): Promise<void> {
    this.#inUse.delete(worker);
    this.#startMissing();
    await worker.release();
  }

  /** Keeps none from now on, and waits for the end of those that no call has. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const started = [...this.#starts].map((start) => start.then(({ ended }) => ended, () => {}));
    await Promise.all([this.#idle.close(), ...started]);
  }

  async #waitFor(waiter: Waiter, signal: AbortSignal): ReturnType<typeof waitFor<KernelWorker>> {
    const { clock } = this.#options;
    const sinceMs = clock.monotonicMs();
    const first = await waitFor(waiter.promise, FREEING_MS, clock, signal);
    if (first.kind !== "late") return first;
    waiter.isDue = true;
    this.#startMissing();
    for (;;) {
      const endMs = Math.max(sinceMs, this.#givenMs) + WAITING_MS;
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0) return { kind: "late" };
      const waited = await waitFor(waiter.promise, leftMs, clock, signal);
      if (waited.kind !== "late") return waited;
    }
  }

  #startMissing(): void {
    const waiting = this.#waiting;
    const due = this.#inUse.size === 0 ? waiting : waiting.filter(({ isDue }) => isDue);
    const wanted = Math.min(due.length, STARTING_MAX);
    for (let count = this.#starts.size; count < wanted; count++) void this.#startOne();
  }

  async #startOne(): Promise<void> {
    const start = startWorker(this.#options);
    this.#starts.add(start);
    const [outcome] = await Promise.allSettled([start]);
    this.#starts.delete(start);
    if (outcome.status === "fulfilled") void this.giveBack(outcome.value);
    else this.#countFailure(outcome.reason);
    this.#startMissing();
  }

  /** A failed start counts for all who wait: it was for whoever of them comes first. */
  #countFailure(reason: unknown): void {
    for (const waiter of this.#waiting.splice(0)) {
      waiter.failures++;
      if (waiter.failures < FAILURES_MAX) this.#waiting.push(waiter);
      else waiter.reject(reason);
    }
  }
}
