/** One SSH connection to a box: dialled with a deadline, one command at a time, closed for sure. */
import { connect } from "node:net";
import type { Socket } from "node:net";
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";
// @ts-types="@types/ssh2"
import type { Algorithms, Client, ClientChannel } from "ssh2";
import type { ClientKey } from "./client_key.ts";
import { abortReason } from "./deadline.ts";
import { fingerprintOf, isPinned } from "./host_keys.ts";
import type { HostKeyPin } from "./host_keys.ts";

/** Where to dial, as whom, and whom to expect there. */
export interface DialTarget {
  /** A host name or an IPv4 or IPv6 literal. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly key: ClientKey;
  /** The host keys accepted; at least one. */
  readonly hostKeys: readonly HostKeyPin[];
}

/** How a command ended. `output` is all that arrived, as text. */
export type ExecEnd =
  /** The box closed the channel in order. */
  | { readonly kind: "closed"; readonly output: string }
  /** The connection was lost, or we dropped it; the command may still run. */
  | { readonly kind: "lost"; readonly output: string; readonly reason: string };

/** The box showed a host key that is not pinned. */
export class HostKeyError extends Error {
  readonly shown: HostKeyPin;
  /** @param pins the keys that were expected */
  constructor(shown: HostKeyPin, pins: readonly HostKeyPin[]) {
    super(`it shows host key ${shown}, and pinned is ${pins.join(", ")}`);
    this.name = "HostKeyError";
    this.shown = shown;
  }
}

/** The box took the connection and refused the login. */
export class LoginError extends Error {
  /** @param user who was refused */
  constructor(user: string) {
    super(`it refuses the login of user "${user}" with our key`);
    this.name = "LoginError";
  }
}

const TCP_KEEPALIVE_MS = 15_000;
const ALGORITHMS: Algorithms = {
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
  ],
  cipher: [
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
  ],
  serverHostKey: ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"],
  hmac: [
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
  ],
  compress: ["none"],
};

/** A connection that is logged in. */
export class Connection {
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #gone = new AbortController();
  #isBusy = false;

  /** For {@link dial} alone. */
  constructor(client: Client, socket: Socket) {
    this.#client = client;
    this.#socket = socket;
    client.on("error", (error) => this.drop(error.message));
    client.on("close", () => this.drop("the connection was closed"));
    socket.on("close", () => this.drop("the connection was closed"));
  }

  /** Aborts, with the reason as text, when the connection is gone. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /**
   * Runs one command line to its end. A connection whose command was aborted, or said more than
   * `bytesMax`, is dropped: the command may still run, and its output must not meet the next one.
   * @throws {Error} when a command is running already.
   */
  exec(line: string, bytesMax: number, signal: AbortSignal): Promise<ExecEnd> {
    if (this.#isBusy) throw new Error("Cannot run a command: the connection has one running");
    this.#isBusy = true;
    return new Promise<ExecEnd>((resolve) => {
      const chunks: Buffer[] = [];
      let byteCount = 0;
      const listening = new AbortController();
      const end = (reason: string | undefined): void => {
        if (listening.signal.aborted) return;
        listening.abort();
        this.#isBusy = false;
        const output = Buffer.concat(chunks).toString("utf8");
        resolve(
          reason === undefined ? { kind: "closed", output } : { kind: "lost", output, reason },
        );
      };
      const take = (chunk: Buffer): void => {
        byteCount += chunk.length;
        if (byteCount > bytesMax) this.drop(`the box sent more than ${bytesMax} bytes`);
        else chunks.push(chunk);
      };
      const abort = (): void => this.drop(abortReason(signal));
      onAbort(this.gone, listening.signal, () => end(String(this.gone.reason)));
      onAbort(signal, listening.signal, abort);
      if (!listening.signal.aborted) this.#open(line, take, end);
    });
  }

  /** Ends the connection in order, or by force when the box does not answer before `signal`. */
  async close(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      onAbort(this.gone, undefined, resolve);
      onAbort(signal, undefined, resolve);
      this.#client.end();
    });
    this.drop("the connection was closed");
  }

  /** Ends the connection at once. */
  drop(reason: string): void {
    if (this.#gone.signal.aborted) return;
    this.#gone.abort(reason);
    this.#socket.destroy();
    this.#client.destroy();
  }

  #open(line: string, take: (chunk: Buffer) => void, end: (reason?: string) => void): void {
    this.#client.exec(line, (error, channel) => {
      if (error !== undefined) {
        this.drop(`the box refused a command channel: ${error.message}`);
        return;
      }
      listen(channel, take, end);
    });
  }
}

/**
 * Dials and logs in.
 * @throws {HostKeyError} when the host key is not pinned.
 * @throws {LoginError} when the login is refused.
 * @throws {Error} for anything else, `signal` included.
 */
export async function dial(target: DialTarget, signal: AbortSignal): Promise<Connection> {
  signal.throwIfAborted();
  const socket = connect({ host: target.address, port: target.port });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
  const client = new ssh2.Client();
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error): void => reject(error);
      onAbort(signal, undefined, () => fail(new Error(abortReason(signal))));
      socket.once("error", fail);
      socket.once("close", () => fail(new Error("the connection was closed")));
      socket.once("connect", () => handshake(client, socket, target, fail, resolve));
    });
    return new Connection(client, socket);
  } catch (error) {
    socket.on("error", () => {});
    client.on("error", () => {});
    socket.destroy();
    client.destroy();
    throw error;
  }
}

function handshake(
  client: Client,
  socket: Socket,
  target: DialTarget,
  fail: (error: Error) => void,
  succeed: () => void,
): void {
  const { hostKeys, user, key } = target;
  client.once("ready", succeed);
  client.on("error", (error) => {
    fail(error.level === "client-authentication" ? new LoginError(user) : error);
  });
  client.once("close", () => fail(new Error("the connection was closed")));
  client.connect({
    sock: socket,
    username: user,
    algorithms: ALGORITHMS,
    keepaliveInterval: 0,
    readyTimeout: 0,
    authHandler: ["publickey"],
    privateKey: key.text,
    ...(key.passphrase === undefined ? {} : { passphrase: key.passphrase }),
    hostVerifier: (blob: Buffer): boolean => {
      const shown = fingerprintOf(blob);
      if (isPinned(hostKeys, shown)) return true;
      fail(new HostKeyError(shown, hostKeys));
      return false;
    },
  });
}

function listen(
  channel: ClientChannel,
  take: (chunk: Buffer) => void,
  end: (reason?: string) => void,
): void {
  channel.on("data", take);
  channel.stderr.on("data", take);
  channel.on("error", () => {});
  channel.on("close", () => end());
}

/** Calls `act` when `signal` aborts, or at once when it has; `until` ends the listening. */
function onAbort(signal: AbortSignal, until: AbortSignal | undefined, act: () => void): void {
  if (signal.aborted) return act();
  signal.addEventListener("abort", act, {
    once: true,
    ...(until === undefined ? {} : { signal: until }),
  });
}
