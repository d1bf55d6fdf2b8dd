/** Ways into a machine that stay the same while it is switched off and booted again. */
import { writeAll } from "./qmp.ts";

type Connection = Deno.TcpConn | Deno.UnixConn;

/** How long a connection into a machine may take. */
const CONNECT_MS = 10_000;
const BUFFER_BYTES = 64 * 1024;

/**
 * Hands connections to a Unix socket, or to a port of 127.0.0.1, on to a machine's forwarded port.
 * While the machine is off they end at once.
 */
export class Forward implements Disposable {
  readonly #listener: Deno.Listener<Connection>;
  readonly #portNow: () => number;
  readonly #open = new Set<Connection>();

  private constructor(listener: Deno.Listener<Connection>, portNow: () => number) {
    this.#listener = listener;
    this.#portNow = portNow;
    this.#accept();
  }

  /** Listens on a Unix socket. @param portNow the host's port that leads to the machine now; may throw */
  static onSocket(path: string, portNow: () => number): Forward {
    return new Forward(Deno.listen({ transport: "unix", path }), portNow);
  }

  /** Listens on a free port of 127.0.0.1. */
  static onPort(portNow: () => number): Forward {
    return new Forward(Deno.listen({ hostname: "127.0.0.1", port: 0 }), portNow);
  }

  /** The port. @throws {Error} for a Unix socket */
  get port(): number {
    const { addr } = this.#listener;
    if (addr.transport !== "tcp") throw new Error("Cannot give the port of a Unix socket");
    return addr.port;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#open) close(connection);
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) this.#serve(client);
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #serve(client: Connection): Promise<void> {
    this.#open.add(client);
    let machine: Connection | undefined;
    try {
      const signal = AbortSignal.timeout(CONNECT_MS);
      machine = await Deno.connect({ hostname: "127.0.0.1", port: this.#portNow(), signal });
      this.#open.add(machine);
      await Promise.all([copy(client, machine), copy(machine, client)]);
    } catch {
      // The machine is off, or one side went away: to the other side that is an end as well.
    } finally {
      for (const connection of machine === undefined ? [client] : [client, machine]) {
        this.#open.delete(connection);
        close(connection);
      }
    }
  }
}

/** Copies until the end of `from`, which it passes on. @throws {Error} when a side is gone */
async function copy(from: Connection, to: Connection): Promise<void> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (let count = await from.read(buffer); count !== null;) {
    await writeAll(to, buffer.subarray(0, count));
    count = await from.read(buffer);
  }
  await to.closeWrite();
}

function close(connection: Connection): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
