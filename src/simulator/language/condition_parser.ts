/** What follows `where`, or `find`. */
import { parseExpression } from "./expression_parser.ts";
import { nested, type ParseContext } from "./parse_context.ts";
import type { Condition, Expression, Statement } from "./syntax.ts";

const ALWAYS: Expression = { kind: "literal", value: true, word: undefined };

/** Reads a condition up to the end of the command; without one, every row matches. */
export function parseCondition(
  context: ParseContext,
  properties: ReadonlySet<string> | undefined,
): Condition {
  const hoisted: (readonly Statement[])[] = [];
  const { scanner } = context;
  scanner.skipBlanks();
  if (scanner.atCommandEnd()) return { expression: ALWAYS, hoisted, equalities: [] };
  const expression = parseExpression(nested(context, { condition: { properties, hoisted } }));
  if (!scanner.atCommandEnd()) scanner.fail("expected end of command");
  return { expression, hoisted, equalities: equalitiesOf(expression) };
}

/** The `property=value` parts joined by "and" whose value is the same for every row. */
function equalitiesOf(expression: Expression): (readonly [string, Expression])[] {
  if (expression.kind !== "binary") return [];
  const { operator, left, right } = expression;
  if (operator === "and") return [...equalitiesOf(left), ...equalitiesOf(right)];
  if (operator !== "=" || left.kind !== "property" || !isSameForAllRows(right)) return [];
  return [[left.name, right]];
}

function isSameForAllRows(expression: Expression): boolean {
  switch (expression.kind) {
    case "literal":
    case "hoisted":
      return true;
    case "variable":
      return !expression.maybeProperty;
    case "template":
      return expression.parts.every(isSameForAllRows);
    default:
      return false;
  }
}
