/** Deadlines on the clock of the port, so that tests need not wait for them. */
import { StorageError } from "../../domain/errors.ts";
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

/**
 * Begins work that others wait for too, or that must go on when its caller leaves.
 * @throws {StorageError} `unavailable` when `signal` aborts first; when it has, nothing is begun.
 */
export async function unlessAborted<Result>(
  begin: () => Promise<Result>,
  signal: AbortSignal,
  name: string,
): Promise<Result> {
  const left = Promise.withResolvers<never>();
  const leave = (): void => {
    const message = `Cannot wait for array "${name}": ${abortReason(signal)}`;
    left.reject(new StorageError("unavailable", message));
  };
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race(signal.aborted ? [left.promise] : [left.promise, begin()]);
  } finally {
    signal.removeEventListener("abort", leave);
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
