/** A plain SSH client for tests: connects over its own no-delay socket and runs single commands. */
import type { Buffer } from "node:buffer";
import { connect as connectSocket, type Socket } from "node:net";
// @ts-types="@types/ssh2"
import { Client, type ConnectConfig } from "ssh2";

/** Nothing in these tests takes longer than this; a test that waits longer has failed. */
const DEADLINE_MS = 15_000;

/** What one command gave. `exitStatus` is undefined when none came. */
export interface ExecResult {
  readonly output: string;
  readonly exitStatus: number | undefined;
}

/** How to log in. */
export interface Login {
  readonly port: number;
  readonly username?: string;
  readonly privateKey?: string;
  readonly password?: string;
  /** Called with the host key's blob; the connection fails when it is not accepted. */
  readonly acceptHostKey?: (blob: Buffer) => boolean;
}

/** One SSH connection. */
export class SshConnection implements AsyncDisposable {
  readonly client: Client;
  readonly socket: Socket;

  private constructor(client: Client, socket: Socket) {
    this.client = client;
    this.socket = socket;
  }

  /** Connects and logs in. @throws {Error} when that fails. */
  static async open(login: Login): Promise<SshConnection> {
    const socket = connectSocket(login.port, "127.0.0.1");
    socket.setNoDelay(true);
    const client = new Client();
    const ready = new Promise<void>((resolve, reject) => {
      client.once("ready", resolve);
      client.once("error", reject);
      client.once("close", () => reject(new Error("connection closed before it was ready")));
      // The raw socket reports a reset that ssh2 swallows before the handshake.
      socket.once("error", reject);
    });
    client.on("error", () => {});
    client.connect(configOf(login, socket));
    await inTime(ready, "log in");
    return new SshConnection(client, socket);
  }

  /** Runs one command. @throws {Error} when the connection ends before the channel does. */
  exec(line: string): Promise<ExecResult> {
    const { promise, resolve, reject } = Promise.withResolvers<ExecResult>();
    const chunks: string[] = [];
    let exitStatus: number | undefined;
    const lost = (): void => reject(new LostConnection(chunks.join("")));
    this.client.once("close", lost);
    this.client.exec(line, (error, channel) => {
      if (error !== undefined) return reject(error);
      channel.setEncoding("utf8");
      channel.on("data", (text: string) => chunks.push(text));
      channel.on("exit", (status: number) => exitStatus = status);
      // The channel also closes when the connection is lost, a turn before the client does.
      channel.on("close", () => {
        if (this.socket.destroyed || this.socket.readableEnded) return lost();
        resolve({ output: chunks.join(""), exitStatus });
      });
    });
    return inTime(promise, `run "${line}"`).finally(() => this.client.off("close", lost));
  }

  /** Drops the connection without a good-bye. */
  drop(): void {
    this.socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.socket.once("close", () => resolve()));
    if (this.socket.closed) return;
    this.client.end();
    this.socket.destroy();
    await closed;
  }
}

/** The connection ended while a command ran; `output` is what had arrived. */
export class LostConnection extends Error {
  readonly output: string;
  constructor(output: string) {
    super(`connection lost after ${output.length} characters`);
    this.output = output;
  }
}

/** `promise`, or a failure when it takes too long. */
export async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`could not ${what} in time`)), DEADLINE_MS);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until `condition` holds: for what nothing tells of. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error("it did not come to that in time");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function configOf(login: Login, sock: Socket): ConnectConfig {
  const config: ConnectConfig = {
    sock,
    username: login.username ?? "admin",
    keepaliveInterval: 0,
    hostVerifier: (blob: Buffer) => login.acceptHostKey?.(blob) ?? true,
  };
  if (login.privateKey !== undefined) config.privateKey = login.privateKey;
  if (login.password !== undefined) config.password = login.password;
  return config;
}
