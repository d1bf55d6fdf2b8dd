/**
 * Listens on a Unix socket and hands each connection on as a stream.
 *
 * The runtime's own listener is used, not that of node:net: in Deno 2.9.3 node:net closes the
 * descriptor of a Unix socket twice, and what another thread opens between the two is closed under
 * it. A process that also holds devices must not do that.
 */
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";

/** A socket that takes connections until it is closed. */
export interface UnixListener {
  /** Takes no more connections; those that are there live on. */
  close(): void;
}

/** A kubelet and a handful of sidecars connect; far more is a mistake, or malice. */
const CONNECTIONS_MAX = 256;
const ACCEPT_AGAIN_MS = 100;
const READ_BYTES = 64 * 1024;

/**
 * Binds `path` and calls `accept` for every connection.
 * @throws {Error} of the runtime when the path cannot be bound
 */
export function listenUnix(path: string, accept: (connection: Duplex) => void): UnixListener {
  const listener = Deno.listen({ transport: "unix", path });
  void acceptAll(listener, accept);
  return { close: () => listener.close() };
}

async function acceptAll(
  listener: Deno.UnixListener,
  accept: (connection: Duplex) => void,
): Promise<void> {
  let open = 0;
  while (true) {
    const connection = await nextOf(listener);
    if (connection === undefined) return;
    if (open >= CONNECTIONS_MAX) {
      connection.close();
      continue;
    }
    open++;
    const stream = new ConnectionStream(connection);
    // A connection that breaks is the client's affair; its calls end with it.
    stream.on("error", () => {});
    stream.once("close", () => open--);
    accept(stream);
  }
}

/** The next connection; undefined once the listener is closed. */
async function nextOf(listener: Deno.UnixListener): Promise<Deno.UnixConn | undefined> {
  while (true) {
    try {
      return await listener.accept();
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return undefined;
      if (error instanceof Deno.errors.Interrupted) return undefined;
      // Out of descriptors, most likely: those who wait are taken when some are free again.
      await new Promise((resolve) => setTimeout(resolve, ACCEPT_AGAIN_MS));
    }
  }
}

/** A connection of the runtime as a stream of Node's, which the HTTP/2 server takes. */
class ConnectionStream extends Duplex {
  readonly #connection: Deno.UnixConn;
  readonly #buffer = new Uint8Array(READ_BYTES);

  constructor(connection: Deno.UnixConn) {
    super({ allowHalfOpen: false });
    this.#connection = connection;
  }

  override _read(): void {
    this.#connection.read(this.#buffer).then(
      (length) => this.push(length === null ? null : Buffer.from(this.#buffer.slice(0, length))),
      (error: Error) => this.destroy(error),
    );
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    this.#writeAll(chunk).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    try {
      this.#connection.close();
    } catch (failure) {
      // The runtime closes it itself when the other side went away in the middle of a read.
      if (!(failure instanceof Deno.errors.BadResource)) throw failure;
    }
    done(error);
  }

  async #writeAll(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) at += await this.#connection.write(chunk.subarray(at));
  }
}
