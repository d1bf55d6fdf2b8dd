/** Workers that no call needs now, kept for the next ones. */
import type { Clock } from "../../ports/clock.ts";
import type { KernelWorker } from "./kernel_worker.ts";

/**
 * At most so many are kept: volumes that are staged at once make one call after another, and would
 * start a worker for each. Each holds some 15 MB that it shares with nobody.
 */
const IDLE_MAX = 4;
/**
 * A worker that is not needed for so long ends, so that a node without volumes holds none. With one,
 * the kubelet asks for its statistics every minute: a start each time would cost more than to wait,
 * and takes longest when a machine is busiest, as it is after an outage.
 */
const IDLE_MS = 180_000;

interface Idle {
  readonly worker: KernelWorker;
  readonly timer: AbortController;
}

/** A few idle workers, each for three minutes. */
export class IdleWorkers {
  readonly #clock: Clock;
  /** In the order they became idle. */
  readonly #idle: Idle[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The one that was used last, so that those that are one too many come to their end. */
  take(): KernelWorker | undefined {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      idle.timer.abort();
      if (idle.worker.isUsable) return idle.worker;
      void idle.worker.release(); // it has ended meanwhile
    }
    return undefined;
  }

  /** Keeps a worker, unless enough are kept already or it has ended. */
  async keep(worker: KernelWorker): Promise<void> {
    if (this.#idle.length >= IDLE_MAX || !worker.isUsable) {
      await worker.release();
      return;
    }
    const timer = new AbortController();
    const idle = { worker, timer };
    this.#idle.push(idle);
    void this.#clock.sleep(IDLE_MS, timer.signal).then(() => {
      const index = this.#idle.indexOf(idle);
      if (index < 0) return;
      this.#idle.splice(index, 1);
      return worker.release();
    }, () => {}); // it was taken
  }

  /** Lets all go, and waits until they have ended. */
  async close(): Promise<void> {
    const workers = this.#idle.splice(0).map(({ worker, timer }) => {
      timer.abort();
      return worker;
    });
    await Promise.all(workers.map((worker) => worker.release().then(() => worker.ended)));
  }
}
