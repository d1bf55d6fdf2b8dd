/** The arguments of global commands as functions. */
import { compileExpression, type ExpressionPlace } from "./expression_compiler.ts";
import type { Evaluator } from "./run.ts";
import type { BuiltinStatement } from "./syntax.ts";
import type { Value } from "./values.ts";

/** The value of an argument; nothing when it was not given. */
export function argumentOf(
  statement: BuiltinStatement,
  name: string,
  place: ExpressionPlace,
): Evaluator {
  const expression = statement.values.get(name);
  return expression === undefined ? nothing : compileExpression(expression, place);
}

/** The code of an argument; nothing is done when it was not given. */
export function codeOf(
  statement: BuiltinStatement,
  name: string,
  place: ExpressionPlace,
): Evaluator {
  const body = statement.bodies.get(name);
  return body === undefined ? nothing : place.compileBody(body);
}

/** The same place, for a value that is only looked at. */
export function borrowedIn(place: ExpressionPlace): ExpressionPlace {
  return { ...place, isBorrowed: true };
}

function nothing(): Value {
  return undefined;
}
