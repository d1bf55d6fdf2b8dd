/**
 * Work on a device that must not be stopped because nobody waits for it any more: begun anew each
 * time, what takes longer than its caller's patience would never end.
 */
import type { DeviceNumber } from "../../domain/block_device.ts";

/** Work that goes on when its caller leaves, at most one for each device. */
export class Ongoing {
  readonly #work = new Map<DeviceNumber, Promise<void>>();

  /** The work on a device that runs, if any. */
  on(number: DeviceNumber): Promise<void> | undefined {
    return this.#work.get(number);
  }

  /** Begins work on a device that has none. */
  start(number: DeviceNumber, work: () => Promise<void>): Promise<void> {
    const running = work().finally(() => this.#work.delete(number));
    this.#work.set(number, running);
    return running;
  }
}

/** Waits for such work. @throws the reason of `signal` when it aborts first */
export async function until(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    work.catch(() => undefined);
    promise.catch(() => undefined);
  }
}
