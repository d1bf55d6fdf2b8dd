/**
 * csi-sanity in each of its runs, against the processes as they are shipped; the larger half of
 * `deno task test:sanity`. Arguments name the runs to make; without any, all are made.
 */
import { join } from "node:path";
import { ensureGoProgram } from "../../tools/go_tools.ts";
import { EXPECTED_SKIPS } from "./expected_skips.ts";
import { runSanity, SANITY_RUNS } from "./runs.ts";
import type { SanityResult, SanityRun } from "./runs.ts";

const encoder = new TextEncoder();

function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(`${text}\n`));
}

/** What is wrong with a result, in words; nothing when it is as it must be. */
function faultsOf(run: SanityRun, result: SanityResult): string[] {
  const { disturbances } = result;
  const unexpected = result.skipped.filter((name) => !Object.hasOwn(EXPECTED_SKIPS, name));
  const ran = Object.keys(EXPECTED_SKIPS).filter((name) => !result.skipped.includes(name));
  return [
    ...result.failures.map((failure) => `failed: ${failure}`),
    ...unexpected.map((name) => `skipped without a reason in expected_skips.ts: ${name}`),
    ...ran.map((name) => `is in expected_skips.ts, but ran: ${name}`),
    ...result.violations.map((violation) => `the box saw ${violation}`),
    ...result.leftFiles.map((file) => `left behind: ${file}`),
    ...(disturbances < run.disturbancesMin ? [`only ${disturbances} disturbances`] : []),
    ...(result.passed === 0 ? ["no spec ran"] : []),
  ];
}

async function runOnce(binary: string, run: SanityRun): Promise<boolean> {
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-sanity-" });
  print(`\ncsi-sanity, ${run.name}: ${run.about}`);
  const result = await runSanity(binary, run, directory);
  const faults = faultsOf(run, result);
  const seconds = (result.durationMs / 1000).toFixed(0);
  print(`  ${result.passed} passed, ${result.failed} failed, ${result.skipped.length} skipped`);
  if (run.disturbancesMin > 0) print(`  disturbed ${result.disturbances} times`);
  for (const fault of faults) print(`  ! ${fault}`);
  print(`  ${faults.length === 0 ? "ok" : "NOT OK"} in ${seconds} s`);
  if (faults.length === 0) await Deno.remove(directory, { recursive: true });
  else print(`  logs: ${join(directory, "*.log")}`);
  return faults.length === 0;
}

const wanted = Deno.args.filter((name) => !name.startsWith("-"));
const unknown = wanted.find((name) => !SANITY_RUNS.some((run) => run.name === name));
if (unknown !== undefined) {
  print(`Cannot run "${unknown}": the runs are ${SANITY_RUNS.map(({ name }) => name).join(", ")}`);
  Deno.exit(2);
}
const runs = SANITY_RUNS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const outcomes: boolean[] = [];
const binary = await ensureGoProgram("csi-sanity");
for (const run of runs) outcomes.push(await runOnce(binary, run));
const failed = outcomes.filter((isOk) => !isOk).length;
print(`\n${outcomes.length - failed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
