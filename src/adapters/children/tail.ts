/** The end of what a process writes, in bounded memory. */

/** Reads a stream and keeps the last bytes of it. */
export class Tail {
  /** Fulfilled when the stream has ended, in whatever way. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #bytesMax: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(stream: ReadableStream<Uint8Array>, bytesMax: number) {
    this.#reader = stream.getReader();
    this.#bytesMax = bytesMax;
    this.ended = this.#readAll();
  }

  /** What is kept; bytes that are no UTF-8, as where a character was cut, are shown as such. */
  text(): string {
    const bytes = new Uint8Array(this.#length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return new TextDecoder().decode(bytes.subarray(Math.max(0, bytes.length - this.#bytesMax)));
  }

  /** Reads no more, and lets go of the stream. */
  async stop(): Promise<void> {
    await this.#reader.cancel().catch(() => {}); // it ended by itself
  }

  async #readAll(): Promise<void> {
    try {
      for (let part = await this.#reader.read(); !part.done; part = await this.#reader.read()) {
        this.#chunks.push(part.value);
        this.#length += part.value.length;
        this.#dropBeginning();
      }
    } catch {
      // A stream that breaks has ended: what counts is the exit status.
    }
  }

  #dropBeginning(): void {
    for (let [first] = this.#chunks; first !== undefined; [first] = this.#chunks) {
      if (this.#length - first.length < this.#bytesMax) return;
      this.#chunks.shift();
      this.#length -= first.length;
    }
  }
}
