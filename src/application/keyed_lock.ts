/** One operation at a time per volume, snapshot or name: the second is refused, never queued. */
import { StorageError } from "../domain/errors.ts";

/**
 * The operations that run in this process. CSI has an answer for a second call (ABORTED) and its
 * callers try again, so there is no queue that could grow, and a hung call blocks nothing but its
 * own keys.
 */
export class KeyedLock {
  readonly #held = new Set<string>();

  /**
   * Takes all of `keys` or none; they are free again when the result is disposed.
   * @throws {StorageError} `busy` naming the key that is taken.
   */
  take(...keys: readonly string[]): Disposable {
    const wanted = new Set(keys);
    const taken = [...wanted].find((key) => this.#held.has(key));
    if (taken !== undefined) {
      throw new StorageError("busy", `Cannot begin: another operation on "${taken}" is running`);
    }
    for (const key of wanted) this.#held.add(key);
    return { [Symbol.dispose]: () => this.#free(wanted) };
  }

  /** Whether an operation on `key` is running. */
  isTaken(key: string): boolean {
    return this.#held.has(key);
  }

  /** Whether nothing is running; for shutdown and tests. */
  get isIdle(): boolean {
    return this.#held.size === 0;
  }

  #free(keys: Set<string>): void {
    // Emptied as they are freed: a second disposal must not free what somebody else holds by then.
    for (const key of keys) this.#held.delete(key);
    keys.clear();
  }
}
