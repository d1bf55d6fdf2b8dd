/** What came of scenarios on each kernel the last time they ran; kept in results.json. Pure. */
import type { KernelSeries } from "../../tools/lab/kernels.ts";
import type { Figures, ScenarioId } from "./scenario.ts";

/** One run of a scenario on a kernel. */
export interface ScenarioResult {
  readonly outcome: "passed" | "failed";
  /** What `uname -r` said. */
  readonly release: string;
  /** The day, as YYYY-MM-DD. */
  readonly date: string;
  readonly figures: Figures;
  /** The first line of what went wrong, when it failed. */
  readonly reason?: string;
}

/** The last result of each scenario on each kernel. */
export type Results = Readonly<
  Record<ScenarioId, Readonly<Partial<Record<KernelSeries, ScenarioResult>>>>
>;

/** `results` with one more, in the order of their names, so that a diff shows what changed. */
export function withResult(
  results: Results,
  id: ScenarioId,
  series: KernelSeries,
  result: ScenarioResult,
): Results {
  const all = { ...results, [id]: { ...results[id], [series]: result } };
  const { compare } = new Intl.Collator("en", { numeric: true });
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => compare(a, b)));
}

/** The file's text. */
export function textOfResults(results: Results): string {
  return `${JSON.stringify(results, undefined, 2)}\n`;
}
