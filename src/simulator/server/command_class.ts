import type { LineClass } from "../faults.ts";

/** Text in quotes is data; a word in it must not look like a command. */
const QUOTED = /"(?:\\.|[^"\\])*"/gs;

/** A changing command where a command can stand: after a path or a blank, and not `name=value`. */
const CHANGING_WORD =
  /(?<![^\s/[{(;])(remove|add|copy|set|unset|enable|disable|comment|format|delete)(?=$|[\s\]});])/;

const CLASS_OF_WORD: ReadonlyMap<string, LineClass> = new Map<string, LineClass>([
  ["remove", "remove"],
  ["delete", "remove"],
  ["add", "add"],
  ["copy", "add"],
]);

/**
 * The class of a command line, by the first changing command in it; `read` when there is none.
 * The first one decides, because a line that creates may also hold the removal that undoes it.
 */
export function classifyLine(line: string): LineClass {
  const word = CHANGING_WORD.exec(line.replaceAll(QUOTED, '""'))?.[1];
  if (word === undefined) return "read";
  return CLASS_OF_WORD.get(word) ?? "change";
}
