/** What a bench found out: figures, each with its target where one was promised. */

/** What a figure counts. */
export type Unit = "commands" | "ms" | "calls/s" | "MiB" | "kB" | "x";

/** One figure. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  /** The target: the figure is to be this or less. Absent where nothing was promised. */
  readonly atMost?: number;
}

/** Figures that were measured together. */
export interface Section {
  readonly title: string;
  /** How it was measured, in a line or two for people. */
  readonly method: string;
  readonly figures: readonly Figure[];
}

/** How a figure stands to its target. */
export type Verdict = "met" | "not met" | "none";

/** Whether the target was met; `none` where there is none. */
export function verdictOf({ value, atMost }: Figure): Verdict {
  if (atMost === undefined) return "none";
  return value <= atMost ? "met" : "not met";
}

/** The value that half of `values` lie below. @throws {RangeError} when there are none */
export function medianOf(values: readonly number[]): number {
  return quantileOf(values, 0.5);
}

/**
 * The value that `share` (0 to 1) of `values` lie below, interpolated.
 * @throws {RangeError} when there are none
 */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) {
    throw new RangeError("Cannot take a quantile of no values");
  }
  return below + (above - below) * (place - Math.floor(place));
}
