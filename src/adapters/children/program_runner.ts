/** The port `Programs`: tools of this machine as children with a deadline. */
import { basename } from "node:path";
import { StorageError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ProgramCall, ProgramEnd, Programs, StuckChild } from "../../ports/programs.ts";
import type { Child, Launcher } from "./launcher.ts";
import { Slots } from "./slots.ts";
import type { StuckChildren } from "./stuck_children.ts";
import { Tail } from "./tail.ts";
import { waitFor } from "./wait.ts";

/** What runs programs. */
export interface ProgramRunnerOptions {
  readonly launch: Launcher;
  readonly stuck: StuckChildren;
  readonly clock: Clock;
}

/** At most so many programs run at once on a node. */
const RUNNING_MAX = 64;
const OUTPUT_BYTES_MAX = 64 * 1024;
/** How long output may still come after the end: a child of the child can hold the stream open. */
const DRAIN_MS = 1000;

/** Runs programs, and shows which children hang. */
export class ProgramRunner implements Programs {
  readonly #options: ProgramRunnerOptions;
  readonly #slots: Slots;

  constructor(options: ProgramRunnerOptions) {
    this.#options = options;
    this.#slots = new Slots(RUNNING_MAX, options.clock);
  }

  async run(call: ProgramCall, signal: AbortSignal): Promise<ProgramEnd> {
    const { stuck, clock } = this.#options;
    const { subject, deadlineMs } = call;
    const task = { what: basename(call.program), subject };
    signal.throwIfAborted();
    using _place = await this.#slots.take(`run ${task.what} for ${subject}`, deadlineMs, signal);
    stuck.check(task);
    const startedMs = clock.monotonicMs();
    const child = this.#start(call, task.what);
    const outputs = [child.stdout, child.stderr].map((each) => new Tail(each, OUTPUT_BYTES_MAX));
    if (call.input !== undefined) void feed(child, call.input);
    const waited = await waitFor(child.status, deadlineMs, clock, signal);
    if (waited.kind === "done") return await this.#endOf(waited.value.code, outputs);

    const hasEnded = await stuck.kill(child, task, startedMs);
    await stopAll(outputs);
    if (waited.kind === "aborted") throw signal.reason;
    const outcome = hasEnded ? "was killed" : `hangs in the kernel (process ${child.pid})`;
    throw new StorageError(
      "unavailable",
      `Cannot run ${task.what} for ${subject}: it did not end in ${deadlineMs / 1000} s and ` +
        outcome,
    );
  }

  stuck(): StuckChild[] {
    return this.#options.stuck.list();
  }

  #start({ program, args, input }: ProgramCall, name: string): Child {
    try {
      return this.#options.launch({ program, args, hasInput: input !== undefined });
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) {
        throw new StorageError("not-ready", `Cannot run ${name}: this node has no such program`, {
          cause,
        });
      }
      const reason = cause instanceof Error ? cause.message : String(cause);
      const isRefused = cause instanceof Deno.errors.PermissionDenied ||
        cause instanceof Deno.errors.NotCapable;
      const code = isRefused ? "not-ready" : "unavailable";
      throw new StorageError(code, `Cannot run ${name}: ${reason}`, { cause });
    }
  }

  async #endOf(code: number, outputs: readonly Tail[]): Promise<ProgramEnd> {
    const drained = Promise.all(outputs.map(({ ended }) => ended));
    await waitFor(drained, DRAIN_MS, this.#options.clock, new AbortController().signal);
    await stopAll(outputs);
    const [stdout = "", stderr = ""] = outputs.map((output) => output.text());
    return { code, stdout, stderr };
  }
}

/** Writes the input; a program may end without having read it all. */
async function feed(child: Child, input: string): Promise<void> {
  try {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch {
    // It closed its end: its exit status tells what it made of that.
  }
}

async function stopAll(outputs: readonly Tail[]): Promise<void> {
  await Promise.all(outputs.map((output) => output.stop()));
}
