import type { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import type { Fault, Violation } from "../faults.ts";
import type { ExportState } from "../nvmet/exporter.ts";
import type { Counters } from "../server/command_log.ts";
import type { Latency } from "../server/latency.ts";
import { LineSplitter } from "./lines.ts";
import {
  type CommandList,
  type CommandQuery,
  type ControlAnswer,
  type ControlResults,
  MAX_CONTROL_LINE_BYTES,
  type SimulatorStatus,
} from "./protocol.ts";

/** How long one request may take, in milliseconds. */
const DEADLINE_MS = 30_000;

interface Pending {
  readonly resolve: (answer: ControlAnswer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A connection to the control socket of a simulator: for tests, the demo, benches and the command
 * line. Every method throws an `Error` with the simulator's words when it refuses, when the
 * connection is lost, or after 30 seconds.
 */
export class SimulatorControl implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #splitter = new LineSplitter(MAX_CONTROL_LINE_BYTES);
  readonly #pending: Pending[] = [];
  #failure: Error | undefined;

  private constructor(socket: Socket, path: string) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.once("close", () => this.#fail(new Error(`the control socket ${path} was closed`)));
  }

  /** Connects to the socket at `path`. */
  static async connect(path: string): Promise<SimulatorControl> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (error) => {
        reject(
          new Error(`Cannot connect to control socket "${path}": ${error.message}`, {
            cause: error,
          }),
        );
      });
    });
    return new SimulatorControl(socket, path);
  }

  /** Adds a fault; gives all that wait now. */
  addFault(fault: Fault): Promise<readonly Fault[]> {
    return this.#request("add", fault);
  }

  /** Removes every fault; gives what had still waited. */
  clearFaults(): Promise<readonly Fault[]> {
    return this.#request("clear", true);
  }

  /** Changes the latency of some classes, in milliseconds; gives that of all. */
  setLatency(latency: Partial<Latency>): Promise<Latency> {
    return this.#request("latency", latency);
  }

  /** What the box recorded that must never happen. */
  violations(): Promise<readonly Violation[]> {
    return this.#request("violations", true);
  }

  /** The state of the simulator. */
  status(): Promise<SimulatorStatus> {
    return this.#request("status", true);
  }

  /** Reboots the box; connections are refused for `seconds`. Returns when it is down. */
  async reboot(seconds: number): Promise<void> {
    await this.#request("reboot", { seconds });
  }

  /** The last commands (50 by default), or those after a sequence number. */
  commands(query: Partial<CommandQuery> = {}): Promise<CommandList> {
    return this.#request("commands", query);
  }

  /** The sums since the start. */
  counters(): Promise<Counters> {
    return this.#request("counters", true);
  }

  /** The exports in the kernel; none when the simulator makes no real ones. */
  exports(): Promise<readonly ExportState[]> {
    return this.#request("exports", true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return;
    const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.destroy();
    await closed;
  }

  async #request<K extends keyof ControlResults>(
    name: K,
    value: unknown,
  ): Promise<ControlResults[K]> {
    const answer = await this.#exchange(JSON.stringify({ [name]: value }) + "\n");
    if (!answer.ok) throw new Error(`The simulator refused "${name}": ${answer.error}`);
    return answer.result as ControlResults[K];
  }

  #exchange(line: string): Promise<ControlAnswer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<ControlAnswer>();
    const timer = setTimeout(() => {
      // Later answers would be taken for the wrong requests: the connection is of no use now.
      this.#socket.destroy(new Error(`no answer from the simulator within ${DEADLINE_MS} ms`));
    }, DEADLINE_MS);
    this.#pending.push({ resolve, reject });
    this.#socket.write(line);
    return promise.finally(() => clearTimeout(timer));
  }

  #receive(chunk: Buffer): void {
    for (const line of this.#splitter.push(chunk)) {
      this.#pending.shift()?.resolve(JSON.parse(line) as ControlAnswer);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const pending of this.#pending.splice(0)) pending.reject(this.#failure);
  }
}
