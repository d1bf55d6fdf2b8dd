/** The tree a console line is parsed into; every name in it is already resolved. */
import type { MenuCommand } from "../menu.ts";
import type { BuiltinName } from "./builtin_signatures.ts";
import type { Value } from "./values.ts";

/** Operators between two values. */
export type BinaryOperator =
  | "or"
  | "and"
  | "="
  | "!="
  | "<"
  | ">"
  | "<="
  | ">="
  | "~"
  | "in"
  | ","
  | "."
  | "|"
  | "^"
  | "&"
  | "<<"
  | ">>"
  | "+"
  | "-"
  | "*"
  | "/"
  | "%";

/** Operators before a value. */
export type UnaryOperator = "not" | "negate" | "complement";

/** Where a variable lives: a place in the line's frame, or the session's globals by name. */
export interface Variable {
  readonly name: string;
  readonly slot: number | undefined;
}

/** An element of an array literal: `value`, or `key=value`. */
export interface ArrayElement {
  readonly key: Expression | undefined;
  readonly value: Expression;
}

/** Anything that has a value. */
export type Expression =
  /** `word` is the text of an unquoted word: menus want `007`, not 7. */
  | { readonly kind: "literal"; readonly value: Value; readonly word: string | undefined }
  | { readonly kind: "template"; readonly parts: readonly Expression[] }
  /** `maybeProperty`: in a condition, a property of that name hides the variable. */
  | { readonly kind: "variable"; readonly variable: Variable; readonly maybeProperty: boolean }
  | { readonly kind: "property"; readonly name: string }
  /** The value of a `[command]` in a condition, evaluated once before the rows are looked at. */
  | { readonly kind: "hoisted"; readonly index: number }
  | { readonly kind: "array"; readonly elements: readonly ArrayElement[] }
  | { readonly kind: "substitution"; readonly body: readonly Statement[] }
  | { readonly kind: "unary"; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
    readonly kind: "binary";
    readonly operator: BinaryOperator;
    readonly left: Expression;
    readonly right: Expression;
  }
  | { readonly kind: "index"; readonly target: Expression; readonly key: Expression };

/** What follows `where`. */
export interface Condition {
  readonly expression: Expression;
  readonly hoisted: readonly (readonly Statement[])[];
  /** The `property=value` parts that every matching row must fulfil. */
  readonly equalities: readonly (readonly [property: string, value: Expression])[];
}

/** A command of a menu. */
export interface MenuStatement {
  readonly kind: "menu";
  readonly path: readonly string[];
  readonly name: string;
  readonly command: MenuCommand;
  readonly unnamed: readonly Expression[];
  readonly named: readonly (readonly [name: string, value: Expression])[];
  readonly unset: ReadonlySet<string>;
  readonly flags: ReadonlySet<string>;
  readonly condition: Condition | undefined;
  /** Whether it stands in `[…]`. */
  readonly isSubstituted: boolean;
  readonly line: number;
}

/** A global command: `:put`, `:if`, `:foreach` … */
export interface BuiltinStatement {
  readonly kind: "builtin";
  readonly name: BuiltinName;
  readonly values: ReadonlyMap<string, Expression>;
  readonly bodies: ReadonlyMap<string, readonly Statement[]>;
  readonly variables: readonly Variable[];
  /** Of `:set ($a->"k")`: the keys, outermost first. */
  readonly keys: readonly Expression[];
  readonly line: number;
}

/** One statement of a line. */
export type Statement =
  | MenuStatement
  | BuiltinStatement
  | { readonly kind: "block"; readonly body: readonly Statement[] };

/** A whole line, ready to run. */
export interface Program {
  readonly body: readonly Statement[];
  /** How many local variables the line declares. */
  readonly slotCount: number;
  /** The line of the first text after a newline; it never runs. Undefined when there is none. */
  readonly strayLine: number | undefined;
}
