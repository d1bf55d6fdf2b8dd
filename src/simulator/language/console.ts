/**
 * The console language of RouterOS: one line in, text out. Knows the language and no menu; the
 * menus are behind `../menu.ts`.
 *
 * A line is parsed as a whole, with all its names resolved, before anything of it runs; so an
 * unknown word anywhere stops all of it, as on a real box.
 */
import { type MenuTree, RouterOsError, type Session } from "../menu.ts";
import { compileBody } from "./command_compiler.ts";
import { parseBody } from "./command_parser.ts";
import {
  ConsoleFailure,
  ConsoleInterrupted,
  ConsoleReturn,
  ConsoleSyntaxError,
  located,
} from "./failures.ts";
import { type ParseContext, Scope } from "./parse_context.ts";
import { Run, type RunOptions } from "./run.ts";
import { Scanner } from "./scanner.ts";
import type { Expression, Program } from "./syntax.ts";
import type { Value } from "./values.ts";

export type { RunOptions } from "./run.ts";
export type { Program } from "./syntax.ts";
export { ConsoleSyntaxError } from "./failures.ts";

/**
 * Runs one line and prints what it says, errors included; like a box's exec channel it never fails
 * for an error of the console. Output of what ran before an error stays.
 *
 * Synchronous as far as the menus are: a line that waits for nothing has run when this returns.
 * @throws what a menu throws that is no {@link RouterOsError}: a bug of the simulator.
 */
export async function runLine(
  line: string,
  tree: MenuTree,
  session: Session,
  options: RunOptions,
): Promise<void> {
  try {
    const program = parseLine(line, tree, options.globals);
    await runProgram(program, session, options);
  } catch (error) {
    const text = textOfError(error);
    if (text !== undefined) reportFailure(text, options);
  }
}

async function runProgram(program: Program, session: Session, options: RunOptions): Promise<void> {
  try {
    const run = new Run(session, options, program.slotCount);
    run.checkSignal();
    const result = compileBody(program.body)(run);
    if (result instanceof Promise) await result;
  } catch (error) {
    if (program.strayLine === undefined || error instanceof ConsoleInterrupted) throw error;
    const text = textOfError(error);
    if (text !== undefined) reportFailure(text, options);
  }
  // An exec channel takes one line: the first ran, what follows it is refused.
  if (program.strayLine !== undefined) {
    throw new ConsoleSyntaxError(`syntax error (line ${program.strayLine} column 1)`);
  }
}

function reportFailure(text: string, options: RunOptions): void {
  options.print(`${text}\n`);
  options.onFailure?.();
}

/** What the console prints for an error; undefined for `:return`. Rethrows what is none of its. */
function textOfError(error: unknown): string | undefined {
  if (error instanceof ConsoleReturn) return undefined;
  // Values nested so deep that the stack has no room for them.
  if (error instanceof RangeError) return new ConsoleInterrupted().message;
  const isOfConsole = error instanceof ConsoleFailure || error instanceof ConsoleSyntaxError ||
    error instanceof ConsoleInterrupted;
  if (isOfConsole) return error.message;
  throw error;
}

/**
 * Parses a line without running it.
 * @throws {ConsoleSyntaxError} with the text a box prints.
 */
export function parseLine(
  line: string,
  tree: MenuTree,
  globals: ReadonlyMap<string, Value> = new Map(),
): Program {
  const scanner = new Scanner(line);
  const frame = { slotCount: 0 };
  const context: ParseContext = {
    scanner,
    tree,
    frame,
    globals: new Set(globals.keys()),
    scope: new Scope(undefined),
    path: [],
    condition: undefined,
    isSubstitution: false,
    depth: 0,
    parseBody,
  };
  const body = parseBody(context, "");
  return { body, slotCount: frame.slotCount, strayLine: strayLineOf(scanner) };
}

/** Where text stands behind the line that runs; blank lines and comments do no harm. */
function strayLineOf(scanner: Scanner): number | undefined {
  const rest = scanner.text.slice(scanner.position);
  const stray = /^(?:[\s;]|#[^\n]*(?:\n|$))*/.exec(rest)?.[0] ?? "";
  return stray.length === rest.length ? undefined : scanner.lineAt(scanner.position + stray.length);
}

const NO_MENUS: MenuTree = { hasMenu: () => false, command: () => undefined };

/**
 * The values of the literals in a line that consists of `:put <literal>` statements only. For tests
 * of quoting: what the console makes of a quoted string, and proof that it is one string and
 * nothing else.
 * @throws {ConsoleSyntaxError} when the line does not parse.
 * @throws {RouterOsError} when it holds anything but `:put` of literals: a variable, a command.
 */
export function evaluateWords(line: string): Value[] {
  const program = parseLine(line, NO_MENUS);
  if (program.strayLine !== undefined) throw notOnlyLiterals(line);
  return program.body.map((statement) => {
    const isPut = statement.kind === "builtin" && statement.name === "put";
    return literalValue(isPut ? statement.values.get("message") : undefined, line);
  });
}

function literalValue(expression: Expression | undefined, line: string): Value {
  if (expression?.kind !== "literal") throw notOnlyLiterals(line);
  return expression.value;
}

function notOnlyLiterals(line: string): unknown {
  return located(new RouterOsError(`not only literals: ${JSON.stringify(line)}`), ":put; line 1");
}
