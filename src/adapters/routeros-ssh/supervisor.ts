/** Keeps one connection to a box up for ever, and says at once when it is not. */
import { StorageError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Observe } from "../../ports/events.ts";
import type { Random } from "../../ports/random.ts";
import { dial, HostKeyError, LoginError } from "./connection.ts";
import type { Connection, DialTarget } from "./connection.ts";
import { abortReason, within } from "./deadline.ts";

/** What a supervisor needs. */
export interface SupervisorOptions {
  /** The name of the box in events and messages. */
  readonly name: string;
  readonly target: DialTarget;
  /** For dialling, logging in and the probe together. */
  readonly dialMs: number;
  /** For an orderly end. */
  readonly closeMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: Observe;
  /** Looks at the box on a new connection; when it throws, the connection is of no use. */
  readonly probe: (connection: Connection, signal: AbortSignal) => Promise<void>;
}

type State =
  | { readonly kind: "connecting" }
  | { readonly kind: "up"; readonly connection: Connection }
  | { readonly kind: "down"; readonly error: StorageError }
  | { readonly kind: "closed" };

const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 15_000;

/** One supervised connection. */
export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #state: State = { kind: "connecting" };
  #changed = Promise.withResolvers<void>();

  /** Starts to connect, in the background. */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Whether the connection is up. */
  get isUp(): boolean {
    return this.#state.kind === "up" && !this.#state.connection.gone.aborted;
  }

  /**
   * The connection. Waits while the first attempt after a loss runs, and not at all while the box
   * is known to be down.
   * @throws {StorageError} why there is none: `unavailable`, or `not-ready` when it is no use to
   * try again before somebody has changed something.
   */
  async connection(signal: AbortSignal): Promise<Connection> {
    while (true) {
      if (signal.aborted) throw this.#failure("unavailable", abortReason(signal));
      const state = this.#state;
      switch (state.kind) {
        case "up":
          if (!state.connection.gone.aborted) return state.connection;
          await this.#change(signal);
          break;
        case "connecting":
          await this.#change(signal);
          break;
        case "down":
          throw new StorageError(state.error.code, state.error.message, { cause: state.error });
        case "closed":
          throw this.#failure("unavailable", "the driver is stopping");
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const state = this.#state;
    this.#closing.abort(new Error("the driver is stopping"));
    if (state.kind === "up") {
      const { clock, closeMs } = this.#options;
      const never = new AbortController().signal;
      await within(clock, closeMs, "closing", never, (bounded) => state.connection.close(bounded));
    }
    await this.#running;
    this.#enter({ kind: "closed" });
  }

  async #run(): Promise<void> {
    const stop = this.#closing.signal;
    for (let attempt = 1; !stop.aborted; attempt++) {
      const found = await this.#connect();
      if (stop.aborted) {
        if (!(found instanceof StorageError)) found.drop("the driver is stopping");
        return;
      }
      if (found instanceof StorageError) {
        await this.#pause(found, attempt);
        continue;
      }
      this.#enter({ kind: "up", connection: found });
      this.#options.observe({ kind: "session-opened", array: this.#options.name, attempt });
      await aborted(found.gone);
      this.#lost(String(found.gone.reason));
      attempt = 0;
    }
  }

  async #connect(): Promise<Connection | StorageError> {
    const { clock, dialMs, target, probe } = this.#options;
    let connection: Connection | undefined;
    try {
      return await within(clock, dialMs, "connecting", this.#closing.signal, async (bounded) => {
        connection = await dial(target, bounded);
        await probe(connection, bounded);
        return connection;
      });
    } catch (error) {
      connection?.drop("the box cannot be used");
      return this.#explain(error);
    }
  }

  async #pause(error: StorageError, attempt: number): Promise<void> {
    const { clock, random, observe, name } = this.#options;
    const most = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(attempt, 16));
    const retryInMs = Math.round(most * (0.5 + random() / 2));
    observe({ kind: "session-lost", array: name, reason: error.message, retryInMs });
    this.#enter({ kind: "down", error });
    await clock.sleep(retryInMs, this.#closing.signal).catch(() => {});
    // Calls go on failing at once while a box that was down is tried again.
  }

  #lost(reason: string): void {
    if (this.#closing.signal.aborted) return;
    this.#options.observe({
      kind: "session-lost",
      array: this.#options.name,
      reason,
      retryInMs: 0,
    });
    this.#enter({ kind: "connecting" });
  }

  #explain(error: unknown): StorageError {
    if (error instanceof StorageError) return error;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof HostKeyError) {
      const { name, target, observe } = this.#options;
      observe({
        kind: "host-key-refused",
        array: name,
        pinned: target.hostKeys,
        shown: error.shown,
      });
      return this.#failure("not-ready", message, error);
    }
    return this.#failure(error instanceof LoginError ? "not-ready" : "unavailable", message, error);
  }

  #failure(code: "unavailable" | "not-ready", why: string, cause?: unknown): StorageError {
    const { name, target } = this.#options;
    const place = `${target.address} port ${target.port}`;
    return new StorageError(code, `Cannot use array "${name}" at ${place}: ${why}`, { cause });
  }

  #enter(state: State): void {
    this.#state = state;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  #change(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const abort = (): void => aborted.resolve();
    signal.addEventListener("abort", abort, { once: true });
    return Promise.race([this.#changed.promise, aborted.promise]).finally(() => {
      signal.removeEventListener("abort", abort);
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
