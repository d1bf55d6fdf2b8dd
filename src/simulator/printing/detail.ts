/** `print detail`: every property of every row, wrapped. For people; values are not exact. */
import { textOf } from "../language/text.ts";
import {
  flagColumn,
  type FlagLayout,
  flagLegend,
  formatted,
  indexColumn,
  occurringFlags,
  type PrintedRow,
  type PrintLayout,
} from "./layout.ts";
import { wrapped } from "./wrap.ts";

/** How wide the session is, and whether ids stand in place of numbers. */
export interface DetailOptions {
  readonly width: number;
  readonly showsIds: boolean;
}

const NARROWEST_INDEX = 2;

/** The output of `print detail`; without rows only what has no rows: nothing. */
export function printDetail(
  rows: readonly PrintedRow[],
  layout: PrintLayout,
  options: DetailOptions,
): string {
  if (rows.length === 0) return "";
  const flags = occurringFlags(rows, layout);
  const numbers = indexColumn(rows, options.showsIds);
  const lines = flagLegend(flags);
  rows.forEach((printed, at) => {
    const number = (numbers[at] ?? "").padStart(NARROWEST_INDEX);
    lines.push(...recordLines(printed, number, flags, layout, options.width));
    // A line with a single blank ends the record.
    lines.push(" ");
  });
  return `${lines.join("\n")}\n`;
}

function recordLines(
  { row }: PrintedRow,
  number: string,
  flags: readonly FlagLayout[],
  layout: PrintLayout,
  width: number,
): string[] {
  const marks = flags.length === 0 ? "" : `${flagColumn(row, flags)} `;
  const prefix = `${number} ${marks}`;
  const tokens: string[] = [];
  for (const { name, form } of layout.properties) {
    const value = row.get(name);
    if (value === undefined || name === "comment") continue;
    tokens.push(`${name}=${formatted(value, form)}`);
  }
  const comment = row.get("comment");
  const indent = prefix.length;
  if (comment === undefined || comment === "") {
    return wrapped(prefix, tokens.join(" "), indent, width);
  }
  return [
    ...wrapped(prefix, `;;; ${textOf(comment)}`, indent, width),
    ...wrapped(" ".repeat(indent), tokens.join(" "), indent, width),
  ];
}
