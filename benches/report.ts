/** What people and machines see of the benches. */
import { verdictOf } from "./figure.ts";
import type { Figure, Section, Verdict } from "./figure.ts";

/** The machine and the program that were measured. */
export interface Context {
  readonly date: string;
  readonly program: string;
  readonly deno: string;
  readonly v8: string;
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** The load of the last minute, before the benches began: others were at work too. */
  readonly load: number;
}

/** A whole run. */
export interface Report {
  readonly context: Context;
  readonly sections: readonly Section[];
}

const MARK: Readonly<Record<Verdict, string>> = { met: "met", "not met": "NOT MET", none: "" };
const COLOUR: Readonly<Record<Verdict, string>> = { met: "32", "not met": "31", none: "0" };

/** What runs where, in a line for people. */
export function describeContext(context: Context): string {
  const { program, deno, system, processor, cores, memoryBytes, load } = context;
  const memory = `${(memoryBytes / 1024 ** 3).toFixed(0)} GiB`;
  return `${program}, Deno ${deno}, ${system}; ${cores} x ${processor}, ${memory}; ` +
    `load ${load.toFixed(2)} at the start\n`;
}

/** A section as a table; `hasColour` for terminals. */
export function renderSection(section: Section, hasColour: boolean): string {
  const width = Math.max(...section.figures.map(({ name }) => name.length));
  const lines = section.figures.map((figure) => {
    const verdict = verdictOf(figure);
    const mark = hasColour ? `\x1b[${COLOUR[verdict]}m${MARK[verdict]}\x1b[0m` : MARK[verdict];
    const target = figure.atMost === undefined ? "" : `at most ${figure.atMost} ${figure.unit}`;
    const value = `${format(figure)} ${figure.unit}`.padStart(18);
    return `  ${figure.name.padEnd(width)} ${value}  ${target.padEnd(20)} ${mark}`.trimEnd();
  });
  return `\n${section.title}\n${section.method}\n${lines.join("\n")}\n`;
}

/** How many targets were met, in a line. */
export function summarize(sections: readonly Section[]): string {
  const verdicts = sections.flatMap(({ figures }) => figures.map(verdictOf));
  const count = (verdict: Verdict): number => verdicts.filter((one) => one === verdict).length;
  return `\n${count("met")} targets met, ${count("not met")} not met\n`;
}

/** The report as data: every figure with its verdict. */
export function renderJson({ context, sections }: Report): string {
  const judged = sections.map((section) => ({
    ...section,
    figures: section.figures.map((figure) => ({ ...figure, verdict: verdictOf(figure) })),
  }));
  return `${JSON.stringify({ context, sections: judged }, undefined, 2)}\n`;
}

function format({ value, unit }: Figure): string {
  if (unit === "commands") return String(value);
  return Math.abs(value) < 100 ? value.toFixed(2) : value.toFixed(0);
}
