/** Runs scenarios one after the other in one laboratory; after a failure in a fresh one. */
import { join } from "node:path";
import type { KernelSeries } from "../../tools/lab/kernels.ts";
import type { Lab } from "../../tools/lab/lab.ts";
import type { ScenarioResult } from "./results.ts";
import type { Figures, Scenario, ScenarioId } from "./scenario.ts";

/** What to run, and where. */
export interface RunOptions {
  readonly series: KernelSeries;
  readonly scenarios: readonly Scenario[];
  /** Boots a laboratory for that kernel. */
  readonly start: () => Promise<Lab>;
  /** Where logs of failures go, a folder for each; made when needed. */
  readonly logDirectory: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
  /** Takes each result as soon as it is there. */
  readonly take: (id: ScenarioId, result: ScenarioResult) => Promise<void>;
}

/** How many passed and failed. */
export interface RunTally {
  readonly passed: number;
  readonly failed: number;
}

/**
 * Runs the scenarios. A failure leaves volumes and sessions behind, so the next one gets a
 * laboratory of its own. A machine whose kernel crashed shows nothing about the driver: emulated
 * processors do that now and then. Then the scenario is run once more, and the run says so.
 * @throws {Error} when a laboratory does not come up, or the signal's reason.
 */
export async function runScenarios(options: RunOptions): Promise<RunTally> {
  const { scenarios, series, print, signal, take } = options;
  let lab: Lab | undefined;
  let [passed, failed] = [0, 0];
  try {
    for (const scenario of scenarios) {
      signal.throwIfAborted();
      const { id, needsOwnBoot = false } = scenario.plan;
      if (needsOwnBoot) lab = await ended(lab);
      lab ??= await options.start();
      if (!lab.node.machine.isRunning) await lab.node.boot();
      const started = performance.now();
      let result = await attempt(lab, scenario, options);
      const crashed = result.outcome === "failed" ? await lab.crashedMachines() : [];
      if (crashed.length > 0) {
        print(`${series} ${id}: the kernel of ${crashed.join(", ")} crashed; once more, afresh`);
        lab = await ended(lab);
        lab = await options.start();
        result = await attempt(lab, scenario, options);
      }
      const seconds = Math.round((performance.now() - started) / 1000);
      await take(id, result);
      const isPassed = result.outcome === "passed";
      if (isPassed) passed++;
      else failed++;
      const details = isPassed ? JSON.stringify(result.figures) : result.reason;
      print(`${series} ${id} ... ${isPassed ? "ok" : "FAILED"} (${seconds} s) ${details}`);
      if (!isPassed || needsOwnBoot) lab = await ended(lab);
    }
  } finally {
    await ended(lab);
  }
  return { passed, failed };
}

async function ended(lab: Lab | undefined): Promise<undefined> {
  await lab?.[Symbol.asyncDispose]();
}

async function attempt(
  lab: Lab,
  scenario: Scenario,
  options: RunOptions,
): Promise<ScenarioResult> {
  const { plan } = scenario;
  const { kernel } = lab.box.machine;
  const date = new Date().toISOString().slice(0, 10);
  const facts = { release: kernel.release, date };
  try {
    const figures = await withDeadline(lab, scenario, options.signal);
    return { outcome: "passed", ...facts, figures };
  } catch (error) {
    if (options.signal.aborted) throw error;
    const directory = join(options.logDirectory, `${options.series}-${plan.id}`);
    await lab.collect(directory).catch((problem) => options.print(`no logs: ${problem}`));
    options.print(error instanceof Error ? error.stack ?? error.message : String(error));
    options.print(`logs in ${directory}; the last of ${lab.node.name}'s kernel:`);
    options.print(await lab.node.machine.ask("dmesg | tail -n 15").catch(String));
    const reason = (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
    return { outcome: "failed", ...facts, figures: {}, reason };
  }
}

/** A scenario that does not heed its signal must not hold up the others. */
async function withDeadline(
  lab: Lab,
  { plan, run }: Scenario,
  signal: AbortSignal,
): Promise<Figures> {
  const deadline = AbortSignal.timeout(plan.deadlineMs);
  const both = AbortSignal.any([signal, deadline]);
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    reject(deadline.aborted ? new Error(`not done within ${plan.deadlineMs} ms`) : signal.reason);
  };
  both.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([run(lab, both), promise]);
  } finally {
    both.removeEventListener("abort", onAbort);
  }
}
