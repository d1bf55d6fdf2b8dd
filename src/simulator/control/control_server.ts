import { chmod, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { Buffer } from "node:buffer";
import {
  type ControlAnswer,
  type ControlRequest,
  type ControlResults,
  MAX_CONTROL_LINE_BYTES,
  parseRequest,
} from "./protocol.ts";
import { LineSplitter } from "./lines.ts";

/** Carries out one request. */
export type HandleRequest = (
  request: ControlRequest,
) => Promise<ControlResults[keyof ControlResults]>;

/** The longest path of a Unix socket on Linux (and a few bytes less on others). */
export const MAX_SOCKET_PATH_BYTES = 103;

const MAX_CONNECTIONS = 32;

/** Listens on a Unix socket (mode 0600) for requests of tests, tools and people. */
export class ControlServer implements AsyncDisposable {
  readonly #listener: Server;
  readonly #handle: HandleRequest;
  readonly #sockets = new Set<Socket>();

  private constructor(handle: HandleRequest) {
    this.#handle = handle;
    this.#listener = createServer((socket) => this.#serve(socket));
    this.#listener.maxConnections = MAX_CONNECTIONS;
  }

  /**
   * Listens on `path`; a socket left over there is replaced.
   * @throws {RangeError} when the path is too long for a socket.
   */
  static async start(path: string, handle: HandleRequest): Promise<ControlServer> {
    if (!isSocketPath(path)) {
      throw new RangeError(
        `Cannot listen on "${path}": the path of a socket has at most ${MAX_SOCKET_PATH_BYTES} bytes`,
      );
    }
    const server = new ControlServer(handle);
    await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.#listener.once("error", reject);
      server.#listener.listen(path, () => resolve());
    });
    await chmod(path, 0o600);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#listener.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    const splitter = new LineSplitter(MAX_CONTROL_LINE_BYTES);
    let last: Promise<void> = Promise.resolve();
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      for (const line of this.#split(splitter, chunk, socket)) {
        if (line.trim() !== "") last = last.then(() => this.#answer(line, socket));
      }
    });
  }

  #split(splitter: LineSplitter, chunk: Buffer, socket: Socket): string[] {
    try {
      return splitter.push(chunk);
    } catch (error) {
      socket.end(encode({ ok: false, error: messageOf(error) }));
      return [];
    }
  }

  async #answer(line: string, socket: Socket): Promise<void> {
    const answer = await this.#run(line);
    if (socket.writable) socket.write(encode(answer));
  }

  async #run(line: string): Promise<ControlAnswer> {
    try {
      return { ok: true, result: await this.#handle(parseRequest(line)) };
    } catch (error) {
      return { ok: false, error: messageOf(error) };
    }
  }
}

/** Whether `path` is short enough for a Unix socket. */
export function isSocketPath(path: string): boolean {
  return new TextEncoder().encode(path).length <= MAX_SOCKET_PATH_BYTES;
}

function encode(answer: ControlAnswer): string {
  return JSON.stringify(answer) + "\n";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
