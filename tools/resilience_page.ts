/** The generated part of docs/reference/resilience.md: scenarios, results, what is not shown. Pure. */
import { CI_SCENARIOS, ROW_COUNT, SCENARIOS, UNSHOWN_ROWS } from "../tests/kernel/catalogue.ts";
import type { Results, ScenarioResult } from "../tests/kernel/results.ts";
import type { ScenarioPlan } from "../tests/kernel/scenario.ts";
import { KERNEL_SERIES, type KernelSeries } from "./lab/kernels.ts";
import { tableOf } from "./reference.ts";

/** The page, from the root of the repository. */
export const RESILIENCE_PAGE = "docs/reference/resilience.md";
/** The last results, from the root of the repository. */
export const RESULTS_FILE = "tests/kernel/results.json";

/** The generated part of the page for these results. */
export function resiliencePart(results: Results): string {
  return [
    "## Scenarios\n",
    tableOf(
      ["Scenario", "Rows", "What is done", "What has to come of it", ...KERNEL_SERIES, "In CI"],
      SCENARIOS.map(({ plan }) => scenarioRow(plan, results)),
    ),
    "## Measured\n",
    figuresTable(results),
    ...failuresPart(results),
    "## Not shown\n",
    tableOf(
      ["Row", "What", "Why not"],
      UNSHOWN_ROWS.map(({ row, title, reason }) => [row, title, reason]),
    ),
  ].join("\n");
}

/** The rows of the matrix that neither a scenario shows nor a reason is given for. */
export function forgottenRows(): string[] {
  const known = new Set([
    ...SCENARIOS.flatMap(({ plan }) => plan.rows),
    ...UNSHOWN_ROWS.map(({ row }) => row),
  ]);
  const rows = Array.from({ length: ROW_COUNT }, (_, index) => `F${index + 1}`);
  return rows.filter((row) => !known.has(row));
}

function scenarioRow(plan: ScenarioPlan, results: Results): string[] {
  const { id, rows, title } = plan;
  const inCi = KERNEL_SERIES.filter((series) => CI_SCENARIOS[series].includes(id));
  const outcomes = KERNEL_SERIES.map((series) => outcomeOf(plan, series, results));
  return [
    `\`${id}\``,
    rows.join(", "),
    title,
    expectedOf(plan),
    ...outcomes,
    inCi.join(", "),
  ];
}

/** Kernels of which the same is expected are named together. */
function expectedOf({ expected }: ScenarioPlan): string {
  if (typeof expected === "string") return expected;
  const texts = [...new Set(KERNEL_SERIES.map((series) => expected[series]))];
  return texts.map((text) => {
    const on = KERNEL_SERIES.filter((series) => expected[series] === text);
    return `${on.join(", ")}: ${text}`;
  }).join("; ");
}

function outcomeOf({ id, notOn }: ScenarioPlan, series: KernelSeries, results: Results): string {
  const reason = notOn?.[series];
  if (reason !== undefined) return `not run: ${reason}`;
  return results[id]?.[series]?.outcome ?? "not run yet";
}

function figuresTable(results: Results): string {
  const rows = KERNEL_SERIES.flatMap((series) =>
    allOf(series, results).map(([id, result]) => [
      `\`${id}\``,
      result.release,
      result.date,
      figuresOf(result),
    ])
  );
  return tableOf(["Scenario", "Kernel", "Date", "Figures"], rows);
}

function figuresOf({ figures }: ScenarioResult): string {
  return Object.entries(figures).map(([name, value]) => `${wordsOf(name)} ${value}`).join(", ");
}

/** `longestFsyncMs` as "longest fsync ms:". */
function wordsOf(name: string): string {
  return `${name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}:`;
}

function failuresPart(results: Results): string[] {
  const rows = KERNEL_SERIES.flatMap((series) =>
    allOf(series, results).filter(([, { outcome }]) => outcome === "failed")
      .map(([id, { release, reason = "" }]) => [`\`${id}\``, release, reason])
  );
  if (rows.length === 0) return [];
  return ["## Failed the last time\n", tableOf(["Scenario", "Kernel", "What went wrong"], rows)];
}

/** The results on a kernel, of the scenarios that there still are, in their order. */
function allOf(series: KernelSeries, results: Results): [string, ScenarioResult][] {
  return SCENARIOS.flatMap(({ plan: { id } }) => {
    const result = results[id]?.[series];
    return result === undefined ? [] : [[id, result] as [string, ScenarioResult]];
  });
}
