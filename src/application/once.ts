/** Says each of the texts that are true now once, and again only after it was not true. */
export class Once {
  readonly #say: (text: string) => void;
  #seen: ReadonlySet<string> = new Set();

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  /** Tells all that are true now. */
  see(texts: readonly string[]): void {
    const seen = this.#seen;
    this.#seen = new Set(texts);
    for (const text of this.#seen) if (!seen.has(text)) this.#say(text);
  }
}
