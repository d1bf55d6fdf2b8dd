/** Statements as functions. */
import { type MenuCall, type MenuCommand, RouterOsError, type Row } from "../menu.ts";
import { compileBuiltin } from "./builtins.ts";
import { compileExpression, type ExpressionPlace } from "./expression_compiler.ts";
import { located } from "./failures.ts";
import { isTrue } from "./operators.ts";
import {
  attempt,
  chain,
  evaluateAll,
  type Evaluator,
  type Eventually,
  repeat,
  type Run,
} from "./run.ts";
import type { Condition, Expression, MenuStatement, Statement } from "./syntax.ts";
import type { Value } from "./values.ts";

const PLACE: ExpressionPlace = { compileBody, inCondition: false, isBorrowed: false };
const CONDITION_PLACE: ExpressionPlace = { compileBody, inCondition: true, isBorrowed: true };

/** The function that runs statements one after the other; its value is that of the last one. */
export function compileBody(body: readonly Statement[]): Evaluator {
  const steps = body.map(compileStatement);
  const [only] = steps;
  if (only !== undefined && steps.length === 1) return only;
  return (run) => {
    let last: Value;
    let index = 0;
    const round = (): Eventually<boolean> => {
      const step = steps[index++];
      if (step === undefined) return false;
      return chain(step(run), (value) => {
        last = value;
        return true;
      });
    };
    return chain(repeat(round), () => last);
  };
}

function compileStatement(statement: Statement): Evaluator {
  switch (statement.kind) {
    case "block":
      return compileBody(statement.body);
    case "builtin":
      return placed(compileBuiltin(statement, PLACE), `:${statement.name}; line ${statement.line}`);
    case "menu": {
      const place = `/${[...statement.path, statement.name].join("/")}; line ${statement.line}`;
      return placed(compileMenu(statement), place);
    }
  }
}

/** Adds the place to the errors that have none yet. */
function placed(evaluate: Evaluator, place: string): Evaluator {
  return (run) =>
    attempt(() => evaluate(run), (error) => {
      throw located(error, place);
    });
}

/** The compiled arguments of a menu command. */
interface CompiledCall {
  readonly command: MenuCommand;
  readonly statement: MenuStatement;
  readonly unnamed: readonly Evaluator[];
  readonly named: readonly Evaluator[];
  readonly hoisted: readonly Evaluator[];
  readonly condition: Evaluator | undefined;
  readonly equalities: readonly Evaluator[];
}

function compileMenu(statement: MenuStatement): Evaluator {
  const { command, condition } = statement;
  const call: CompiledCall = {
    command,
    statement,
    unnamed: statement.unnamed.map(compileArgument),
    named: statement.named.map(([, value]) => compileArgument(value)),
    hoisted: condition?.hoisted.map(compileBody) ?? [],
    condition: compileCondition(condition),
    equalities:
      condition?.equalities.map(([, value]) => compileExpression(value, CONDITION_PLACE)) ?? [],
  };
  return (run) => {
    run.checkSignal();
    if (command.policies.some((policy) => !run.session.policies.has(policy))) {
      throw new RouterOsError("not enough permissions (9)");
    }
    return chain(
      evaluateAll(run, call.unnamed),
      (unnamed) =>
        chain(
          evaluateAll(run, call.named),
          (named) =>
            chain(evaluateAll(run, call.hoisted), (hoisted) =>
              callMenu(run, call, { unnamed, named, hoisted })),
        ),
    );
  };
}

function callMenu(
  run: Run,
  { command, statement, condition, equalities }: CompiledCall,
  values: { unnamed: Value[]; named: Value[]; hoisted: Value[] },
): Eventually<Value> {
  const where = whereOf(run, condition, values.hoisted);
  const call: MenuCall = {
    session: run.session,
    unnamed: values.unnamed,
    named: new Map(statement.named.map(([name], index) => [name, values.named[index]])),
    unset: statement.unset,
    flags: statement.flags,
    isSubstituted: statement.isSubstituted,
    where,
    equal: equalValues(run, statement.condition, equalities, values.hoisted),
    print: (text) => run.print(text),
    signal: run.options.signal,
  };
  const result = command.run(call);
  return result instanceof Promise ? run.abortable(result) : result;
}

function compileCondition(condition: Condition | undefined): Evaluator | undefined {
  return condition === undefined
    ? undefined
    : compileExpression(condition.expression, CONDITION_PLACE);
}

function whereOf(
  run: Run,
  condition: Evaluator | undefined,
  hoisted: readonly Value[],
): (row: Row) => boolean {
  if (condition === undefined) return () => true;
  return (row) => {
    run.row = row;
    run.hoisted = hoisted;
    const matches = condition(run);
    run.row = undefined;
    // Commands in a condition were evaluated before, so nothing in it can wait.
    return !(matches instanceof Promise) && isTrue(matches);
  };
}

function equalValues(
  run: Run,
  condition: Condition | undefined,
  evaluators: readonly Evaluator[],
  hoisted: readonly Value[],
): ReadonlyMap<string, Value> {
  const equal = new Map<string, Value>();
  run.hoisted = hoisted;
  condition?.equalities.forEach(([property], index) => {
    const value = evaluators[index]?.(run);
    if (!(value instanceof Promise)) equal.set(property, value);
  });
  return equal;
}

/**
 * An unquoted word goes to the menu as number, bool or id where that keeps its text, and else as
 * the text itself: only the menu knows whether `007` or `1d` is a name.
 */
function compileArgument(expression: Expression): Evaluator {
  if (expression.kind !== "literal" || expression.word === undefined) {
    return compileExpression(expression, PLACE);
  }
  const { value, word } = expression;
  const keepsText = typeof value === "boolean" || String(value) === word ||
    (typeof value === "object" && value !== null && value.type === "id");
  const argument = keepsText ? value : word;
  return () => argument;
}
