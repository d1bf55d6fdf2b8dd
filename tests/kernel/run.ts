/**
 * `deno task test:kernel`: the scenarios on real kernels, a line for each and one for all. Exit
 * status 1 when one failed; 130 when it was interrupted. No virtual machine is left behind.
 */
import { Command } from "commander";
import { buildBundle } from "../../tools/bundle.ts";
import {
  isKernelSeries,
  KERNEL_SERIES,
  kernelOf,
  type KernelSeries,
} from "../../tools/lab/kernels.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { whatIsMissing } from "../../tools/lab/requirements.ts";
import { SCENARIOS, scenariosFor } from "./catalogue.ts";
import { smoke } from "./lab_smoke.ts";
import { type Results, type ScenarioResult, textOfResults, withResult } from "./results.ts";
import { runScenarios } from "./runner.ts";
import type { Scenario, ScenarioId } from "./scenario.ts";

/** What can be asked of the run. */
interface RunOptions {
  readonly kernel: readonly string[];
  readonly all: boolean;
  readonly only: readonly string[];
  readonly minutes: string;
  readonly collect: string;
  readonly record: boolean;
  readonly smoke: boolean;
}

type Counts = Record<"passed" | "failed" | "skipped", number>;

const RESULTS = new URL("results.json", import.meta.url);

const encoder = new TextEncoder();

function print(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

function parseOptions(args: readonly string[]): RunOptions {
  const command = new Command("test:kernel")
    .description("Runs scenarios of the failure matrix on real kernels in virtual machines.")
    .option("--kernel <series...>", `which kernels: ${KERNEL_SERIES.join(", ")}`, [
      ...KERNEL_SERIES,
    ])
    .option("--all", "every scenario, not only those of the continuous integration", false)
    .option("--only <id...>", "only these scenarios", [])
    .option("--minutes <number>", "the whole run may take so long; what is left then fails", "240")
    .option("--collect <directory>", "where logs of failed scenarios go", ".cache/kernel")
    .option("--smoke", "only whether the laboratory itself works, without the driver", false)
    .option("--record", "note the results in tests/kernel/results.json", false);
  // `deno task test:kernel -- --all` hands on the two dashes as well.
  command.parse(args.filter((word, index) => index > 0 || word !== "--"), { from: "user" });
  return command.opts<RunOptions>();
}

/** What all kernels of a run share. */
interface Run {
  readonly options: RunOptions;
  readonly bundle: string;
  /** Aborted when the time of the whole run is up, or a person interrupts it. */
  readonly signal: AbortSignal;
}

async function runKernel(series: KernelSeries, run: Run): Promise<Counts> {
  const missing = await whyNot(series);
  if (run.options.smoke) return await runSmoke(series, missing, run.signal);
  const scenarios: Scenario[] = [];
  let skipped = 0;
  for (const scenario of chosen(run.options, series)) {
    const { id, notOn = {} } = scenario.plan;
    const reason = missing ?? notOn[series];
    if (reason === undefined) scenarios.push(scenario);
    else {
      print(`${series} ${id} ... skipped: ${reason}`);
      skipped += 1;
    }
  }
  return { ...await runAll(series, scenarios, run), skipped };
}

/** Runs the scenarios; those that were not reached have failed. */
async function runAll(
  series: KernelSeries,
  scenarios: readonly Scenario[],
  { options, bundle, signal }: Run,
): Promise<Omit<Counts, "skipped">> {
  const directories: string[] = [];
  const tally = { passed: 0, failed: 0 };
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const start = async (): Promise<Lab> => {
      const directory = await Deno.makeTempDir({ prefix: "rds-lab-" });
      directories.push(directory);
      return await startLab({ kernel: series, nodes: 1, directory, bundle, print });
    };
    await runScenarios({
      series,
      scenarios,
      start: async () => {
        const startMs = performance.now();
        // A boot does not heed the signal; its machines end with this process. Emulated processors
        // crash a kernel now and then, also while it boots.
        const started = start().catch((error: unknown) => {
          print(`${series}: once more, for the laboratory did not come up: ${Deno.inspect(error)}`);
          return start();
        });
        const lab = await Promise.race([started, aborted.promise]);
        print(`${series} laboratory is up after ${seconds(startMs)}`);
        return lab;
      },
      logDirectory: options.collect,
      print,
      signal,
      take: async (id, result) => {
        tally[result.outcome] += 1;
        if (options.record) await record(series, id, result);
      },
    });
  } catch (error) {
    const left = scenarios.length - tally.passed - tally.failed;
    print(`${series}: ${left} scenarios failed together: ${Deno.inspect(error)}`);
    tally.failed += Math.max(1, left);
  } finally {
    signal.removeEventListener("abort", onAbort);
    for (const directory of directories) {
      // Machines of an interrupted start may write until this process ends.
      await Deno.remove(directory, { recursive: true }).catch(() => {});
    }
  }
  return tally;
}

async function runSmoke(
  series: KernelSeries,
  missing: string | undefined,
  signal: AbortSignal,
): Promise<Counts> {
  if (missing !== undefined) {
    print(`${series} smoke ... skipped: ${missing}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  try {
    const figures = await smoke(series, (line) => print(`  ${line}`), signal);
    print(`${series} smoke ... ok ${JSON.stringify(figures)}`);
    return { passed: 1, failed: 0, skipped: 0 };
  } catch (error) {
    print(`${series} smoke ... FAILED ${Deno.inspect(error)}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** Why a kernel cannot be tried at all; undefined when it can. */
async function whyNot(series: KernelSeries): Promise<string | undefined> {
  const missing = await whatIsMissing();
  if (missing !== undefined) return `the laboratory cannot run: ${missing}`;
  try {
    print(`${series}: ${(await kernelOf(series, (line) => print(`  ${line}`))).release}`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function chosen({ all, only }: RunOptions, series: KernelSeries): Scenario[] {
  if (only.length > 0) return SCENARIOS.filter(({ plan }) => only.includes(plan.id));
  return scenariosFor(series, all);
}

function seconds(startMs: number): string {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
}

async function record(
  series: KernelSeries,
  id: ScenarioId,
  result: ScenarioResult,
): Promise<void> {
  const results = JSON.parse(await Deno.readTextFile(RESULTS)) as Results;
  await Deno.writeTextFile(RESULTS, textOfResults(withResult(results, id, series, result)));
}

function verdictOf({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

async function main(): Promise<number> {
  const options = parseOptions(Deno.args);
  const series = options.kernel.filter(isKernelSeries);
  const unknown = options.kernel.filter((name) => !isKernelSeries(name));
  const ids = new Set(SCENARIOS.map(({ plan }) => plan.id));
  const strange = options.only.filter((id) => !ids.has(id));
  if (unknown.length > 0 || strange.length > 0) {
    if (unknown.length > 0) print(`Cannot run on "${unknown.join(", ")}": ${KERNEL_SERIES}`);
    if (strange.length > 0) print(`Cannot run "${strange.join(", ")}": ${[...ids].join(", ")}`);
    return 2;
  }
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => interrupt.abort(new Error(`interrupted by ${signal}`)));
  }
  const time = AbortSignal.timeout(Number(options.minutes) * 60_000);
  const signal = AbortSignal.any([interrupt.signal, time]);
  const run = { options, bundle: await buildBundle(), signal };
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const one of series) {
    const counts = await runKernel(one, run);
    for (const kind of ["passed", "failed", "skipped"] as const) total[kind] += counts[kind];
    // A line of its own that stands in is what the continuous integration counts.
    print(`${one}:\n  ${verdictOf(counts)}`);
  }
  print(verdictOf(total));
  if (interrupt.signal.aborted) return 130;
  return total.failed === 0 ? 0 : 1;
}

// A scenario that was given up may still wait for something.
if (import.meta.main) Deno.exit(await main());
