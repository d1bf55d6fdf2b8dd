import type { LineClass } from "../faults.ts";

/** Text in quotes is data; a word in it must not look like a command. */
const QUOTED = /"(?:\\.|[^"\\])*"/gs;

/** A changing command where a command can stand: after a path or a blank, and not `name=value`. */
const CHANGING_WORDS =
  /(?<![^\s/[{(;])(remove|add|copy|set|unset|enable|disable|comment|format|delete)(?=$|[\s\]});])/g;

const CLASS_OF_WORD: ReadonlyMap<string, LineClass> = new Map<string, LineClass>([
  ["remove", "remove"],
  ["delete", "remove"],
  ["add", "add"],
  ["copy", "add"],
]);

/** What a line is when it holds several kinds of change: the first of these. */
const WEIGHTIEST_FIRST: readonly LineClass[] = ["add", "remove", "change"];

/**
 * The class of a command line, by the weightiest changing command in it; `read` when there is none.
 * A line that creates may also hold the removal that undoes it, and the settings that follow.
 */
export function classifyLine(line: string): LineClass {
  const words = line.replaceAll(QUOTED, '""').matchAll(CHANGING_WORDS);
  const classes = new Set([...words].map(([, word = ""]) => CLASS_OF_WORD.get(word) ?? "change"));
  return WEIGHTIEST_FIRST.find((lineClass) => classes.has(lineClass)) ?? "read";
}
