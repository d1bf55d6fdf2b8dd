/** Deadlines on the clock of the port, so that tests need not wait for them. */
import type { Clock } from "../../ports/clock.ts";

/** What a signal made by {@link within} aborts with when the time is up. */
export class DeadlineError extends Error {
  /** @param what what took too long, in words */
  constructor(what: string, milliseconds: number) {
    super(`${what} took longer than ${milliseconds} ms`);
    this.name = "DeadlineError";
  }
}

/**
 * Runs `work` with a signal that aborts when `outer` does or after `milliseconds`. It is `work`'s
 * part to end then.
 */
export async function within<Result>(
  clock: Clock,
  milliseconds: number,
  what: string,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const done = new AbortController();
  const late = new AbortController();
  clock.sleep(milliseconds, done.signal).then(
    () => late.abort(new DeadlineError(what, milliseconds)),
    () => {},
  );
  try {
    return await work(AbortSignal.any([outer, late.signal]));
  } finally {
    done.abort();
  }
}

/** What a signal aborted with, in words. */
export function abortReason(signal: AbortSignal): string {
  const reason: unknown = signal.reason;
  if (reason instanceof DeadlineError) return reason.message;
  return reason instanceof Error && reason.name === "TimeoutError"
    ? "the caller's deadline passed"
    : "the caller gave up";
}
