/** Statements: paths, the commands of menus, and their arguments. */
import type { MenuCommand } from "../menu.ts";
import { parseBuiltin } from "./builtin_parser.ts";
import { BUILTIN_NAMES, isBuiltinName } from "./builtin_signatures.ts";
import { parseCondition } from "./condition_parser.ts";
import { parseValue } from "./expression_parser.ts";
import { nested, type ParseContext, resolveName, Scope } from "./parse_context.ts";
import type { Condition, Expression, Statement } from "./syntax.ts";

const COMMAND_WORD = /[A-Za-z0-9_][A-Za-z0-9_-]*/y;
const ARGUMENT_NAME = /\.?[A-Za-z0-9][A-Za-z0-9_.-]*(?==)/y;
const BARE_WORD = /[A-Za-z0-9][A-Za-z0-9_-]*(?=[\s;\]}\\]|$)/y;

/** Reads statements up to `closing` (empty: the end of the line) and moves over it. */
export function parseBody(context: ParseContext, closing: string): readonly Statement[] {
  const { scanner } = context;
  const body: Statement[] = [];
  for (;;) {
    scanner.skipBlanks();
    if (scanner.char === "#") scanner.skipLine();
    if (scanner.char === closing) {
      if (closing !== "") scanner.position += 1;
      return body;
    }
    if (scanner.char === ";") scanner.position += 1;
    else if (scanner.atCommandEnd()) scanner.fail("syntax error");
    else body.push(parseStatement(context));
  }
}

function parseStatement(context: ParseContext): Statement {
  const { scanner } = context;
  switch (scanner.char) {
    case "{":
      return parseBlock(context);
    case ":":
      scanner.position += 1;
      return parseGlobalCommand(context);
    case "/":
      scanner.position += 1;
      scanner.skipBlanks();
      return parsePath({ ...context, path: [] });
    default:
      return parsePath(context);
  }
}

/** `{statements}`: a scope of its own. */
function parseBlock(context: ParseContext): Statement {
  context.scanner.expect("{");
  const inside = nested(context, { scope: new Scope(context.scope), isSubstitution: false });
  return { kind: "block", body: context.parseBody(inside, "}") };
}

function parseGlobalCommand(context: ParseContext): Statement {
  const { scanner } = context;
  const start = scanner.position;
  const word = readCommandWord(context);
  const name = resolveName(BUILTIN_NAMES, word);
  if (name === undefined || !isBuiltinName(name)) {
    return scanner.fail(`bad command name ${word}`, start);
  }
  return parseBuiltin(context, name, start);
}

function readCommandWord(context: ParseContext): string {
  const { scanner } = context;
  const word = scanner.match(COMMAND_WORD);
  if (word !== undefined) return word;
  return scanner.fail(scanner.atCommandEnd() ? "expected command name" : "syntax error");
}

/** Follows the words of a path to the command at its end. */
function parsePath(context: ParseContext): Statement {
  const { scanner, tree } = context;
  let path = context.path;
  for (let isFirst = true;; isFirst = false) {
    const start = scanner.position;
    if (scanner.startsWith("..")) {
      scanner.position += 2;
      path = path.slice(0, -1);
    } else {
      const word = readCommandWord(context);
      const name = resolveCommandWord(context, path, word, isFirst);
      const command = name === undefined ? undefined : tree.command(path, name);
      if (name !== undefined && tree.hasMenu([...path, name])) path = [...path, name];
      else if (name !== undefined && command !== undefined) {
        return parseMenuCommand({ ...context, path }, name, command, start);
      } else if (name !== undefined && isBuiltinName(name)) {
        return parseBuiltin(context, name, start);
      } else return scanner.fail(`bad command name ${word}`, start);
    }
    if (scanner.char === "/") scanner.position += 1;
    else scanner.skipBlanks();
    // `/disk { print; find }`: statements in a menu.
    if (scanner.char === "{") return parseBlock({ ...context, path });
  }
}

/** The full word: exact before abbreviated, the menu's before the global commands. */
function resolveCommandWord(
  context: ParseContext,
  path: readonly string[],
  word: string,
  mayBeGlobal: boolean,
): string | undefined {
  const { tree } = context;
  if (tree.hasMenu([...path, word]) || tree.command(path, word) !== undefined) return word;
  if (mayBeGlobal && isBuiltinName(word)) return word;
  return resolveName(tree.words?.(path) ?? [], word);
}

/** The arguments of a menu command while they are read. */
interface Arguments {
  readonly unnamed: Expression[];
  readonly named: [string, Expression][];
  readonly unset: Set<string>;
  readonly flags: Set<string>;
  condition: Condition | undefined;
}

function parseMenuCommand(
  context: ParseContext,
  name: string,
  command: MenuCommand,
  start: number,
): Statement {
  const { scanner, path } = context;
  const line = scanner.lineAt(start);
  const found: Arguments = {
    unnamed: [],
    named: [],
    unset: new Set(),
    flags: new Set(),
    condition: undefined,
  };
  for (;;) {
    const before = scanner.position;
    scanner.skipBlanks();
    if (scanner.atCommandEnd()) break;
    if (scanner.position === before) scanner.fail("expected end of command");
    parseArgument(context, name, command, found);
  }
  const { isSubstitution: isSubstituted } = context;
  return { kind: "menu", path, name, command, line, isSubstituted, ...found };
}

function parseArgument(
  context: ParseContext,
  name: string,
  command: MenuCommand,
  found: Arguments,
): void {
  const { scanner } = context;
  const start = scanner.position;
  if (command.where && scanner.match(BARE_WORD) === "where") {
    found.condition = parseCondition(context, command.properties);
    return;
  }
  scanner.position = start;
  if (scanner.char === "!" && parseUnset(context, command, found)) return;
  if (parseNamed(context, command, found) || parseFlag(context, command, found)) return;
  scanner.position = start;
  // Only `find` takes a condition without the word `where`.
  if (command.where && name === "find") {
    found.condition = parseCondition(context, command.properties);
  } else if (found.unnamed.length < command.unnamed.length) {
    found.unnamed.push(parseValue(context));
    if (scanner.char === "=") scanner.fail("expected end of command", start);
  } else {
    scanner.fail("expected end of command");
  }
}

function parseUnset(context: ParseContext, command: MenuCommand, found: Arguments): boolean {
  const { scanner } = context;
  const start = scanner.position;
  scanner.position += 1;
  const word = scanner.match(BARE_WORD);
  const name = word === undefined ? undefined : resolveName(command.named, word);
  if (name === undefined) {
    scanner.position = start;
    return false;
  }
  found.unset.add(name);
  return true;
}

function parseNamed(context: ParseContext, command: MenuCommand, found: Arguments): boolean {
  const word = context.scanner.match(ARGUMENT_NAME);
  const name = word === undefined ? undefined : resolveName(command.named, word);
  if (name === undefined) {
    context.scanner.position -= word?.length ?? 0;
    return false;
  }
  context.scanner.position += 1;
  found.named.push([name, parseValue(nested(context))]);
  return true;
}

/**
 * A flag may be abbreviated only where the word cannot be a value, such as the name of an item; in
 * `print` it is a flag before it is one.
 */
function parseFlag(context: ParseContext, command: MenuCommand, found: Arguments): boolean {
  const word = context.scanner.match(BARE_WORD);
  if (word === undefined) return false;
  const next = command.unnamed[found.unnamed.length];
  const mayBeValue = next !== undefined && next !== "from";
  const flag = command.flags.has(word) || mayBeValue ? word : resolveName(command.flags, word);
  if (flag === undefined || !command.flags.has(flag)) return false;
  found.flags.add(flag);
  return true;
}
