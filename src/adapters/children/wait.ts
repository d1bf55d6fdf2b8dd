/** Waiting with an end: for some work, a time and a signal, whichever comes first. */
import type { Clock } from "../../ports/clock.ts";

/** What came first. */
export type Waited<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "late" }
  | { readonly kind: "aborted" };

/** Waits for `work`, at most `limitMs`, until `signal` aborts. @throws what `work` throws first */
export async function waitFor<T>(
  work: Promise<T>,
  limitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Waited<T>> {
  if (signal.aborted) {
    work.catch(() => {}); // nobody is left to hear of it
    return { kind: "aborted" };
  }
  const timer = new AbortController();
  const onAbort = (): void => timer.abort();
  signal.addEventListener("abort", onAbort, { once: true });
  const end: Promise<Waited<T>> = clock.sleep(limitMs, timer.signal).then(
    () => ({ kind: "late" }),
    () => ({ kind: "aborted" }),
  );
  try {
    return await Promise.race([work.then((value): Waited<T> => ({ kind: "done", value })), end]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    timer.abort();
  }
}
