/** The arguments of the global commands. */
import {
  type BuiltinName,
  LOG_LEVELS,
  type ParameterKind,
  signatureOf,
} from "./builtin_signatures.ts";
import { parseExpression, parseValue, readVariableName } from "./expression_parser.ts";
import { ConsoleSyntaxError } from "./failures.ts";
import { nested, type ParseContext, resolveName, Scope } from "./parse_context.ts";
import type { BuiltinStatement, Expression, Statement, Variable } from "./syntax.ts";

const ARGUMENT_NAME = /[A-Za-z][A-Za-z-]*(?==)/y;
const LEVEL = /[a-z]+/y;

/** The arguments while they are read; `scope` is that of the command's code. */
interface Arguments {
  readonly values: Map<string, Expression>;
  readonly bodies: Map<string, readonly Statement[]>;
  readonly given: Set<string>;
  readonly scope: Scope;
  variables: Variable[];
  keys: Expression[];
}

/** Reads what follows the name of a global command, up to the end of the command. */
export function parseBuiltin(
  context: ParseContext,
  name: BuiltinName,
  start: number,
): BuiltinStatement {
  const { scanner } = context;
  const signature = signatureOf(name);
  const found: Arguments = {
    values: new Map(),
    bodies: new Map(),
    given: new Set(),
    scope: new Scope(context.scope),
    variables: [],
    keys: [],
  };
  for (;;) {
    const before = scanner.position;
    scanner.skipBlanks();
    if (scanner.atCommandEnd()) break;
    if (scanner.position === before) scanner.fail("expected end of command");
    const parameter = readParameter(context, name, found);
    found.given.add(parameter);
    parseParameter(context, parameter, signature.parameters[parameter] ?? "value", found);
  }
  const missing = signature.required.filter((parameter) => !found.given.has(parameter));
  if (missing.length > 0) {
    throw new ConsoleSyntaxError(`missing value(s) of argument(s) ${missing.join(" ")}`);
  }
  // A variable exists only after its declaration: `:local a $a` reads an outer one.
  declare(context, name, found);
  const { values, bodies, variables, keys } = found;
  return { kind: "builtin", name, values, bodies, variables, keys, line: scanner.lineAt(start) };
}

function readParameter(context: ParseContext, name: BuiltinName, found: Arguments): string {
  const { scanner } = context;
  const signature = signatureOf(name);
  const start = scanner.position;
  const word = scanner.match(ARGUMENT_NAME);
  if (word === undefined) {
    const next = signature.unnamed.find((parameter) => !found.given.has(parameter));
    return next ?? scanner.fail("expected end of command");
  }
  const parameter = resolveName(Object.keys(signature.parameters), word);
  if (parameter === undefined) return scanner.fail("expected end of command", start);
  scanner.position += 1;
  return parameter;
}

function parseParameter(
  context: ParseContext,
  parameter: string,
  kind: ParameterKind,
  found: Arguments,
): void {
  switch (kind) {
    case "value":
      found.values.set(parameter, parseValue(nested(context)));
      return;
    case "code":
      found.bodies.set(parameter, parseCode(context, found.scope));
      return;
    case "declare":
    case "declare-global":
      found.variables = [{ name: readName(context), slot: undefined }];
      return;
    case "loop":
      found.variables = readLoopVariables(context, found.scope);
      return;
    case "target":
      parseTarget(context, found);
      return;
    case "level":
      found.values.set(parameter, readLevel(context));
  }
}

function parseCode(context: ParseContext, scope: Scope): readonly Statement[] {
  context.scanner.expect("{");
  const inside = nested(context, { scope: new Scope(scope), isSubstitution: false });
  return context.parseBody(inside, "}");
}

function declare(context: ParseContext, name: BuiltinName, found: Arguments): void {
  if (name === "local") {
    found.variables = found.variables.map((variable) =>
      context.scope.declareLocal(variable.name, context.frame)
    );
  } else if (name === "global") {
    for (const variable of found.variables) context.scope.declareGlobal(variable.name);
  }
}

/** A name ends at a blank: `my-var` without quotes is an error at its dash. */
function readName(context: ParseContext): string {
  const { scanner } = context;
  const name = readVariableName(context);
  if (name === undefined || !(" \t\\,".includes(scanner.char) || scanner.atCommandEnd())) {
    return scanner.fail("syntax error");
  }
  return name;
}

function readLoopVariables(context: ParseContext, scope: Scope): Variable[] {
  const names = [readName(context)];
  if (context.scanner.char === ",") {
    context.scanner.position += 1;
    names.push(readName(context));
  }
  return names.map((name) => scope.declareLocal(name, context.frame));
}

function parseTarget(context: ParseContext, found: Arguments): void {
  const { scanner } = context;
  const start = scanner.position;
  if (scanner.char !== "(") {
    found.variables = [declared(context, readName(context), start)];
    return;
  }
  scanner.position += 1;
  let target = parseExpression(nested(context));
  scanner.skipBlanks();
  scanner.expect(")");
  while (target.kind === "index") {
    found.keys.unshift(target.key);
    target = target.target;
  }
  if (target.kind !== "variable" || found.keys.length === 0) {
    return scanner.fail("syntax error", start);
  }
  found.variables = [declared(context, target.variable.name, start)];
}

/** `:set` of a variable that nobody declared is an error of the line. */
function declared(context: ParseContext, name: string, at: number): Variable {
  const variable = context.scope.find(name);
  if (variable !== undefined) return variable;
  if (context.globals.has(name)) return { name, slot: undefined };
  return context.scanner.fail("syntax error", at);
}

function readLevel(context: ParseContext): Expression {
  const { scanner } = context;
  const start = scanner.position;
  const word = scanner.match(LEVEL);
  if (word === undefined) return scanner.fail("expected command name");
  const level = resolveName(LOG_LEVELS, word);
  if (level === undefined) return scanner.fail(`bad command name ${word}`, start);
  return { kind: "literal", value: level, word: undefined };
}
