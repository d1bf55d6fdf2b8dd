/** Time from the machine. */
import type { Clock } from "../../ports/clock.ts";

/** Timers take a signed 32-bit number of milliseconds; a longer one would end at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The machine's clocks and timers. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep,
};

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (signal.aborted) {
    reject(signal.reason);
    return promise;
  }
  const endsAtMs = performance.now() + milliseconds;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onAbort = (): void => {
    clearTimeout(timer);
    reject(signal.reason);
  };
  const wait = (): void => {
    const leftMs = endsAtMs - performance.now();
    if (leftMs > LONGEST_TIMER_MS) {
      timer = setTimeout(wait, LONGEST_TIMER_MS);
      return;
    }
    timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, Math.max(0, leftMs));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  wait();
  return promise;
}
