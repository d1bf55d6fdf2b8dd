/** The plainer prints: one line per record, one block of names per listing, one block per item. */
import { textOf } from "../language/text.ts";
import {
  flagColumn,
  indexColumn,
  occurringFlags,
  plain,
  type PrintedRow,
  type PrintLayout,
} from "./layout.ts";

/** `print terse`: one line per record, never wrapped; blanks in values make it ambiguous. */
export function printTerse(
  rows: readonly PrintedRow[],
  layout: PrintLayout,
  showsIds: boolean,
): string {
  const flags = occurringFlags(rows, layout);
  const numbers = indexColumn(rows, showsIds);
  const lines = rows.map(({ row }, at) => {
    const tokens = [numbers[at] ?? ""];
    if (flags.length > 0) tokens.push(flagColumn(row, flags));
    const comment = row.get("comment");
    if (comment !== undefined) tokens.push(`comment=${textOf(comment)}`);
    for (const { name, form } of layout.properties) {
      const value = row.get(name);
      if (value !== undefined && name !== "comment") tokens.push(`${name}=${plain(value, form)}`);
    }
    return tokens.join(" ");
  });
  return lines.map((line) => `${line}\n`).join("");
}

/** `print value-list`: one line per property with the values of all rows side by side. */
export function printValueList(rows: readonly PrintedRow[], layout: PrintLayout): string {
  if (rows.length === 0) return "";
  const table = layout.properties
    .map(({ name, form }) => ({
      name,
      cells: rows.map(({ row }) => {
        const value = row.get(name);
        return value === undefined ? "" : plain(value, form);
      }),
    }))
    .filter(({ cells }) => cells.some((cell) => cell !== ""));
  const widths = rows.map((_row, at) =>
    Math.max(...table.map(({ cells }) => cells[at]?.length ?? 0))
  );
  return nameBlock(table.map(({ name, cells }) => [
    name,
    cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" ").trimEnd(),
  ]));
}

/** Names right-aligned before a colon, one per line: the print of a menu that is one item. */
export function nameBlock(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length), 0) + 2;
  return pairs.map(([name, text]) => `${name.padStart(width)}: ${text}`.trimEnd() + "\n").join("");
}
