/** `:if`, `:while`, `:for`, `:foreach`. */
import { RouterOsError } from "../menu.ts";
import { argumentOf, borrowedIn, codeOf } from "./builtin_arguments.ts";
import { type ExpressionPlace, writeVariable } from "./expression_compiler.ts";
import { chain, evaluateAll, type Evaluator, type Eventually, repeat, type Run } from "./run.ts";
import type { BuiltinStatement } from "./syntax.ts";
import type { Value } from "./values.ts";

/** The value as the answer to a question. @throws {RouterOsError} when it is no boolean. */
export function conditionOf(value: Value): boolean {
  if (typeof value === "boolean") return value;
  throw new RouterOsError("conditional is not boolean");
}

/** `:if (condition) do={} else={}`. */
export function compileIf(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const condition = argumentOf(statement, "condition", borrowedIn(place));
  const consequence = codeOf(statement, "do", place);
  const alternative = codeOf(statement, "else", place);
  return (run) =>
    chain(condition(run), (value) => conditionOf(value) ? consequence(run) : alternative(run));
}

/** `:while (condition) do={}`. */
export function compileWhile(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const condition = argumentOf(statement, "condition", borrowedIn(place));
  const body = codeOf(statement, "do", place);
  return (run) => finish(repeat(() => whileRound(run, condition, body)));
}

/** One round of a loop with its condition in front. */
export function whileRound(
  run: Run,
  condition: Evaluator,
  body: Evaluator,
): Eventually<boolean> {
  return chain(
    run.tick(),
    () => chain(condition(run), (value) => conditionOf(value) && chain(body(run), goOn)),
  );
}

/** `:for i from=1 to=9 step=2 do={}`; `to` is included. */
export function compileFor(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const bounds = ["from", "to", "step"].map((name) => argumentOf(statement, name, place));
  const body = codeOf(statement, "do", place);
  const [counter] = statement.variables;
  return (run) =>
    chain(evaluateAll(run, bounds), ([from, to, step = 1]) => {
      let current = numberOf(from, "from");
      const last = numberOf(to, "to");
      const increment = numberOf(step, "step");
      const round = (): Eventually<boolean> => {
        if (increment > 0 ? current > last : current < last) return false;
        return chain(run.tick(), () => {
          if (counter !== undefined) writeVariable(run, counter, current);
          current += increment;
          return chain(body(run), goOn);
        });
      };
      return finish(repeat(round));
    });
}

function numberOf(value: Value, name: string): number {
  if (typeof value === "number") return value;
  throw new RouterOsError(`invalid value for argument ${name}`);
}

/** `:foreach value in=array do={}`, or `:foreach key,value in=…`; nothing has no elements. */
export function compileForeach(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const collection = argumentOf(statement, "in", place);
  const body = codeOf(statement, "do", place);
  const [first, second] = statement.variables;
  return (run) =>
    chain(collection(run), (value) => {
      const elements = elementsOf(value);
      const round = (): Eventually<boolean> => {
        const next = elements.next();
        if (next.done === true) return false;
        const [key, element] = next.value;
        return chain(run.tick(), () => {
          if (first !== undefined) writeVariable(run, first, second === undefined ? element : key);
          if (second !== undefined) writeVariable(run, second, element);
          return chain(body(run), goOn);
        });
      };
      return finish(repeat(round));
    });
}

function* elementsOf(value: Value): Generator<[Value, Value], void, undefined> {
  if (value === undefined || value === null) return;
  if (typeof value !== "object" || value.type !== "array") {
    yield [0, value];
    return;
  }
  yield* value.items.entries();
  yield* value.entries;
}

function goOn(): boolean {
  return true;
}

function finish(loop: Eventually<void>): Eventually<Value> {
  return chain(loop, (): Value => undefined);
}
