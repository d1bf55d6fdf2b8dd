/** `:set name value` and `:set ($name->"key") value`. */
import { argumentOf, borrowedIn } from "./builtin_arguments.ts";
import {
  compileExpression,
  elementOf,
  type ExpressionPlace,
  readVariable,
  writeVariable,
} from "./expression_compiler.ts";
import { chain, evaluateAll, type Evaluator, type Run } from "./run.ts";
import type { BuiltinStatement, Variable } from "./syntax.ts";
import { textOf } from "./text.ts";
import { arrayOf, type ArrayValue, type Value } from "./values.ts";

/** A missing value unsets the variable, or removes the element. */
export function compileSet(statement: BuiltinStatement, place: ExpressionPlace): Evaluator {
  const value = argumentOf(statement, "value", place);
  const keys = statement.keys.map((key) => compileExpression(key, borrowedIn(place)));
  const [variable] = statement.variables;
  if (variable === undefined) return () => undefined;
  return (run) =>
    chain(evaluateAll(run, keys), (keysNow) =>
      chain(value(run), (valueNow): Value => {
        if (keysNow.length === 0) writeVariable(run, variable, valueNow);
        else setElement(run, variable, keysNow, valueNow);
        return undefined;
      }));
}

/** Changes an element in place; arrays on the way that others can see are copied first. */
function setElement(run: Run, variable: Variable, keys: readonly Value[], value: Value): void {
  const before = readVariable(run, variable);
  const root = run.own(asArray(before));
  writeVariable(run, variable, root);
  let isCopy = root !== before;
  let array = root;
  for (const key of keys.slice(0, -1)) {
    const inner = asArray(elementOf(array, key));
    // What a copied array holds is still seen by the original.
    if (isCopy) run.share(inner);
    const owned = run.own(inner);
    isCopy = owned !== inner;
    put(array, key, owned);
    array = owned;
  }
  put(array, keys.at(-1), value);
}

function asArray(value: Value): ArrayValue {
  return typeof value === "object" && value?.type === "array" ? value : arrayOf([]);
}

function put(array: ArrayValue, key: Value, value: Value): void {
  const isPlace = typeof key === "number" && array.entries.size === 0 && key >= 0 &&
    key <= array.items.length;
  if (isPlace) array.items[key] = value;
  else if (value === undefined) array.entries.delete(textOf(key));
  else array.entries.set(textOf(key), value);
}
