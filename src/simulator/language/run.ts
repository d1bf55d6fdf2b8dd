/** One line while it runs: its variables, its output, and the bounds it must keep. */
import { Buffer } from "node:buffer";
import type { Row, Session } from "../menu.ts";
import { ConsoleInterrupted } from "./failures.ts";
import type { ArrayValue, Value } from "./values.ts";

/** A result that is there already, or will be: only menus, `:delay` and long loops wait. */
export type Eventually<T> = T | Promise<T>;

/** A piece of the line, ready to be evaluated. */
export type Evaluator = (run: Run) => Eventually<Value>;

/** What a line may use up, and where its effects go. */
export interface RunOptions {
  /** Takes the output; lines end `\n`. */
  readonly print: (text: string) => void;
  /** Called when the line ended in an error, which was printed. */
  readonly onFailure?: (() => void) | undefined;
  /** Ends the line with `interrupted`: waits, calls of menus and loops look at it. */
  readonly signal?: AbortSignal | undefined;
  /** The global variables of the session; they outlive the line. */
  readonly globals?: Map<string, Value> | undefined;
  /** Rounds of all loops together; 1,000,000 when absent. */
  readonly maxIterations?: number | undefined;
  /** Bytes of output; 64 MiB when absent. */
  readonly maxOutputBytes?: number | undefined;
  /** Waits; must end early when the signal is aborted. The default uses a timer. */
  readonly sleep?: ((milliseconds: number, signal?: AbortSignal) => Promise<void>) | undefined;
  /** A clock for `:time`, in milliseconds. */
  readonly monotonicMs?: (() => number) | undefined;
  /** Takes what `:log` writes. */
  readonly log?: ((level: string, message: string) => void) | undefined;
}

/** Loops let other work of the process run after so many rounds. */
const ITERATIONS_PER_TURN = 16_384;
const DEFAULT_MAX_ITERATIONS = 1_000_000;
const DEFAULT_MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** The state of one line. */
export class Run {
  readonly session: Session;
  readonly options: RunOptions;
  readonly globals: Map<string, Value>;
  readonly locals: Value[];
  /** The row a condition is looking at, and the values of its commands. */
  row: Row | undefined = undefined;
  hoisted: readonly Value[] = [];
  readonly #owned = new WeakSet<ArrayValue>();
  #iterations = 0;
  readonly #maxIterations: number;
  #outputBytesLeft: number;

  constructor(session: Session, options: RunOptions, slotCount: number) {
    this.session = session;
    this.options = options;
    this.globals = options.globals ?? new Map();
    this.locals = new Array<Value>(slotCount).fill(undefined);
    this.#maxIterations = options.maxIterations ?? DEFAULT_MAX_ITERATIONS;
    this.#outputBytesLeft = options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
  }

  /** Writes to the channel. @throws {ConsoleInterrupted} when the bound of the output is reached. */
  print(text: string): void {
    this.#outputBytesLeft -= Buffer.byteLength(text);
    if (this.#outputBytesLeft < 0) throw new ConsoleInterrupted();
    this.options.print(text);
  }

  /** Counts a round of a loop; now and then a promise, so that the process stays responsive. */
  tick(): Eventually<void> {
    this.#iterations += 1;
    if (this.#iterations > this.#maxIterations) throw new ConsoleInterrupted();
    this.checkSignal();
    if (this.#iterations % ITERATIONS_PER_TURN === 0) return nextTurn();
  }

  /** @throws {ConsoleInterrupted} when the caller left. */
  checkSignal(): void {
    if (this.options.signal?.aborted === true) throw new ConsoleInterrupted();
  }

  /** The promise, or an interruption when the signal comes first. */
  abortable<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this.options;
    if (signal === undefined) return promise;
    const { promise: interrupted, reject } = Promise.withResolvers<never>();
    const interrupt = (): void => reject(new ConsoleInterrupted());
    if (signal.aborted) interrupt();
    signal.addEventListener("abort", interrupt, { once: true });
    return Promise.race([promise, interrupted])
      .finally(() => signal.removeEventListener("abort", interrupt));
  }

  /**
   * An array that `:set ($a->"k")` may change in place: the given one when nothing else can see it,
   * or a copy. Variables have values, not references, and a copy per element would be quadratic.
   */
  own(array: ArrayValue): ArrayValue {
    if (this.#owned.has(array)) return array;
    const copy: ArrayValue = {
      type: "array",
      items: [...array.items],
      entries: new Map(array.entries),
    };
    this.#owned.add(copy);
    return copy;
  }

  /** Notes that a value can now be seen from a second place. */
  share(value: Value): Value {
    if (typeof value === "object" && value !== null && value.type === "array") {
      this.#owned.delete(value);
    }
    return value;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Goes on with a result, at once when it is there. */
export function chain<T, U>(
  value: Eventually<T>,
  next: (value: T) => Eventually<U>,
): Eventually<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Evaluates in order; a promise only when one of the values is. */
export function evaluateAll(run: Run, evaluators: readonly Evaluator[]): Eventually<Value[]> {
  const values: Value[] = [];
  for (let index = 0; index < evaluators.length; index++) {
    const value = evaluators[index]?.(run);
    if (value instanceof Promise) return finishAll(run, evaluators, values, value);
    values.push(value);
  }
  return values;
}

async function finishAll(
  run: Run,
  evaluators: readonly Evaluator[],
  values: Value[],
  pending: Promise<Value>,
): Promise<Value[]> {
  values.push(await pending);
  for (const evaluate of evaluators.slice(values.length)) values.push(await evaluate(run));
  return values;
}

/** Repeats until a round says false; stays synchronous as long as the rounds are. */
export function repeat(round: () => Eventually<boolean>): Eventually<void> {
  for (;;) {
    const goesOn = round();
    if (goesOn instanceof Promise) return repeatLater(goesOn, round);
    if (!goesOn) return;
  }
}

async function repeatLater(
  pending: Promise<boolean>,
  round: () => Eventually<boolean>,
): Promise<void> {
  let goesOn = await pending;
  while (goesOn) {
    const next = round();
    goesOn = next instanceof Promise ? await next : next;
  }
}

/** Evaluates; what it throws, now or later, goes to `recover`. */
export function attempt<T>(
  evaluate: () => Eventually<T>,
  recover: (error: unknown) => Eventually<T>,
): Eventually<T> {
  try {
    const value = evaluate();
    return value instanceof Promise ? value.catch(recover) : value;
  } catch (error) {
    return recover(error);
  }
}
