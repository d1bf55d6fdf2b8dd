/**
 * The seam between the console language and the box behind it.
 *
 * The language (tokenizer, parser, evaluator) knows no menu. It asks a {@link MenuTree} which
 * words exist, so that an unknown command or argument is a parse error that stops the whole line
 * before anything ran, as on a real box; then it calls {@link MenuCommand.run}.
 */
import type { Value } from "./language/values.ts";

/** What the user who typed the command may do. */
export type Policy = "ssh" | "read" | "write" | "test" | "ftp" | "policy" | "reboot" | "sensitive";

/** The session a command runs in: one exec channel. */
export interface Session {
  readonly user: string;
  readonly policies: ReadonlySet<Policy>;
  /** The width `print` wraps at; 80 without a terminal. */
  readonly width: number;
}

/** One row of a menu as `where` and `get` see it: property name to value; absent = unset. */
export type Row = ReadonlyMap<string, Value>;

/** A call of one command, arguments already evaluated. */
export interface MenuCall {
  readonly session: Session;
  /** Values without a name, in the order they came (`/disk/set *2B …`, `/file/copy a name=b`). */
  readonly unnamed: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
  /** Names given as `!name`. */
  readonly unset: ReadonlySet<string>;
  /** Bare words that the command declares: `detail`, `terse`, `as-value`, `once`, `count-only` … */
  readonly flags: ReadonlySet<string>;
  /** Whether the command stands in `[…]`, so that its value goes to what is around it. */
  readonly isSubstituted?: boolean;
  /** The `where` condition; always true when there was none. */
  readonly where: (row: Row) => boolean;
  /**
   * The `property=value` parts of the condition that every matching row fulfils, so that a menu can
   * look rows up instead of trying all. A hint: `where` still decides.
   */
  readonly equal?: ReadonlyMap<string, Value>;
  /** Aborted when the caller left; a menu that waits should then give up. */
  readonly signal?: AbortSignal | undefined;
  /** Writes text to the output of the channel, lines ending `\n`; the channel makes them CRLF. */
  readonly print: (text: string) => void;
}

/** One command of a menu: what it accepts, and what it does. */
export interface MenuCommand {
  /** Names accepted as `name=value`; any other name is `expected end of command`. */
  readonly named: ReadonlySet<string>;
  /** Bare words accepted. */
  readonly flags: ReadonlySet<string>;
  /** The names that the unnamed values stand for, in order; more values are a parse error. */
  readonly unnamed: readonly string[];
  /** Whether `where <condition>` is accepted. */
  readonly where: boolean;
  /**
   * The properties a row may have. In a condition they hide variables of the same name, as on a
   * real box. Absent: decided row by row, by what the row has, and {@link MenuCall.equal} holds no
   * variables.
   */
  readonly properties?: ReadonlySet<string>;
  /** The policies needed; without one of them the call fails with `not enough permissions (9)`. */
  readonly policies: readonly Policy[];
  /**
   * Runs the command. What it returns is the value of `[/menu/command …]`.
   * @throws {RouterOsError} with RouterOS's own wording; `:onerror` can catch it.
   */
  readonly run: (call: MenuCall) => Value | Promise<Value>;
}

/** The commands of one menu, by name. */
export type Menu = Readonly<Record<string, MenuCommand>>;

/** The words of the console: menus, and the commands in each. */
export interface MenuTree {
  /** Whether `path` (words, no slashes: `["disk", "btrfs"]`) is a menu. */
  hasMenu(path: readonly string[]): boolean;
  /** The command `name` of the menu `path`, or undefined when there is none. */
  command(path: readonly string[], name: string): MenuCommand | undefined;
  /**
   * The menus and commands in `path`, so that a unique beginning can stand for a word (`/dis pr`).
   * Absent: no abbreviations.
   */
  words?(path: readonly string[]): readonly string[];
}

/**
 * An error of the console. `text` is what RouterOS prints, without position and path
 * (`failure: already have such slot`); the evaluator adds `(/disk/add; line 1)`.
 */
export class RouterOsError extends Error {
  readonly text: string;
  constructor(text: string) {
    super(text);
    this.name = "RouterOsError";
    this.text = text;
  }
}
