/** Expressions, conditions and the values of arguments. */
import { literalOf } from "./literals.ts";
import { nested, type ParseContext } from "./parse_context.ts";
import { type Interpolations, parseString } from "./string_parser.ts";
import type { ArrayElement, BinaryOperator, Expression } from "./syntax.ts";

/** An unquoted word as the value of an argument; blanks and the characters with a meaning end it. */
const WORD = /[^\s\p{Cc}"'=()$[\]{};`\\?#]+/uy;
/** An unquoted word right of an operator of a condition; the operators end it too. */
const CONDITION_WORD = /[^\s\p{Cc}"'=()$[\]{};`\\?#&|<>!~]+/uy;
/** In an expression `-` and `/` are operators after a number, and part of a word after a letter. */
const NUMBER =
  /(?:\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?|(?:\d+w)?(?:\d+d)?\d+:\d\d:\d\d(?:\.\d+)?|(?:\d+(?:w|d|h|ms|us|ns|m|s))+|0x[0-9A-Fa-f]+|\d+)(?![A-Za-z0-9_])/y;
const NAME =
  /(?:\.?[A-Za-z_]|\d|\*[0-9A-Fa-f])[A-Za-z0-9_]*(?:[-.:/@%][A-Za-z0-9_]+)*|(?:\/[A-Za-z0-9_.:@%-]+)+/y;
const VARIABLE = /[A-Za-z0-9]+/y;
const SYMBOL = /->|&&|\|\||<=|>=|!=|<<|>>|[=<>~+\-*/%.,&|^]/y;
const WORD_OPERATOR = /(?:and|or|in)(?![A-Za-z0-9_.:/@%-])/y;
const NOT = /not(?![A-Za-z0-9_.:/@%=-])/y;

const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  "or": 1,
  "and": 2,
  "=": 4,
  "!=": 4,
  "<": 4,
  ">": 4,
  "<=": 4,
  ">=": 4,
  "~": 4,
  "in": 4,
  ",": 5,
  ".": 6,
  "|": 7,
  "^": 7,
  "&": 7,
  "<<": 8,
  ">>": 8,
  "+": 9,
  "-": 9,
  "*": 10,
  "/": 10,
  "%": 10,
};
/** How many operators may follow each other on one level; a bound on the stack of the evaluator. */
const MAX_CHAIN = 2000;
const NOT_PRECEDENCE = 3;
const UNARY_PRECEDENCE = 11;

const INTERPOLATIONS: Interpolations = {
  variable: parseVariable,
  parenthesised: parseParenthesised,
  substitution: parseSubstitution,
};

/** The value of an argument: string, variable, `(expression)`, `[command]`, `{array}` or word. */
export function parseValue(context: ParseContext): Expression {
  return parseEnclosed(context) ?? parseWord(context, WORD);
}

/** An expression up to an operator that binds less than `minimum`. */
export function parseExpression(context: ParseContext, minimum = 0): Expression {
  let left = parsePrefix(context);
  for (let count = 0;; count++) {
    if (count > MAX_CHAIN) context.scanner.fail("syntax error");
    context.scanner.skipBlanks();
    const start = context.scanner.position;
    const operator = readOperator(context);
    if (operator === undefined) return left;
    if (operator !== "->" && PRECEDENCE[operator] < minimum) {
      context.scanner.position = start;
      return left;
    }
    context.scanner.skipBlanks();
    left = operator === "->"
      ? { kind: "index", target: left, key: parseOperand(context, false) }
      : { kind: "binary", operator, left, right: parseRight(context, operator) };
  }
}

function parseRight(context: ParseContext, operator: BinaryOperator): Expression {
  const precedence = PRECEDENCE[operator];
  // In a condition the word right of a comparison is a value, not a property.
  const isComparison = precedence === PRECEDENCE["="];
  if (context.condition === undefined || !isComparison) {
    return parseExpression(nested(context), precedence + 1);
  }
  const { scanner } = context;
  const enclosed = '"$([{!'.includes(scanner.char);
  return enclosed
    ? parseExpression(nested(context), precedence + 1)
    : parseWord(context, CONDITION_WORD);
}

function readOperator(context: ParseContext): BinaryOperator | "->" | undefined {
  const { scanner } = context;
  const word = scanner.match(WORD_OPERATOR) ?? scanner.match(SYMBOL);
  switch (word) {
    case undefined:
      return juxtaposed(context);
    case "&&":
      return "and";
    case "||":
      return "or";
    default:
      return isOperator(word) ? word : undefined;
  }
}

/** In a condition `a=1 b=2` means both. */
function juxtaposed(context: ParseContext): BinaryOperator | undefined {
  if (context.condition === undefined) return undefined;
  const { scanner } = context;
  return scanner.atCommandEnd() || scanner.char === ")" ? undefined : "and";
}

function isOperator(word: string): word is BinaryOperator | "->" {
  return word === "->" || Object.hasOwn(PRECEDENCE, word);
}

function parsePrefix(context: ParseContext): Expression {
  const { scanner } = context;
  scanner.skipBlanks();
  if (scanner.match(NOT) !== undefined) {
    const operand = parseExpression(nested(context), NOT_PRECEDENCE);
    return { kind: "unary", operator: "not", operand };
  }
  switch (scanner.char) {
    case "!":
      return parseUnary(context, "not");
    case "-":
      return parseUnary(context, "negate");
    case "~":
      return parseUnary(context, "complement");
    default:
      return parseOperand(context, context.condition !== undefined);
  }
}

function parseUnary(
  context: ParseContext,
  operator: "not" | "negate" | "complement",
): Expression {
  context.scanner.position += 1;
  const operand = parseExpression(nested(context), UNARY_PRECEDENCE);
  return { kind: "unary", operator, operand };
}

/** A value between operators; with `wordsAreProperties`, a word that is no literal is a property. */
function parseOperand(context: ParseContext, wordsAreProperties: boolean): Expression {
  const enclosed = parseEnclosed(context);
  if (enclosed !== undefined) return enclosed;
  const { scanner } = context;
  const number = scanner.match(NUMBER);
  if (number !== undefined) return wordLiteral(number);
  const word = parseWord(context, NAME);
  const isName = word.kind === "literal" && typeof word.value === "string";
  return wordsAreProperties && isName ? { kind: "property", name: String(word.value) } : word;
}

function parseWord(context: ParseContext, pattern: RegExp): Expression {
  const word = context.scanner.match(pattern);
  return word === undefined ? context.scanner.fail("syntax error") : wordLiteral(word);
}

function wordLiteral(word: string): Expression {
  return { kind: "literal", value: literalOf(word), word };
}

function parseEnclosed(context: ParseContext): Expression | undefined {
  switch (context.scanner.char) {
    case '"':
      return parseString(context, INTERPOLATIONS);
    case "$":
      return parseVariable(context);
    case "(":
      return parseParenthesised(context);
    case "[":
      return parseSubstitution(context);
    case "{":
      return parseArray(context);
    default:
      return undefined;
  }
}

/** `$name`, or `$"any name"`. An undeclared name is looked up among the globals when it is read. */
function parseVariable(context: ParseContext): Expression {
  const { scanner } = context;
  scanner.expect("$");
  const name = readVariableName(context);
  if (name === undefined) return scanner.fail("syntax error");
  const { condition } = context;
  if (condition?.properties?.has(name) === true) return { kind: "property", name };
  const variable = context.scope.find(name) ?? { name, slot: undefined };
  const maybeProperty = condition !== undefined && condition.properties === undefined;
  return { kind: "variable", variable, maybeProperty };
}

/** The name of a variable: letters and digits, anything else in quotes; undefined when none. */
export function readVariableName(context: ParseContext): string | undefined {
  if (context.scanner.char !== '"') return context.scanner.match(VARIABLE);
  const start = context.scanner.position;
  const quoted = parseString(context, INTERPOLATIONS);
  if (quoted.kind === "literal" && typeof quoted.value === "string") return quoted.value;
  return context.scanner.fail("syntax error", start);
}

function parseParenthesised(context: ParseContext): Expression {
  context.scanner.expect("(");
  const inner = parseExpression(nested(context));
  context.scanner.skipBlanks();
  context.scanner.expect(")");
  return inner;
}

function parseSubstitution(context: ParseContext): Expression {
  context.scanner.expect("[");
  const inside = nested(context, { condition: undefined, isSubstitution: true });
  const body = context.parseBody(inside, "]");
  if (context.condition === undefined) return { kind: "substitution", body };
  return { kind: "hoisted", index: context.condition.hoisted.push(body) - 1 };
}

function parseArray(context: ParseContext): Expression {
  const { scanner } = context;
  scanner.expect("{");
  const elements: ArrayElement[] = [];
  const inside = nested(context);
  scanner.skipBlanks();
  while (scanner.char !== "}") {
    elements.push(parseElement(inside));
    scanner.skipBlanks();
    if (scanner.char === ";") scanner.position += 1;
    else if (scanner.char !== "}") scanner.fail("syntax error");
    scanner.skipBlanks();
  }
  scanner.position += 1;
  return { kind: "array", elements };
}

function parseElement(context: ParseContext): ArrayElement {
  const value = parseValue(context);
  if (context.scanner.char !== "=") return { key: undefined, value };
  context.scanner.position += 1;
  return { key: value, value: parseValue(context) };
}
