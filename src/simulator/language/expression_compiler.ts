/** Expressions as functions: names are looked up here, not while they run. */
import { BINARY, CONDITION_BINARY, isTrue, UNARY } from "./operators.ts";
import { chain, evaluateAll, type Evaluator, type Eventually, type Run } from "./run.ts";
import type { ArrayElement, Expression, Statement, Variable } from "./syntax.ts";
import { textOf } from "./text.ts";
import type { ArrayValue, Value } from "./values.ts";

/** Compiles the statements of a `[command]`; their value is that of the last one. */
export type CompileBody = (body: readonly Statement[]) => Evaluator;

/** What the compiler of expressions is told of their place. */
export interface ExpressionPlace {
  readonly compileBody: CompileBody;
  /** In a condition absent properties are no errors. */
  readonly inCondition: boolean;
  /** The value is only looked at, so that an array in a variable need not be copied later. */
  readonly isBorrowed: boolean;
}

/** The function that gives the value of an expression. */
export function compileExpression(expression: Expression, place: ExpressionPlace): Evaluator {
  const owning = place.isBorrowed ? { ...place, isBorrowed: false } : place;
  switch (expression.kind) {
    case "literal": {
      const { value } = expression;
      return () => value;
    }
    case "template":
      return compileTemplate(expression.parts, { ...place, isBorrowed: true });
    case "variable":
      return compileVariable(expression.variable, expression.maybeProperty, place.isBorrowed);
    case "property": {
      const { name } = expression;
      return (run) => run.row?.get(name);
    }
    case "hoisted": {
      const { index } = expression;
      return (run) => run.hoisted[index];
    }
    case "array":
      return compileArray(expression.elements, owning);
    case "substitution":
      return place.compileBody(expression.body);
    case "unary":
      return compileUnary(expression, owning);
    case "binary":
      return compileBinary(expression, owning);
    case "index":
      return compileIndex(expression.target, expression.key, place);
  }
}

function compileTemplate(parts: readonly Expression[], place: ExpressionPlace): Evaluator {
  const evaluators = parts.map((part) => compileExpression(part, place));
  return (run) =>
    chain(evaluateAll(run, evaluators), (values) => {
      let text = "";
      for (const value of values) text += textOf(value);
      return text;
    });
}

function compileVariable(
  variable: Variable,
  maybeProperty: boolean,
  isBorrowed: boolean,
): Evaluator {
  const { name } = variable;
  const read = (run: Run): Value => {
    const value = readVariable(run, variable);
    return isBorrowed ? value : run.share(value);
  };
  if (!maybeProperty) return read;
  return (run) => run.row?.has(name) === true ? run.row.get(name) : read(run);
}

/** The value of a variable now; nothing when it was never set. */
export function readVariable(run: Run, variable: Variable): Value {
  return variable.slot === undefined ? run.globals.get(variable.name) : run.locals[variable.slot];
}

/** Gives a variable a value. */
export function writeVariable(run: Run, variable: Variable, value: Value): void {
  if (variable.slot === undefined) run.globals.set(variable.name, value);
  else run.locals[variable.slot] = value;
}

function compileArray(elements: readonly ArrayElement[], place: ExpressionPlace): Evaluator {
  const values = elements.map((element) => compileExpression(element.value, place));
  const keys = elements.map((element) =>
    element.key === undefined ? noKey : compileExpression(element.key, place)
  );
  return (run) =>
    chain(
      evaluateAll(run, keys),
      (keysNow) => chain(evaluateAll(run, values), (valuesNow) => arrayFrom(keysNow, valuesNow)),
    );
}

function noKey(): Value {
  return undefined;
}

function arrayFrom(keys: readonly Value[], values: readonly Value[]): ArrayValue {
  const array: ArrayValue = { type: "array", items: [], entries: new Map() };
  values.forEach((value, index) => {
    const key = keys[index];
    if (key === undefined) array.items.push(value);
    else array.entries.set(textOf(key), value);
  });
  return array;
}

function compileUnary(
  expression: Extract<Expression, { kind: "unary" }>,
  place: ExpressionPlace,
): Evaluator {
  const operand = compileExpression(expression.operand, place);
  const operation = place.inCondition && expression.operator === "not"
    ? (value: Value): Value => !isTrue(value)
    : UNARY[expression.operator];
  return (run) => chain(operand(run), operation);
}

/** Both sides are evaluated always: the console's `&&` and `||` do not stop early. */
function compileBinary(
  expression: Extract<Expression, { kind: "binary" }>,
  place: ExpressionPlace,
): Evaluator {
  const left = compileExpression(expression.left, place);
  const right = compileExpression(expression.right, place);
  const operation = (place.inCondition ? CONDITION_BINARY : BINARY)[expression.operator];
  return (run): Eventually<Value> => {
    const leftValue = left(run);
    if (leftValue instanceof Promise) {
      return leftValue.then((one) => chain(right(run), (other) => operation(one, other)));
    }
    return chain(right(run), (other) => operation(leftValue, other));
  };
}

function compileIndex(target: Expression, key: Expression, place: ExpressionPlace): Evaluator {
  const array = compileExpression(target, { ...place, isBorrowed: true });
  const index = compileExpression(key, { ...place, isBorrowed: true });
  const { isBorrowed } = place;
  return (run) =>
    chain(array(run), (arrayNow) =>
      chain(index(run), (keyNow) => {
        const value = elementOf(arrayNow, keyNow);
        return isBorrowed ? value : run.share(value);
      }));
}

/** The element of an array by number or key; nothing when there is none. */
export function elementOf(array: Value, key: Value): Value {
  if (typeof array !== "object" || array === null || array.type !== "array") return undefined;
  if (typeof key === "number" && key < array.items.length) return array.items[key];
  return array.entries.get(textOf(key));
}
