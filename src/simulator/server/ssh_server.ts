import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type ConnectionSettings, serveConnection } from "./connection.ts";
import { type HostKey, newHostKey } from "./host_key.ts";
import { pause } from "./latency.ts";
import { Link } from "./link.ts";

/** What an SSH server needs. */
export interface SshServerOptions extends ConnectionSettings {
  /** The address to listen on. */
  readonly host: string;
  /** The port to listen on; 0 takes a free one. */
  readonly port: number;
  readonly hostKey: HostKey;
  /** Connections at the same time; more are reset. RouterOS's default is 20. */
  readonly maxSessions: number;
}

/** Links that are frozen hold no session; the oldest is reset when there are more than this. */
const MAX_FROZEN_LINKS = 64;

/** The SSH side of a box: accepts connections, and runs one command per exec request. */
export class SshServer implements AsyncDisposable {
  readonly #options: SshServerOptions;
  readonly #listener: Server;
  readonly #links = new Set<Link>();
  readonly #tasks = new Set<Promise<void>>();
  #down = new AbortController();
  #isUp = true;
  #wrongHostKey: HostKey | undefined;

  private constructor(options: SshServerOptions) {
    this.#options = options;
    this.#listener = createServer((socket) => this.#accept(socket));
  }

  /** Starts to listen. @throws {Error} when the address cannot be listened on. */
  static async start(options: SshServerOptions): Promise<SshServer> {
    const server = new SshServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#listener.once("error", reject);
      server.#listener.listen(options.port, options.host, () => resolve());
    });
    return server;
  }

  /** The port it listens on. */
  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** The connections that are open now. */
  get openConnections(): number {
    return this.#links.size;
  }

  /** Whether new connections are let in. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** The sessions allowed now. */
  get sessionLimit(): number {
    return this.#options.plan.sessionLimit ?? this.#options.maxSessions;
  }

  /** Resets every connection, stops every command, and lets nobody in until {@link goUp}. */
  async goDown(): Promise<void> {
    this.#isUp = false;
    this.#down.abort();
    for (const link of this.#links) link.reset();
    await Promise.allSettled(this.#tasks);
  }

  /** Lets connections in again. */
  goUp(): void {
    if (this.#isUp) return;
    this.#down = new AbortController();
    this.#isUp = true;
  }

  /** Waits until no command runs; commands that began later are waited for too. */
  async idle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.allSettled(this.#tasks);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goDown();
    await new Promise<void>((resolve) => this.#listener.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    const { log, plan } = this.#options;
    const link = new Link(socket);
    this.#links.add(link);
    link.gone.addEventListener("abort", () => this.#links.delete(link), { once: true });
    const fault = this.#isUp ? plan.strikeConnection() : undefined;
    if (!this.#isUp || fault?.kind === "refuse-connections" || this.#isFull()) {
      log.connections.refused += 1;
      return link.reset();
    }
    log.connections.taken += 1;
    const hostKey = fault?.kind === "wrong-host-key" ? this.#otherHostKey() : this.#options.hostKey;
    this.#track(this.#handshake(socket, link, hostKey));
  }

  async #handshake(socket: Socket, link: Link, hostKey: HostKey): Promise<void> {
    const down = this.#down.signal;
    await pause(this.#options.latency().handshake, AbortSignal.any([link.gone, down]));
    if (link.gone.aborted) return;
    serveConnection(socket, link, hostKey, down, this.#options, (task) => this.#track(task));
  }

  /** Whether the connection just added is one too many; makes room among the frozen ones. */
  #isFull(): boolean {
    const frozen = [...this.#links].filter((link) => link.isFrozen);
    if (frozen.length > MAX_FROZEN_LINKS) frozen[0]?.reset();
    return this.#links.size - frozen.length > this.sessionLimit;
  }

  #otherHostKey(): HostKey {
    this.#wrongHostKey ??= newHostKey(this.#options.hostKey.type);
    return this.#wrongHostKey;
  }

  #track(task: Promise<void>): void {
    this.#tasks.add(task);
    task.finally(() => this.#tasks.delete(task));
  }
}
