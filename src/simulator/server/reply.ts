import { Buffer } from "node:buffer";
// @ts-types="@types/ssh2"
import type { ServerChannel } from "ssh2";

/** Printed text is gathered to this size before it is sent. */
const CHUNK_BYTES = 32 * 1024;

/** The longest reply; a command that prints more is cut there. Bounds what a slow reader costs. */
export const MAX_REPLY_BYTES: number = 64 * 1024 * 1024;

const NEWLINE = /\r?\n/g;

/** The output of one command on its channel: CRLF line ends, cut after a limit. */
export class Reply {
  readonly #channel: ServerChannel;
  readonly #limitBytes: number;
  readonly #encoder = new TextEncoder();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #takenBytes = 0;
  #lost = false;

  /** `limitBytes` bytes reach the client, the rest is dropped. */
  constructor(channel: ServerChannel, limitBytes: number = MAX_REPLY_BYTES) {
    this.#channel = channel;
    this.#limitBytes = Math.min(limitBytes, MAX_REPLY_BYTES);
  }

  /** The bytes handed to the client. */
  get bytes(): number {
    return this.#takenBytes;
  }

  /** Whether something printed was dropped. */
  get isCut(): boolean {
    return this.#lost;
  }

  /** Adds text whose lines end `\n`. */
  print(text: string): void {
    const bytes = this.#encoder.encode(text.replaceAll(NEWLINE, "\r\n"));
    const taken = bytes.subarray(0, this.#limitBytes - this.#takenBytes);
    if (taken.length < bytes.length) this.#lost = true;
    if (taken.length === 0) return;
    this.#takenBytes += taken.length;
    this.#waitingBytes += taken.length;
    this.#waiting.push(taken);
    if (this.#waitingBytes >= CHUNK_BYTES) this.flush();
  }

  /** Sends what was gathered. */
  flush(): void {
    if (this.#waitingBytes > 0 && this.#channel.writable) {
      this.#channel.write(Buffer.concat(this.#waiting));
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** Sends the rest and ends the channel with `exitStatus`. */
  end(exitStatus: number): void {
    this.flush();
    if (!this.#channel.writable) return;
    this.#channel.exit(exitStatus);
    this.#channel.end();
  }
}
