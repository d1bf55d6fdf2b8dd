import type { Socket } from "node:net";

/** One TCP connection to a client, and the ways in which it can end. */
export class Link {
  readonly #socket: Socket;
  readonly #gone = new AbortController();
  #frozen = false;

  /** Takes the socket over: no Nagle delay, errors end the link. */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => this.#gone.abort());
    socket.once("close", () => this.#gone.abort());
  }

  /** Aborts when the connection is over, whoever ended it. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether nothing is read or written any more although the connection is open. */
  get isFrozen(): boolean {
    return this.#frozen;
  }

  /** Resets the connection: the client sees `ECONNRESET`, and what was not sent is lost. */
  reset(): void {
    this.#gone.abort();
    this.#socket.resetAndDestroy();
  }

  /** Sends what was written, then drops the connection without an SSH good-bye. */
  dropAfterSending(): void {
    this.#socket.destroySoon();
  }

  /** Stops reading and writing, as if a cable was pulled; the client gets no sign of it. */
  freeze(): void {
    this.#frozen = true;
    this.#socket.pause();
    this.#socket.cork();
  }
}
