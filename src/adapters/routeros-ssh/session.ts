/**
 * The conversation with one box: changes one at a time on a connection that is kept up, reads on a
 * small pool of their own, so that neither waits for the other.
 */
import { StorageError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Observe } from "../../ports/events.ts";
import type { Random } from "../../ports/random.ts";
import { dial, HostKeyError } from "./connection.ts";
import type { Connection, DialTarget } from "./connection.ts";
import { runStatements } from "./console.ts";
import type { CommandLimits, Outcome } from "./console.ts";
import { within } from "./deadline.ts";
import { Supervisor } from "./supervisor.ts";
import type { Script } from "./syntax.ts";
import { Turns } from "./turns.ts";

/** How long things may take, in milliseconds. */
export interface SessionTimeouts {
  /** Dial, login and probe. */
  readonly dialMs: number;
  /** One reading command. */
  readonly readMs: number;
  /** One changing command. */
  readonly changeMs: number;
  /** One changing command that copies data. */
  readonly copyMs: number;
  /** Waiting for a turn. */
  readonly queueMs: number;
  /** The orderly end of a connection. */
  readonly closeMs: number;
}

/** One command as it is sent, for those who count or show them. */
export interface SentCommand {
  readonly lane: "probe" | "read" | "change";
  readonly line: string;
}

/** What a session needs. */
export interface SessionOptions {
  readonly name: string;
  readonly target: DialTarget;
  readonly timeouts: SessionTimeouts;
  /** Connections for reads. */
  readonly readConnections: number;
  /** Commands that may wait for a turn, for reads and for changes each. */
  readonly waitingMax: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: Observe;
  readonly onExec: (sent: SentCommand) => void;
  /** Looks at the box when it was (re)connected; `ask` runs reading statements there. */
  readonly probe: (ask: Ask, signal: AbortSignal) => Promise<void>;
}

/** Runs statements and returns the lines they print. @throws {Refusal} @throws {StorageError} */
export type Ask = (
  statements: Script,
  what: string,
  signal: AbortSignal,
) => Promise<readonly string[]>;

/** A refusal by the box, before it is put into words: `text` is as the box said it. */
export class Refusal extends Error {
  readonly text: string;
  /** @param text what the box said */
  constructor(text: string) {
    super(text);
    this.name = "Refusal";
    this.text = text;
  }
}

const READ_TRIES = 2;
const CHANGE_TRIES = 4;
const RETRY_MS = 100;
const READ_BYTES_MAX = 16 * 1024 ** 2;
const CHANGE_BYTES_MAX = 1024 ** 2;

/** One box. */
export class Session implements AsyncDisposable {
  readonly #options: SessionOptions;
  readonly #supervisor: Supervisor;
  readonly #changes: Turns;
  readonly #reads: Turns;
  readonly #idle: Connection[] = [];
  #nonce = 0;

  /** Starts to connect, in the background. */
  constructor(options: SessionOptions) {
    const { clock, waitingMax, readConnections, timeouts, probe } = options;
    this.#options = options;
    const limits = { waitingMax, waitMs: timeouts.queueMs };
    this.#changes = new Turns({ ...limits, atOnce: 1 }, clock);
    this.#reads = new Turns({ ...limits, atOnce: readConnections }, clock);
    this.#supervisor = new Supervisor({
      ...options,
      dialMs: timeouts.dialMs,
      closeMs: timeouts.closeMs,
      probe: (connection, signal) =>
        probe((statements, what, asking) => {
          return this.#askOn(connection, statements, what, asking);
        }, signal),
    });
  }

  /** Whether the box is connected and was found usable. */
  get isUp(): boolean {
    return this.#supervisor.isUp;
  }

  /** Waits until the box is connected. @throws {StorageError} why it is not. */
  async ready(signal: AbortSignal): Promise<void> {
    await this.#supervisor.connection(signal);
  }

  /**
   * Runs statements that change nothing, and returns the lines they print. A lost connection is
   * replaced once.
   * @param what "Cannot <verb> <what>", for the message of a failure
   * @throws {Refusal} when the box refused.
   * @throws {StorageError} `unavailable` when it did not answer.
   */
  async read(statements: Script, what: string, signal: AbortSignal): Promise<readonly string[]> {
    const { timeouts, name } = this.#options;
    const limits = { deadlineMs: timeouts.readMs, bytesMax: READ_BYTES_MAX };
    await this.#supervisor.connection(signal);
    for (let attempt = 1;; attempt++) {
      const outcome = await this.#reads.take(signal, async () => {
        const connection = await this.#readConnection(signal);
        const result = await this.#run("read", connection, statements, limits, signal);
        if (!connection.gone.aborted) this.#idle.push(connection);
        return result;
      });
      if (outcome.kind === "done") return outcome.lines;
      if (outcome.kind === "refused") throw new Refusal(outcome.text);
      if (signal.aborted || attempt === READ_TRIES) {
        throw unknown(what, name, outcome.reason);
      }
    }
  }

  /**
   * Runs statements that change the box, one caller at a time. They look before they change
   * anything and do nothing when it is done already. So when an outcome is unknown, sending them
   * again on a fresh connection re-reads the state and, in the same command, repeats the change if
   * and only if it did not happen: nothing can come between the look and the change.
   * @param kind what it is: one that copies, or a probe, may take longer
   * @throws {Refusal} when the box refused; nothing was changed, or it was undone.
   * @throws {StorageError} `unavailable` when the outcome stays unknown.
   */
  async change(
    statements: Script,
    what: string,
    signal: AbortSignal,
    kind: "change" | "copy" | "probe" = "change",
  ): Promise<readonly string[]> {
    const { name, observe, clock, random, timeouts } = this.#options;
    const deadlineMs = kind === "change" ? timeouts.changeMs : timeouts.copyMs;
    const limits = { deadlineMs, bytesMax: CHANGE_BYTES_MAX };
    const lane = kind === "probe" ? "probe" : "change";
    return await this.#changes.take(signal, async () => {
      for (let attempt = 1;; attempt++) {
        const connection = await this.#supervisor.connection(signal);
        const outcome = await this.#run(lane, connection, statements, limits, signal);
        if (outcome.kind === "done") return outcome.lines;
        if (outcome.kind === "refused") throw new Refusal(outcome.text);
        observe({ kind: "outcome-unknown", array: name, change: what.replace(/^Cannot /, "") });
        if (signal.aborted || attempt === CHANGE_TRIES) throw unknown(what, name, outcome.reason);
        const pauseMs = RETRY_MS * 2 ** (attempt - 1) * (0.5 + random() / 2);
        await clock.sleep(pauseMs, signal).catch(() => {});
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { clock, timeouts } = this.#options;
    await this.#supervisor[Symbol.asyncDispose]();
    const idle = this.#idle.splice(0);
    const never = new AbortController().signal;
    await within(clock, timeouts.closeMs, "closing", never, async (bounded) => {
      await Promise.all(idle.map((connection) => connection.close(bounded)));
    });
  }

  async #askOn(
    connection: Connection,
    statements: Script,
    what: string,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const limits = { deadlineMs: this.#options.timeouts.readMs, bytesMax: READ_BYTES_MAX };
    const outcome = await this.#run("probe", connection, statements, limits, signal);
    if (outcome.kind === "done") return outcome.lines;
    if (outcome.kind === "refused") throw new Refusal(outcome.text);
    throw unknown(what, this.#options.name, outcome.reason);
  }

  async #readConnection(signal: AbortSignal): Promise<Connection> {
    const { clock, timeouts, target, name, observe } = this.#options;
    const open = this.#idle.splice(0).filter((connection) => !connection.gone.aborted);
    const found = open.pop();
    this.#idle.push(...open);
    if (found !== undefined) return found;
    try {
      return await within(clock, timeouts.dialMs, "connecting", signal, (bounded) => {
        return dial(target, bounded);
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `Cannot use array "${name}" at ${target.address} port ${target.port}`;
      const isImpostor = error instanceof HostKeyError;
      if (isImpostor) {
        const { shown } = error;
        observe({ kind: "host-key-refused", array: name, pinned: target.hostKeys, shown });
      }
      const code = isImpostor ? "not-ready" : "unavailable";
      throw new StorageError(code, `${message}: ${reason}`, { cause: error });
    }
  }

  #run(
    lane: SentCommand["lane"],
    connection: Connection,
    statements: Script,
    limits: CommandLimits,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { clock, onExec } = this.#options;
    onExec({ lane, line: statements.text });
    return runStatements(connection, statements, this.#nextNonce(), limits, clock, signal);
  }

  /** A word that no output can hold by chance. */
  #nextNonce(): string {
    const draw = Math.floor(this.#options.random() * 2 ** 32);
    return `${draw.toString(36)}.${(this.#nonce++).toString(36)}`;
  }
}

function unknown(what: string, name: string, reason: string): StorageError {
  return new StorageError(
    "unavailable",
    `${what}: the outcome on array "${name}" is unknown: ${reason}`,
  );
}
