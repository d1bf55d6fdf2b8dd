/** Waiting for what the kernel tells nobody about: it has to be asked again and again. */
import type { Clock } from "../../ports/clock.ts";

const FIRST_MS = 25;
const LONGEST_MS = 400;

/**
 * Asks until there is an answer or the time is over, less and less often: what comes, comes soon as
 * a rule. Asks at least once.
 * @returns undefined when the time is over
 */
export async function poll<Answer>(
  clock: Clock,
  forMs: number,
  ask: () => Promise<Answer | undefined>,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const endMs = clock.monotonicMs() + forMs;
  for (let pauseMs = FIRST_MS;; pauseMs = Math.min(LONGEST_MS, pauseMs * 2)) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    const leftMs = endMs - clock.monotonicMs();
    if (leftMs <= 0) return undefined;
    await clock.sleep(Math.min(pauseMs, leftMs), signal);
  }
}
