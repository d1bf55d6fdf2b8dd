/** Reading the fields of a JSON object one by one; what is wrong is said with the field's name. */
import { isAbsolute } from "node:path";
import { StorageError } from "../../domain/errors.ts";

/** Turns a value into what a field means. @throws {RangeError} saying what is wrong with it */
export type Parse<T> = (value: unknown) => T;

/** The fields of one object. Every one must be read: an unknown field may mean something. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #unread: Set<string>;

  /** @throws {RangeError} when the value is no object */
  constructor(value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new RangeError("it is no object");
    }
    this.#values = new Map(Object.entries(value));
    this.#unread = new Set(this.#values.keys());
  }

  /** The value of a field. @throws {RangeError} when it is missing or wrong */
  get<T>(name: string, parse: Parse<T>): T {
    this.#unread.delete(name);
    try {
      return parse(this.#values.get(name));
    } catch (error) {
      if (!(error instanceof RangeError) && !(error instanceof StorageError)) throw error;
      throw new RangeError(`${name}: ${error.message}`, { cause: error });
    }
  }

  /** An object with the field, or without it when it is not there. @throws {RangeError} */
  optional<Name extends string, T>(name: Name, parse: Parse<T>): { [Key in Name]?: T } {
    if (!this.#values.has(name)) return {};
    const field: { [Key in Name]?: T } = {};
    field[name] = this.get(name, parse);
    return field;
  }

  /** All fields, which must be texts. @throws {RangeError} when one is not */
  texts(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const name of this.#values.keys()) found[name] = this.get(name, matching(/^/));
    return found;
  }

  /** @throws {RangeError} when a field was not read */
  end(): void {
    const [unread] = this.#unread;
    if (unread !== undefined) throw new RangeError(`${unread}: unknown`);
  }
}

/** A text of that form. */
export function matching(pattern: RegExp): Parse<string> {
  return (value) => {
    if (typeof value === "string" && pattern.test(value)) return value;
    throw new RangeError(`it is ${shown(value)}`);
  };
}

/** One of a few texts. */
export function choice<T extends string>(choices: readonly T[]): Parse<T> {
  return (value) => {
    const found = choices.find((each) => each === value);
    if (found !== undefined) return found;
    throw new RangeError(`it is ${shown(value)}, and allowed is ${choices.join(", ")}`);
  };
}

/** A list of texts. */
export function texts(value: unknown): string[] {
  if (!Array.isArray(value)) throw new RangeError(`it is ${shown(value)}, not a list`);
  return value.map(matching(/^/));
}

/** A whole number from 0 on that a number holds exactly. */
export function wholeNumber(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`it is ${shown(value)}, not a whole number`);
}

/** An absolute path. */
export function absolutePath(value: unknown): string {
  if (typeof value === "string" && isAbsolute(value) && !value.includes("\0")) return value;
  throw new RangeError(`it is ${shown(value)}, not an absolute path`);
}

function shown(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value).slice(0, 100);
}
