/** What was seen lately, and no more of it than is good. */

/** A map that forgets what was set longest ago once it is full. */
export class Recent<Value> {
  readonly #limit: number;
  readonly #values = new Map<string, Value>();

  /** @param limit as many entries as it holds, at least 1 */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What was set for `key`, or undefined when nothing was or it is forgotten. */
  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  /** Sets the value of `key`, which is then the one seen last. */
  set(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#limit) return;
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest);
      return;
    }
  }

  /** Forgets `key`. */
  delete(key: string): void {
    this.#values.delete(key);
  }
}
