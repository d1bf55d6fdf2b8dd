/** `print` without an argument: a table of the main properties. For people. */
import { textOf } from "../language/text.ts";
import {
  flagColumn,
  type FlagLayout,
  flagLegend,
  indexColumn,
  occurringFlags,
  plain,
  type PrintedRow,
  type PrintLayout,
  type PropertyForm,
} from "./layout.ts";

/** One column, its cells formatted. */
interface Column {
  readonly title: string;
  readonly cells: readonly string[];
  readonly width: number;
  readonly isNumeric: boolean;
}

/** The table; columns without any value are left out. */
export function printTable(
  rows: readonly PrintedRow[],
  layout: PrintLayout,
  options: { readonly columns: readonly string[]; readonly showsIds: boolean },
): string {
  if (rows.length === 0) return "";
  const flags = occurringFlags(rows, layout);
  const columns = options.columns.map((name) => columnOf(name, rows, layout))
    .filter((column) => column.cells.some((cell) => cell !== ""));
  const numbers = indexColumn(rows, options.showsIds);
  const lines = [
    ...flagLegend(flags),
    `Columns: ${columns.map(({ title }) => title).join(", ")}`,
    headerOf(columns, (numbers[0] ?? "").length, flags),
  ];
  rows.forEach(({ row }, at) => {
    const comment = row.get("comment");
    if (comment !== undefined && comment !== "") lines.push(`;;; ${textOf(comment)}`);
    const marks = flags.length === 0 ? "" : `${flagColumn(row, flags)} `;
    const cells = columns.map((column) => padded(column, column.cells[at] ?? ""));
    lines.push(`${numbers[at]} ${marks}${cells.join("  ")}`.trimEnd());
  });
  return `${lines.join("\n")}\n`;
}

function headerOf(columns: readonly Column[], width: number, flags: readonly FlagLayout[]): string {
  const marks = flags.length === 0 ? "" : `${" ".repeat(flags.length)} `;
  const titles = columns.map((column) => padded(column, column.title));
  return `${"#".padEnd(width)} ${marks}${titles.join("  ")}`.trimEnd();
}

function columnOf(name: string, rows: readonly PrintedRow[], layout: PrintLayout): Column {
  const form: PropertyForm = layout.properties.find((one) => one.name === name)?.form ?? "word";
  const cells = rows.map(({ row }) => {
    const value = row.get(name);
    return value === undefined ? "" : plain(value, form);
  });
  const title = name.toUpperCase();
  const width = cells.reduce((widest, cell) => Math.max(widest, cell.length), title.length);
  return { title, cells, width, isNumeric: form === "grouped" || form === "human" };
}

function padded({ width, isNumeric }: Column, text: string): string {
  return isNumeric ? text.padStart(width) : text.padEnd(width);
}
