/** How a call to something in memory begins. */

/**
 * Lets whatever else is running go first, as any real call does, so that code which forgets to
 * guard itself against that fails in memory too.
 * @throws the reason of `signal` when it has aborted by then.
 */
export async function settle(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await Promise.resolve();
  signal.throwIfAborted();
}
