/**
 * `deno task test:kernel`: the scenarios on real kernels, a line for each and one for all. Exit
 * status 1 when one failed; 130 when it was interrupted. No virtual machine is left behind.
 */
import { join } from "node:path";
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
import { SCENARIOS } from "./catalogue.ts";
import { smoke } from "./lab_smoke.ts";
import { type Results, textOfResults, withResult } from "./results.ts";
import type { Figures, Scenario } from "./scenario.ts";

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

/** What came of one scenario. */
type Outcome =
  | { readonly kind: "passed"; readonly figures: Figures }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "skipped"; readonly reason: string };

type Counts = Record<Outcome["kind"], number>;

/** A scenario that does not end at its signal is given up after so long. */
const GRACE_MS = 15_000;
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

/** One kernel's laboratory, kept from scenario to scenario until one spoils it. */
class Bench implements AsyncDisposable {
  readonly #series: KernelSeries;
  readonly #bundle: string;
  #lab: Lab | undefined;
  #directory: string | undefined;

  constructor(series: KernelSeries, bundle: string) {
    this.#series = series;
    this.#bundle = bundle;
  }

  /** The running laboratory, started when there is none. @throws {Error} when it does not start */
  async lab(): Promise<Lab> {
    if (this.#lab !== undefined) return this.#lab;
    this.#directory = await Deno.makeTempDir({ prefix: "rds-lab-" });
    const startMs = performance.now();
    this.#lab = await startLab({
      kernel: this.#series,
      nodes: 1,
      directory: this.#directory,
      bundle: this.#bundle,
      print: (line) => print(`      ${line}`),
    });
    print(`      laboratory up in ${seconds(startMs)}`);
    return this.#lab;
  }

  /** Copies logs to where a person finds them; never throws. */
  async collect(directory: string): Promise<void> {
    await this.#lab?.collect(directory).catch((error) => print(`      not collected: ${error}`));
  }

  /** Switches everything off; the next scenario gets a new laboratory. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lab?.[Symbol.asyncDispose]();
    this.#lab = undefined;
    if (this.#directory !== undefined) await Deno.remove(this.#directory, { recursive: true });
    this.#directory = undefined;
  }
}

/** What all scenarios of a run share. */
interface Run {
  readonly options: RunOptions;
  /** Aborted when the time of the whole run is up, or a person interrupts it. */
  readonly signal: AbortSignal;
}

async function runKernel(series: KernelSeries, run: Run, bundle: string): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const missing = await whyNot(series);
  if (run.options.smoke) return await runSmoke(series, missing, run.signal);
  await using bench = new Bench(series, bundle);
  for (const scenario of chosen(run.options)) {
    const startMs = performance.now();
    const reason = missing ?? scenario.plan.notOn?.[series];
    const outcome: Outcome = reason === undefined
      ? await runScenario(scenario, bench, run)
      : { kind: "skipped", reason };
    counts[outcome.kind] += 1;
    report(scenario, series, outcome, startMs);
    if (outcome.kind === "failed") {
      await bench.collect(join(run.options.collect, series, scenario.plan.id));
    }
    if (outcome.kind === "failed" || scenario.plan.needsOwnBoot === true) {
      await bench[Symbol.asyncDispose]();
    }
    if (run.options.record) await record(scenario, series, outcome);
  }
  return counts;
}

async function runSmoke(
  series: KernelSeries,
  missing: string | undefined,
  signal: AbortSignal,
): Promise<Counts> {
  if (missing !== undefined) {
    print(`skip  ${series}  smoke: ${missing}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  try {
    const figures = await smoke(series, (line) => print(`      ${line}`), signal);
    print(`ok    ${series}  smoke ${JSON.stringify(figures)}`);
    return { passed: 1, failed: 0, skipped: 0 };
  } catch (error) {
    print(`FAIL  ${series}  smoke: ${Deno.inspect(error)}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** Why a kernel cannot be tried at all; undefined when it can. */
async function whyNot(series: KernelSeries): Promise<string | undefined> {
  const missing = await whatIsMissing();
  if (missing !== undefined) return `the laboratory cannot run: ${missing}`;
  try {
    print(`${series}: ${(await kernelOf(series, (line) => print(`      ${line}`))).release}`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function runScenario({ plan, run }: Scenario, bench: Bench, all: Run): Promise<Outcome> {
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  givenUp.catch(() => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  const giveUpSoon = (signal: AbortSignal): void => {
    timer ??= setTimeout(() => reject(signal.reason), GRACE_MS);
  };
  const stop = (): void => giveUpSoon(all.signal);
  all.signal.addEventListener("abort", stop, { once: true });
  try {
    all.signal.throwIfAborted();
    if (plan.needsOwnBoot === true) await bench[Symbol.asyncDispose]();
    const lab = await Promise.race([bench.lab(), givenUp]);
    const signal = AbortSignal.any([all.signal, AbortSignal.timeout(plan.deadlineMs)]);
    signal.addEventListener("abort", () => giveUpSoon(signal), { once: true });
    return { kind: "passed", figures: await Promise.race([run(lab, signal), givenUp]) };
  } catch (error) {
    return { kind: "failed", error };
  } finally {
    clearTimeout(timer);
    all.signal.removeEventListener("abort", stop);
  }
}

function chosen({ all, only }: RunOptions): Scenario[] {
  if (only.length > 0) return SCENARIOS.filter(({ plan }) => only.includes(plan.id));
  return SCENARIOS.filter(({ plan }) => all || plan.isInCi);
}

function report(
  { plan }: Scenario,
  series: KernelSeries,
  outcome: Outcome,
  startMs: number,
): void {
  const head = `${series}  ${plan.id}: ${plan.title}`;
  switch (outcome.kind) {
    case "passed": {
      const figures = Object.entries(outcome.figures).map(([name, value]) => `${name} ${value}`);
      print(`ok    ${head} (${[seconds(startMs), ...figures].join(", ")})`);
      break;
    }
    case "failed":
      print(`FAIL  ${head} (${seconds(startMs)})`);
      print(Deno.inspect(outcome.error).replaceAll(/^/gm, "      "));
      break;
    case "skipped":
      print(`skip  ${head}: ${outcome.reason}`);
      break;
  }
}

function seconds(startMs: number): string {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
}

async function record({ plan }: Scenario, series: KernelSeries, outcome: Outcome): Promise<void> {
  if (outcome.kind === "skipped") return;
  const results = JSON.parse(await Deno.readTextFile(RESULTS)) as Results;
  const { release } = await kernelOf(series, print);
  const date = new Date().toISOString().slice(0, 10);
  const result = outcome.kind === "passed"
    ? { outcome: outcome.kind, release, date, figures: outcome.figures }
    : { outcome: outcome.kind, release, date, figures: {}, reason: firstLine(outcome.error) };
  await Deno.writeTextFile(RESULTS, textOfResults(withResult(results, plan.id, series, result)));
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] ?? "";
}

function verdictOf({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

async function main(): Promise<number> {
  const options = parseOptions(Deno.args);
  const series = options.kernel.filter(isKernelSeries);
  const unknown = options.kernel.filter((name) => !isKernelSeries(name));
  if (unknown.length > 0 || chosen(options).length < new Set(options.only).size) {
    print(`Cannot run: no kernel ${unknown.join(", ")}, or no scenario ${options.only.join(", ")}`);
    return 2;
  }
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => interrupt.abort(new Error(`interrupted by ${signal}`)));
  }
  const time = AbortSignal.timeout(Number(options.minutes) * 60_000);
  const run = { options, signal: AbortSignal.any([interrupt.signal, time]) };
  const bundle = await buildBundle();
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const one of series) {
    const counts = await runKernel(one, run, bundle);
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
