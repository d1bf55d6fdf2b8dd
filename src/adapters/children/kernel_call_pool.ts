/**
 * The port `KernelCalls`: workers that make the calls, started as needed and used again as long as
 * they answer in time. One that does not is killed and left behind, so that what hangs for one
 * volume costs the others nothing but a start.
 */
import { StorageError } from "../../domain/errors.ts";
import type {
  KernelCall,
  KernelCallKind,
  KernelCallOptions,
  KernelCalls,
  KernelResult,
} from "../../ports/kernel_calls.ts";
import { callLine, parseAnswer } from "./kernel_protocol.ts";
import type { WorkerAnswer } from "./kernel_protocol.ts";
import type { KernelWorker } from "./kernel_worker.ts";
import { Slots } from "./slots.ts";
import { waitFor } from "./wait.ts";
import type { WorkerStartOptions } from "./worker_start.ts";
import { WorkerSupply } from "./worker_supply.ts";

/** At most so many workers make calls at once; more calls wait for their turn. */
const WORKING_MAX = 16;
/** How long workers get to end by themselves when all is over. */
const CLOSE_MS = 2000;

/** What went wrong with a call that was not answered. */
type Unanswered = "late" | "aborted";

/** Makes kernel calls in worker processes. Disposing ends the idle ones. */
export class KernelCallPool implements KernelCalls, AsyncDisposable {
  readonly #options: WorkerStartOptions;
  readonly #slots: Slots;
  readonly #workers: WorkerSupply;

  constructor(options: WorkerStartOptions) {
    this.#options = options;
    this.#slots = new Slots(WORKING_MAX, options.clock);
    this.#workers = new WorkerSupply(options);
  }

  async call<Kind extends KernelCallKind>(
    call: KernelCall & { readonly kind: Kind },
    { deadlineMs, subject }: KernelCallOptions,
    signal: AbortSignal,
  ): Promise<KernelResult<Kind>> {
    const line = callLine(call);
    const task = { what: call.kind, subject };
    signal.throwIfAborted();
    const what = `run ${task.what} for ${subject}`;
    using _place = await this.#slots.take(what, deadlineMs, signal);
    this.#options.stuck.check(task);
    const worker = await this.#workers.take(what, signal);
    const startedMs = this.#options.clock.monotonicMs();
    const answer = await this.#answerOf(worker, line, deadlineMs, signal);
    if (answer === "late" || answer === "aborted") {
      const hasEnded = await this.#options.stuck.kill(worker.child, task, startedMs);
      await this.#workers.writeOff(worker);
      throw answer === "aborted" ? signal.reason : lateness(task, deadlineMs, hasEnded);
    }
    await this.#workers.giveBack(worker);
    // The worker is this same program, which answers each call by its type.
    return answer as KernelResult<Kind>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#workers.close();
    await waitFor(closed, CLOSE_MS, this.#options.clock, new AbortController().signal);
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
      await this.#workers.writeOff(worker);
      throw error;
    }
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
