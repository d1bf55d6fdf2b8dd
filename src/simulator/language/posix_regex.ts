/** POSIX extended regular expressions, as `~` takes them, by way of JavaScript's. */
import { scriptError } from "./failures.ts";

const MAX_PATTERN_LENGTH = 4096;
const MAX_CACHED_PATTERNS = 256;

/** Escapes with the same meaning in GNU's POSIX matcher and in JavaScript. */
const SHARED_ESCAPES = "wWsSbB";
const META = "\\^$.*+?()[]{}|/";

const CLASSES: Readonly<Record<string, string>> = {
  alpha: "A-Za-z",
  digit: "0-9",
  alnum: "A-Za-z0-9",
  upper: "A-Z",
  lower: "a-z",
  space: "\\s",
  blank: " \\t",
  punct: "!-\\/:-@\\[-`{-~",
  xdigit: "0-9A-Fa-f",
  cntrl: "\\x00-\\x1f\\x7f",
  print: "\\x20-\\x7e",
  graph: "\\x21-\\x7e",
};

const compiled = new Map<string, RegExp>();

/**
 * Whether the pattern matches anywhere in the text.
 * @throws {RouterOsError} when the pattern is no POSIX extended regular expression.
 */
export function matchesPosix(text: string, pattern: string): boolean {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    expression = compile(pattern);
    if (compiled.size >= MAX_CACHED_PATTERNS) compiled.clear();
    compiled.set(pattern, expression);
  }
  return expression.test(text);
}

function compile(pattern: string): RegExp {
  if (pattern.length > MAX_PATTERN_LENGTH) throw invalid();
  try {
    return new RegExp(translate(pattern), "s");
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid();
    throw error;
  }
}

function invalid(): Error {
  return scriptError("invalid regular expression");
}

function translate(pattern: string): string {
  let source = "";
  let index = 0;
  while (index < pattern.length) {
    const char = pattern.charAt(index);
    if (char === "[") {
      const end = endOfBracket(pattern, index);
      source += translateBracket(pattern.slice(index + 1, end));
      index = end + 1;
    } else if (char === "\\") {
      source += translateEscape(pattern.charAt(index + 1));
      index += 2;
    } else if (char === "(" && pattern.charAt(index + 1) === "?") {
      throw invalid();
    } else {
      source += char === "/" ? "\\/" : char;
      index += 1;
    }
  }
  return source;
}

function translateEscape(char: string): string {
  if (char === "") throw invalid();
  if (SHARED_ESCAPES.includes(char)) return `\\${char}`;
  return META.includes(char) ? `\\${char}` : char;
}

/** The index of the `]` that ends the bracket opened at `start`; a first `]` is an ordinary one. */
function endOfBracket(pattern: string, start: number): number {
  let index = start + 1;
  if (pattern.charAt(index) === "^") index += 1;
  if (pattern.charAt(index) === "]") index += 1;
  while (index < pattern.length && pattern.charAt(index) !== "]") {
    const named = pattern.startsWith("[:", index) ? pattern.indexOf(":]", index + 2) : -1;
    index = named < 0 ? index + 1 : named + 2;
  }
  if (index >= pattern.length) throw invalid();
  return index;
}

function translateBracket(content: string): string {
  const negated = content.startsWith("^");
  let source = negated ? "[^" : "[";
  let index = negated ? 1 : 0;
  while (index < content.length) {
    const named = /^\[:([a-z]+):\]/.exec(content.slice(index));
    if (named !== null) {
      const members = CLASSES[named[1] ?? ""];
      if (members === undefined) throw invalid();
      source += members;
      index += named[0].length;
    } else {
      const char = content.charAt(index);
      // A backslash stands for itself between brackets, unlike in JavaScript.
      source += "\\[]^".includes(char) ? `\\${char}` : char;
      index += 1;
    }
  }
  return source + "]";
}
