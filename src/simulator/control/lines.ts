import { Buffer } from "node:buffer";

/** Splits a stream of bytes into lines, without the line ends; bounded. */
export class LineSplitter {
  readonly #maxBytes: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Adds bytes and gives the lines they complete.
   * @throws {RangeError} when a line grows over the limit.
   */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#keep(chunk.subarray(start, end));
      lines.push(Buffer.concat(this.#waiting).toString("utf8"));
      this.#waiting = [];
      this.#waitingBytes = 0;
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
    return lines;
  }

  #keep(part: Buffer): void {
    this.#waitingBytes += part.length;
    if (this.#waitingBytes > this.#maxBytes) {
      throw new RangeError(`Cannot read line: it is longer than ${this.#maxBytes} bytes`);
    }
    if (part.length > 0) this.#waiting.push(part);
  }
}
