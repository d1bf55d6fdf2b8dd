/**
 * The port `KernelCalls`: workers that make the calls, started as needed and used again as long as
 * they answer in time. One that does not is killed and left behind, so that what hangs for one
 * volume costs the others nothing but a start.
 */
import { StorageError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type {
  KernelCall,
  KernelCallKind,
  KernelCallOptions,
  KernelCalls,
  KernelResult,
} from "../../ports/kernel_calls.ts";
import { callLine, parseAnswer } from "./kernel_protocol.ts";
import type { WorkerAnswer } from "./kernel_protocol.ts";
import { KernelWorker } from "./kernel_worker.ts";
import type { Launcher } from "./launcher.ts";
import { Slots } from "./slots.ts";
import type { StuckChildren } from "./stuck_children.ts";
import { waitFor } from "./wait.ts";

/** What makes kernel calls. */
export interface KernelCallPoolOptions {
  /** The command line of a worker. */
  readonly worker: readonly string[];
  readonly launch: Launcher;
  readonly stuck: StuckChildren;
  readonly clock: Clock;
}

/** At most so many workers make calls at once; more calls wait for their turn. */
const WORKING_MAX = 16;
/** A worker that is not needed for so long ends: it holds memory. */
const IDLE_MS = 60_000;
/** A worker starts in 0.1 s, on a machine that is emulated in 1.5 s. */
const START_MS = 20_000;
/** How long workers get to end by themselves when all is over. */
const CLOSE_MS = 2000;

/** What went wrong with a call that was not answered. */
type Unanswered = "late" | "aborted";

/** Makes kernel calls in worker processes. Disposing ends the idle ones. */
export class KernelCallPool implements KernelCalls, AsyncDisposable {
  readonly #options: KernelCallPoolOptions;
  readonly #slots: Slots;
  /** At most one; it waits for the next call. */
  #idle: { readonly worker: KernelWorker; readonly timer: AbortController } | undefined;
  #isClosed = false;

  constructor(options: KernelCallPoolOptions) {
    this.#options = options;
    this.#slots = new Slots(WORKING_MAX, options.clock);
  }

  async call<Kind extends KernelCallKind>(
    call: KernelCall & { readonly kind: Kind },
    { deadlineMs, subject }: KernelCallOptions,
    signal: AbortSignal,
  ): Promise<KernelResult<Kind>> {
    const line = callLine(call);
    const task = { what: call.kind, subject };
    signal.throwIfAborted();
    using _place = await this.#slots.take(`run ${task.what} for ${subject}`, deadlineMs, signal);
    this.#options.stuck.check(task);
    const worker = this.#takeIdle() ?? await this.#start(task, signal);
    const startedMs = this.#options.clock.monotonicMs();
    const answer = await this.#answerOf(worker, line, deadlineMs, signal);
    if (answer === "late" || answer === "aborted") {
      const hasEnded = await this.#options.stuck.kill(worker.child, task, startedMs);
      await worker.release();
      throw answer === "aborted" ? signal.reason : lateness(task, deadlineMs, hasEnded);
    }
    await this.#keep(worker);
    // The worker is this same program, which answers each call by its type.
    return answer as KernelResult<Kind>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const worker = this.#takeIdle();
    if (worker === undefined) return;
    await worker.release();
    await waitFor(worker.ended, CLOSE_MS, this.#options.clock, new AbortController().signal);
  }

  async #answerOf(
    worker: KernelWorker,
    line: string,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<WorkerAnswer | Unanswered> {
    try {
      const asked = worker.ask(line).then(parseAnswer);
      const waited = await waitFor(asked, deadlineMs, this.#options.clock, signal);
      return waited.kind === "done" ? waited.value : waited.kind;
    } catch (error) {
      await worker.release();
      throw error;
    }
  }

  async #start(
    task: { readonly what: string; readonly subject: string },
    signal: AbortSignal,
  ): Promise<KernelWorker> {
    const { launch, worker: command, clock, stuck } = this.#options;
    const startedMs = clock.monotonicMs();
    const worker = new KernelWorker(launch, command);
    try {
      const waited = await waitFor(worker.greet(), START_MS, clock, signal);
      if (waited.kind === "done") return worker;
      // It has made no call: what it hangs in has nothing to do with the subject.
      await stuck.kill(worker.child, { what: "start of a worker", subject: "none" }, startedMs);
      if (waited.kind === "aborted") throw signal.reason;
      throw new StorageError(
        "unavailable",
        `Cannot run ${task.what} for ${task.subject}: its worker did not start in ` +
          `${START_MS / 1000} s`,
      );
    } catch (error) {
      await worker.release();
      throw error;
    }
  }

  /** The idle worker, if there is one that has not ended meanwhile. */
  #takeIdle(): KernelWorker | undefined {
    const idle = this.#idle;
    this.#idle = undefined;
    idle?.timer.abort();
    if (idle === undefined || idle.worker.isUsable) return idle?.worker;
    void idle.worker.release();
    return undefined;
  }

  /** Keeps a worker for the next call, unless another is kept already. */
  async #keep(worker: KernelWorker): Promise<void> {
    if (this.#idle !== undefined || this.#isClosed || !worker.isUsable) {
      await worker.release();
      return;
    }
    const timer = new AbortController();
    const idle = { worker, timer };
    this.#idle = idle;
    void this.#options.clock.sleep(IDLE_MS, timer.signal).then(() => {
      if (this.#idle !== idle) return;
      this.#idle = undefined;
      return worker.release();
    }, () => {}); // it was taken
  }
}

function lateness(
  { what, subject }: { readonly what: string; readonly subject: string },
  deadlineMs: number,
  hasEnded: boolean,
): StorageError {
  const outcome = hasEnded ? "was killed" : "hangs in the kernel";
  return new StorageError(
    "unavailable",
    `Cannot run ${what} for ${subject}: it did not return in ${deadlineMs / 1000} s and ${outcome}`,
  );
}
