/** Starting one worker for kernel calls, in bounded time. */
import { StorageError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { KernelWorker } from "./kernel_worker.ts";
import type { Launcher } from "./launcher.ts";
import type { StuckChildren } from "./stuck_children.ts";
import { waitFor } from "./wait.ts";

/** What starts workers. */
export interface WorkerStartOptions {
  /** The command line of a worker. */
  readonly worker: readonly string[];
  readonly launch: Launcher;
  readonly stuck: StuckChildren;
  readonly clock: Clock;
}

/** A worker starts in 0.1 s, on a machine that is emulated in 1.5 s. */
const START_MS = 20_000;
/** Who waits for a worker may give up: it is started for the next one then. */
const NO_ABORT = new AbortController().signal;

/**
 * Starts a worker and waits until it takes calls.
 * @throws {StorageError} `unavailable` when it does not in time (it is killed), when it ends or
 * speaks another protocol, or when the machine refuses
 */
export async function startWorker(options: WorkerStartOptions): Promise<KernelWorker> {
  const { launch, worker: command, clock, stuck } = options;
  const startedMs = clock.monotonicMs();
  const worker = new KernelWorker(launch, command);
  try {
    const waited = await waitFor(worker.greet(), START_MS, clock, NO_ABORT);
    if (waited.kind === "done") return worker;
    // It has made no call: what it hangs in has nothing to do with the subject.
    await stuck.kill(worker.child, { what: "start of a worker", subject: "none" }, startedMs);
    throw new StorageError(
      "unavailable",
      `Cannot start a worker for kernel calls: it took none in ${START_MS / 1000} s`,
    );
  } catch (error) {
    await worker.release();
    throw error;
  }
}
