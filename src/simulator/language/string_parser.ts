/** Quoted strings: escapes, and what `$` interpolates. */
import { nested, type ParseContext } from "./parse_context.ts";
import type { Scanner } from "./scanner.ts";
import type { Expression } from "./syntax.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "$": "$",
  "?": "?",
  "_": " ",
  n: "\n",
  r: "\r",
  t: "\t",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
};

const PLAIN = /[^"\\$]+/y;
/** Upper case only: a box refuses `\2f`. */
const HEX_BYTES = /(?:\\[0-9A-F]{2})+/y;
const INDENT = /[ \t]+/y;

/** The parsers of what `$` may be followed by in a string. */
export interface Interpolations {
  readonly variable: (context: ParseContext) => Expression;
  readonly parenthesised: (context: ParseContext) => Expression;
  readonly substitution: (context: ParseContext) => Expression;
}

/** Reads a string; the position is at its opening quote, and ends after the closing one. */
export function parseString(context: ParseContext, interpolations: Interpolations): Expression {
  const { scanner } = context;
  const parts: Expression[] = [];
  let text = "";
  scanner.expect('"');
  while (scanner.raw !== '"') {
    if (scanner.raw === "") scanner.fail("syntax error");
    if (scanner.raw === "$") {
      if (text !== "") parts.push(literal(text));
      text = "";
      parts.push(parseInterpolation(nested(context), interpolations));
    } else {
      text += scanner.match(PLAIN) ?? readEscape(scanner);
    }
  }
  scanner.position += 1;
  if (parts.length === 0) return literal(text);
  if (text !== "") parts.push(literal(text));
  return { kind: "template", parts };
}

function literal(value: string): Expression {
  return { kind: "literal", value, word: undefined };
}

function parseInterpolation(context: ParseContext, interpolations: Interpolations): Expression {
  const { scanner } = context;
  switch (scanner.peek(1)) {
    case "(":
      scanner.position += 1;
      return interpolations.parenthesised(context);
    case "[":
      scanner.position += 1;
      return interpolations.substitution(context);
    case '"':
      // The closing quote, not `$"name"`: a dollar sign must be escaped.
      return scanner.fail("syntax error", scanner.position + 1);
    default:
      return interpolations.variable(context);
  }
}

/** The text of the escape at the position. `\XX` are bytes, so that several may be one letter. */
function readEscape(scanner: Scanner): string {
  const bytes = scanner.match(HEX_BYTES);
  if (bytes !== undefined) return decodeBytes(bytes);
  if (scanner.skipJoin()) {
    scanner.match(INDENT);
    return "";
  }
  const escaped = Object.hasOwn(ESCAPES, scanner.peek(1)) ? ESCAPES[scanner.peek(1)] : undefined;
  if (escaped === undefined) scanner.fail("syntax error");
  scanner.position += 2;
  return escaped;
}

function decodeBytes(escapes: string): string {
  const bytes = escapes.split("\\").slice(1).map((hex) => Number.parseInt(hex, 16));
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(bytes));
}
