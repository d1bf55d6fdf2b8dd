/** One operation at a time per volume, snapshot or name: the second is refused, never queued. */
import { StorageError } from "../domain/errors.ts";

/**
 * The operations that run in this process. CSI has an answer for a second call (ABORTED) and its
 * callers try again, so there is no queue that could grow, and a hung call blocks nothing but its
 * own keys.
 */
export class KeyedLock {
  /** The keys that are taken; the value tells a holder that gives way that it is wanted. */
  readonly #held = new Map<string, () => void>();

  /**
   * Takes all of `keys` or none; they are free again when the result is disposed.
   * @throws {StorageError} `busy` naming the key that is taken.
   */
  take(...keys: readonly string[]): Disposable {
    return this.#take(new Set(keys), () => {});
  }

  /**
   * Takes `key` for work that can wait: `giveWay` is called whenever somebody else asks for it. That
   * one is refused all the same, and finds it free when it comes again.
   * @throws {StorageError} `busy` when it is taken.
   */
  takeYielding(key: string, giveWay: () => void): Disposable {
    return this.#take(new Set([key]), giveWay);
  }

  /** Whether an operation on `key` is running. */
  isTaken(key: string): boolean {
    return this.#held.has(key);
  }

  /** Whether nothing is running; for shutdown and tests. */
  get isIdle(): boolean {
    return this.#held.size === 0;
  }

  #take(wanted: Set<string>, giveWay: () => void): Disposable {
    for (const key of wanted) {
      const ask = this.#held.get(key);
      if (ask === undefined) continue;
      ask();
      throw new StorageError("busy", `Cannot begin: another operation on "${key}" is running`);
    }
    for (const key of wanted) this.#held.set(key, giveWay);
    return { [Symbol.dispose]: () => this.#free(wanted) };
  }

  #free(keys: Set<string>): void {
    // Emptied as they are freed: a second disposal must not free what somebody else holds by then.
    for (const key of keys) this.#held.delete(key);
    keys.clear();
  }
}
