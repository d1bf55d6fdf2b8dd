/** How a menu prints: which properties in which order, which flags, which columns. */
import { textOf } from "../language/text.ts";
import type { Value } from "../language/values.ts";
import type { Row } from "../menu.ts";
import { groupedDigits, humanBytes, suffixDuration } from "./human.ts";

/** How a value looks in `print`; scripts get the raw value. */
export type PropertyForm = "quoted" | "word" | "boolean" | "grouped" | "human" | "duration";

/** A property and its form. */
export interface PropertyLayout {
  readonly name: string;
  readonly form: PropertyForm;
}

/** A flag: its letter, the property it shows, and what the legend calls it. */
export interface FlagLayout {
  readonly letter: string;
  readonly property: string;
  readonly legend: string;
}

/** The layout of a menu's listing. */
export interface PrintLayout {
  /** In the order of `print detail`. */
  readonly properties: readonly PropertyLayout[];
  /** The columns of the table, by property. */
  readonly columns: readonly string[];
  readonly flags: readonly FlagLayout[];
}

/** A row to print and its number in the whole, unfiltered menu. */
export interface PrintedRow {
  readonly index: number;
  readonly row: Row;
}

/** A value in the form its property has. */
export function formatted(value: Value, form: PropertyForm): string {
  if (form === "quoted") return `"${textOf(value)}"`;
  return plain(value, form);
}

/** The same without quotes, for tables and terse lines. */
export function plain(value: Value, form: PropertyForm): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number" && form === "grouped") return groupedDigits(value);
  if (typeof value === "number" && form === "human") return humanBytes(value);
  if (form === "duration" && typeof value === "object" && value?.type === "time") {
    return suffixDuration(value.milliseconds);
  }
  return textOf(value);
}

/** The flags that are set on any of the rows; only these have a column and a place in the legend. */
export function occurringFlags(rows: readonly PrintedRow[], layout: PrintLayout): FlagLayout[] {
  return layout.flags.filter(({ property }) => rows.some(({ row }) => row.get(property) === true));
}

/** The flags of one row, one character per occurring flag: `B r`. */
export function flagColumn(row: Row, flags: readonly FlagLayout[]): string {
  return flags.map(({ letter, property }) => row.get(property) === true ? letter : " ").join("");
}

/** The line that explains the flags, or nothing when there are none. */
export function flagLegend(flags: readonly FlagLayout[]): string[] {
  if (flags.length === 0) return [];
  return [`Flags: ${flags.map(({ letter, legend }) => `${letter} - ${legend}`).join("; ")}`];
}

/** The number of a row, or its id for `show-ids`, padded to the widest. */
export function indexColumn(rows: readonly PrintedRow[], showsIds: boolean): string[] {
  const texts = rows.map(({ index, row }) => showsIds ? textOf(row.get(".id")) : String(index));
  const width = Math.max(...texts.map((text) => text.length), 1);
  return texts.map((text) => showsIds ? text.padEnd(width) : text.padStart(width));
}
