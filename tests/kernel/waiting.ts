/** Waiting for what happens in a virtual machine, which tells nobody when it has. */

const POLL_MS = 300;

/** Lets an outage last. @throws the signal's reason */
export async function lasting(durationMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, durationMs);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
  signal.throwIfAborted();
}

/** What to wait for. */
export interface Awaited<T> {
  /** For people, for example "the condition to be abnormal". */
  readonly what: string;
  readonly withinMs: number;
  readonly signal: AbortSignal;
  /** Looks; undefined: not yet. */
  readonly look: () => Promise<T | undefined>;
  /** What was seen last, for the message. */
  readonly seen?: () => unknown;
}

/** Looks again and again until there is something. @throws {Error} when there is nothing in time */
export async function until<T>({ what, withinMs, signal, look, seen }: Awaited<T>): Promise<T> {
  const last = performance.now() + withinMs;
  while (true) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > last) {
      const shown = seen === undefined ? "" : `; last seen: ${JSON.stringify(seen())}`;
      throw new Error(`Cannot see ${what} within ${withinMs} ms${shown}`);
    }
    await lasting(POLL_MS, signal);
  }
}

/** Runs `act` and says how long it took, in milliseconds. */
export async function timed<T>(act: () => Promise<T>): Promise<[result: T, durationMs: number]> {
  const start = performance.now();
  const result = await act();
  return [result, Math.round(performance.now() - start)];
}
