/** A bound on a wait, for work whose lateness is an answer. */
import type { Clock } from "../ports/clock.ts";

/**
 * What `work` gives within `milliseconds`, or undefined when it takes longer; the signal it gets
 * aborts then.
 * @throws what `work` throws, and the reason of `signal` when that aborts first.
 */
export async function within<Result>(
  clock: Clock,
  milliseconds: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result | undefined> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const late = clock.sleep(milliseconds, either).then(() => undefined);
  const result = work(either);
  // Whichever loses the race may still reject; that is no news to anybody.
  late.catch(() => {});
  result.catch(() => {});
  try {
    return await Promise.race([result, late]);
  } finally {
    over.abort();
  }
}
