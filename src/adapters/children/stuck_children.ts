/**
 * Children that were killed and have not ended: the kernel does not let a process go that waits
 * for a device. They are remembered, shown and never waited for.
 */
import { StorageError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { StuckChild } from "../../ports/programs.ts";
import type { Child } from "./launcher.ts";
import { waitFor } from "./wait.ts";

/** What a child was started for. */
export interface ChildTask {
  /** The program or kernel call. */
  readonly what: string;
  /** What it works on. */
  readonly subject: string;
}

/** What the list of stuck children stands on. */
export interface StuckOptions {
  readonly clock: Clock;
  /**
   * When the process of that id was started, in whatever unit, or undefined when there is none. A
   * process id is used again; with its start it names one process.
   */
  readonly startOf: (pid: number) => string | undefined;
  /** With so many, no more children are started on this node. */
  readonly stuckMax: number;
}

interface Entry extends ChildTask {
  readonly pid: number;
  readonly startedMs: number;
  readonly start: string;
}

/** What a killed child gets to end before the caller is told that it hangs. */
const GRACE_MS = 1000;
/** The caller has given up already when a child is killed. */
const NO_ABORT = new AbortController().signal;

/** The stuck children of this process. */
export class StuckChildren {
  readonly #options: StuckOptions;
  readonly #entries = new Set<Entry>();

  constructor(options: StuckOptions) {
    this.#options = options;
  }

  /** Those that are stuck now, the oldest first. */
  list(): StuckChild[] {
    this.#forgetEnded();
    const nowMs = this.#options.clock.monotonicMs();
    return Array.from(this.#entries, ({ pid, what, subject, startedMs }) => ({
      pid,
      what,
      subject,
      ageMs: Math.round(nowMs - startedMs),
    })).sort((left, right) => right.ageMs - left.ageMs);
  }

  /**
   * Looks whether a child may be started for the task.
   * @throws {StorageError} `unavailable` while one for the same subject, or too many, are stuck
   */
  check({ what, subject }: ChildTask): void {
    const stuck = this.list();
    const same = stuck.find((each) => each.subject === subject);
    if (same !== undefined) {
      throw new StorageError(
        "unavailable",
        `Cannot run ${what} for ${subject}: ${same.what} (process ${same.pid}) hangs in the ` +
          `kernel for ${Math.round(same.ageMs / 1000)} s`,
      );
    }
    if (stuck.length < this.#options.stuckMax) return;
    throw new StorageError(
      "unavailable",
      `Cannot run ${what} for ${subject}: ${stuck.length} children of this node hang in the ` +
        `kernel, and no more are started`,
    );
  }

  /**
   * Kills a child and waits a moment for its end. Until it has ended it counts as stuck.
   * @returns whether it has ended
   */
  async kill(child: Child, task: ChildTask, startedMs: number): Promise<boolean> {
    const start = this.#options.startOf(child.pid);
    if (start === undefined) return true;
    const entry = { ...task, pid: child.pid, startedMs, start };
    this.#entries.add(entry);
    try {
      child.kill("SIGKILL");
    } catch {
      // It ended by itself just now.
    }
    const ended = child.status.then(() => {}, () => {}).finally(() => this.#entries.delete(entry));
    const waited = await waitFor(ended, GRACE_MS, this.#options.clock, NO_ABORT);
    return waited.kind === "done";
  }

  #forgetEnded(): void {
    for (const entry of this.#entries) {
      if (this.#options.startOf(entry.pid) !== entry.start) this.#entries.delete(entry);
    }
  }
}

/** When a process was started, in ticks since the machine was: the 22nd field of its `stat`. */
export function startOfProcess(pid: number): string | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name, in brackets, may itself hold brackets and spaces; the third field comes after it.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined; // no such process
  }
}
