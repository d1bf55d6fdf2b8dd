/** What the parsers know about the place they are at. */
import type { MenuTree } from "../menu.ts";
import type { Scanner } from "./scanner.ts";
import type { Statement, Variable } from "./syntax.ts";

/** How deep brackets, braces and parentheses may nest; a bound on the stack. */
const MAX_DEPTH = 150;

/** Counts the local variables of a line. */
export interface Frame {
  slotCount: number;
}

/** The variables that are visible at a place. */
export class Scope {
  readonly #parent: Scope | undefined;
  readonly #variables = new Map<string, Variable>();

  constructor(parent: Scope | undefined) {
    this.#parent = parent;
  }

  /** Makes a local variable, or gives the one this very scope already has. */
  declareLocal(name: string, frame: Frame): Variable {
    const existing = this.#variables.get(name);
    if (existing?.slot !== undefined) return existing;
    const variable: Variable = { name, slot: frame.slotCount++ };
    this.#variables.set(name, variable);
    return variable;
  }

  /** Makes the name stand for the session's global variable. */
  declareGlobal(name: string): Variable {
    const variable: Variable = { name, slot: undefined };
    this.#variables.set(name, variable);
    return variable;
  }

  /** The variable of that name, from the inside out. */
  find(name: string): Variable | undefined {
    return this.#variables.get(name) ?? this.#parent?.find(name);
  }
}

/** Inside `where`: words on the left are properties, and commands are evaluated beforehand. */
export interface ConditionContext {
  /** The properties of the menu, when it declares them. */
  readonly properties: ReadonlySet<string> | undefined;
  readonly hoisted: (readonly Statement[])[];
}

/** The place a parser is at; a new one is made for each nested part. */
export interface ParseContext {
  readonly scanner: Scanner;
  readonly tree: MenuTree;
  readonly frame: Frame;
  /** The globals that exist in the session; `:set` may change them without `:global`. */
  readonly globals: ReadonlySet<string>;
  readonly scope: Scope;
  /** The menu that relative commands are looked up in. */
  readonly path: readonly string[];
  readonly condition: ConditionContext | undefined;
  /** Whether the statements here are those of a `[…]`. */
  readonly isSubstitution: boolean;
  readonly depth: number;
  /** Parses statements up to `closing`, which it moves over; given here to break the circle. */
  readonly parseBody: (context: ParseContext, closing: string) => readonly Statement[];
}

/** The context one level further in. */
export function nested(context: ParseContext, change: Partial<ParseContext> = {}): ParseContext {
  if (context.depth >= MAX_DEPTH) context.scanner.fail("syntax error");
  return { ...context, ...change, depth: context.depth + 1 };
}

/** The one name that `word` names or begins; undefined when there is none, or more than one. */
export function resolveName(names: Iterable<string>, word: string): string | undefined {
  let found: string | undefined;
  let count = 0;
  for (const name of names) {
    if (name === word) return name;
    if (!name.startsWith(word)) continue;
    found = name;
    count += 1;
  }
  return count === 1 ? found : undefined;
}
