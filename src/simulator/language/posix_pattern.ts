/** POSIX extended regular expressions as trees. */
import { scriptError } from "./failures.ts";

/** A piece of a pattern. `test` says whether it takes one character. */
export type Pattern =
  | { readonly kind: "character"; readonly test: (char: string) => boolean }
  | { readonly kind: "assertion"; readonly holds: (text: string, at: number) => boolean }
  | { readonly kind: "sequence"; readonly parts: readonly Pattern[] }
  | { readonly kind: "choice"; readonly parts: readonly Pattern[] }
  | {
    readonly kind: "repeat";
    readonly part: Pattern;
    readonly minimum: number;
    /** Undefined: as often as it goes. */
    readonly maximum: number | undefined;
  };

const MAX_PATTERN_LENGTH = 4096;
/** How deep parentheses may nest; a bound on the stack. */
const MAX_DEPTH = 200;
const MAX_REPEATS = 255;

const INTERVAL = /\{(\d*)(,?)(\d*)\}/y;
const WORD = /^\w$/;

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

/** The escapes of GNU's matcher that do not stand for the character itself. */
const ESCAPES: ReadonlyMap<string, Pattern> = new Map<string, Pattern>([
  ["w", character((char) => WORD.test(char))],
  ["W", character((char) => !WORD.test(char))],
  ["s", character((char) => /\s/.test(char))],
  ["S", character((char) => /\S/.test(char))],
  ["b", { kind: "assertion", holds: isWordEdge }],
  ["B", { kind: "assertion", holds: (text, at) => !isWordEdge(text, at) }],
]);

const START: Pattern = { kind: "assertion", holds: (_text, at) => at === 0 };
const END: Pattern = { kind: "assertion", holds: (text, at) => at === text.length };
const ANY: Pattern = character(() => true);

/** @throws {RouterOsError} when the text is no POSIX extended regular expression. */
export function parsePattern(text: string): Pattern {
  if (text.length > MAX_PATTERN_LENGTH) throw invalid();
  const parser = new PatternParser(text);
  const pattern = parser.choice(0);
  if (parser.position < text.length) throw invalid();
  return pattern;
}

/** The error of a pattern that is none, or asks for too much. */
export function invalid(): Error {
  return scriptError("invalid regular expression");
}

function character(test: (char: string) => boolean): Pattern {
  return { kind: "character", test };
}

function isWordEdge(text: string, at: number): boolean {
  return WORD.test(text.charAt(at - 1)) !== WORD.test(text.charAt(at));
}

class PatternParser {
  readonly text: string;
  position = 0;

  constructor(text: string) {
    this.text = text;
  }

  get #char(): string {
    return this.text.charAt(this.position);
  }

  /** Parts between bars, up to a closing parenthesis or the end. */
  choice(depth: number): Pattern {
    if (depth > MAX_DEPTH) throw invalid();
    const parts = [this.#sequence(depth)];
    while (this.#char === "|") {
      this.position += 1;
      parts.push(this.#sequence(depth));
    }
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : { kind: "choice", parts };
  }

  #sequence(depth: number): Pattern {
    const parts: Pattern[] = [];
    while (this.#char !== "" && this.#char !== "|" && this.#char !== ")") {
      parts.push(this.#repeated(this.#atom(depth)));
    }
    return { kind: "sequence", parts };
  }

  #repeated(atom: Pattern): Pattern {
    let part = atom;
    // More than a few in a row say nothing new, and each is one level of the stack.
    for (let count = 0; count <= MAX_DEPTH; count++) {
      const bounds = this.#bounds();
      if (bounds === undefined) return part;
      part = { kind: "repeat", part, ...bounds };
    }
    throw invalid();
  }

  #bounds(): { minimum: number; maximum: number | undefined } | undefined {
    const char = this.#char;
    if (char === "{") return this.#interval();
    if (char === "" || !"*+?".includes(char)) return undefined;
    this.position += 1;
    return { minimum: char === "+" ? 1 : 0, maximum: char === "?" ? 1 : undefined };
  }

  /** `{2}`, `{2,}`, `{,3}`, `{2,3}`; any other brace is a character like all. */
  #interval(): { minimum: number; maximum: number | undefined } | undefined {
    INTERVAL.lastIndex = this.position;
    const found = INTERVAL.exec(this.text);
    const [whole = "", least = "", comma = "", most = ""] = found ?? [];
    if (least === "" && most === "") return undefined;
    const minimum = Number(least);
    const maximum = comma === "" ? minimum : most === "" ? undefined : Number(most);
    if (Math.max(minimum, maximum ?? 0) > MAX_REPEATS || minimum > (maximum ?? minimum)) {
      throw invalid();
    }
    this.position += whole.length;
    return { minimum, maximum };
  }

  #atom(depth: number): Pattern {
    const char = this.#char;
    this.position += 1;
    switch (char) {
      case "(":
        return this.#group(depth);
      case "[":
        return this.#bracket();
      case "\\":
        return this.#escape();
      case ".":
        return ANY;
      case "^":
        return START;
      case "$":
        return END;
      case "*":
      case "+":
      case "?":
        throw invalid();
      default:
        return character((one) => one === char);
    }
  }

  #group(depth: number): Pattern {
    const inside = this.choice(depth + 1);
    if (this.#char !== ")") throw invalid();
    this.position += 1;
    return inside;
  }

  #escape(): Pattern {
    const char = this.#char;
    if (char === "") throw invalid();
    this.position += 1;
    return ESCAPES.get(char) ?? character((one) => one === char);
  }

  #bracket(): Pattern {
    const end = this.#endOfBracket();
    const source = translateBracket(this.text.slice(this.position, end));
    this.position = end + 1;
    try {
      const members = new RegExp(`^${source}$`, "s");
      return character((char) => members.test(char));
    } catch (error) {
      if (error instanceof SyntaxError) throw invalid();
      throw error;
    }
  }

  /** The index of the `]` that ends the bracket here; a first `]` is an ordinary one. */
  #endOfBracket(): number {
    const { text } = this;
    let index = this.position;
    if (text.charAt(index) === "^") index += 1;
    if (text.charAt(index) === "]") index += 1;
    while (index < text.length && text.charAt(index) !== "]") {
      const named = text.startsWith("[:", index) ? text.indexOf(":]", index + 2) : -1;
      index = named < 0 ? index + 1 : named + 2;
    }
    if (index >= text.length) throw invalid();
    return index;
  }
}

/** A bracket for one character, in JavaScript's words. */
function translateBracket(content: string): string {
  const isNegated = content.startsWith("^");
  let source = isNegated ? "[^" : "[";
  let index = isNegated ? 1 : 0;
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
