/**
 * What a configuration is made of: fields that say what they allow, read a value, and report what
 * is wrong with it instead of throwing, so that all problems are known at once.
 */

/** Takes one problem: the key's path, and what is wrong with it. */
export type Report = (path: string, finding: string) => void;

/** One key of the configuration. */
export interface Field<Value> {
  /** What the key is for: a sentence for the reference page. */
  readonly about: string;
  /** What may be written, in words. */
  readonly allowed: string;
  /** What holds when the key is absent; a function is asked for one that has no fixed value. */
  readonly fallback: { readonly kind: "required" } | Fallback<Value>;
  /** The keys below this one. */
  readonly below?: Readonly<Record<string, Field<unknown>>>;
  /** The value, or undefined after at least one problem was reported. */
  read(value: unknown, path: string, report: Report): Value | undefined;
}

/** A default: the value, and how the reference page shows it. */
export interface Fallback<Value> {
  readonly kind: "default";
  readonly value: Value;
  readonly shown: string;
}

/** A field for every key of `Section`; a key without one does not compile. */
export type FieldsOf<Section> = { readonly [Key in keyof Section]-?: Field<Section[Key]> };

/** A key that must be written. */
export const REQUIRED: { readonly kind: "required" } = { kind: "required" };

/** A default that is shown as it is written. */
export function byDefault<Value>(value: Value, shown: string = String(value)): Fallback<Value> {
  return { kind: "default", value, shown };
}

/** A key with a single value, which `parse` makes from what is written or does not. */
export function scalar<Value>(
  about: string,
  allowed: string,
  fallback: Field<Value>["fallback"],
  parse: (value: unknown) => Value | undefined,
): Field<Value> {
  return {
    about,
    allowed,
    fallback,
    read(value, path, report): Value | undefined {
      const parsed = parse(value);
      if (parsed === undefined) report(path, `${show(value)} is not allowed: write ${allowed}`);
      return parsed;
    },
  };
}

/** A key with a list of at least `least` and at most `most` values. */
export function list<Value>(
  entry: Field<Value>,
  bounds: { readonly least: number; readonly most: number },
  fallback: Field<readonly Value[]>["fallback"],
): Field<readonly Value[]> {
  const { least, most } = bounds;
  return {
    about: entry.about,
    allowed: `a list of ${least} to ${most}: ${entry.allowed}`,
    fallback,
    ...(entry.below === undefined ? {} : { below: entry.below }),
    read(value, path, report): readonly Value[] | undefined {
      if (!Array.isArray(value) || value.length < least || value.length > most) {
        const found = Array.isArray(value) ? `a list of ${value.length}` : show(value);
        report(path, `${found} is not allowed: write a list of ${least} to ${most}`);
        return undefined;
      }
      const items: readonly unknown[] = value;
      const read = items.map((item, index) => entry.read(item, `${path}[${index}]`, report));
      const values = read.filter((item) => item !== undefined);
      return values.length === items.length ? values : undefined;
    },
  };
}

/** A key with keys below it, all of them optional or not as each says. */
export function section<Value extends object>(
  about: string,
  fields: FieldsOf<Value>,
  fallback: Field<Value>["fallback"],
): Field<Value> {
  const below: Readonly<Record<string, Field<unknown>>> = fields;
  return {
    about,
    allowed: "keys and values",
    fallback,
    below,
    read: (value, path, report) => readSection(fields, value, path, report),
  };
}

/** What holds when nothing is written; every field must have a default. */
export function defaultsOf<Value extends object>(fields: FieldsOf<Value>): Fallback<Value> {
  const value = readSection(fields, {}, "", (path, finding) => {
    throw new TypeError(`Cannot default ${path}: ${finding}`);
  });
  if (value === undefined) throw new TypeError("Cannot default a section with required keys");
  return { kind: "default", value, shown: "see below" };
}

function readSection<Value extends object>(
  fields: FieldsOf<Value>,
  value: unknown,
  path: string,
  report: Report,
): Value | undefined {
  if (!isMapping(value)) {
    report(path, `${show(value)} is not allowed: write keys and values`);
    return undefined;
  }
  reportUnknownKeys(Object.keys(value), Object.keys(fields), path, report);
  const read: Partial<Value> = {};
  let isComplete = true;
  for (const key in fields) {
    const entry = readKey(fields[key], value[key], join(path, key), report);
    if (entry === undefined) isComplete = false;
    else read[key] = entry.value;
  }
  return isComplete ? asComplete(read) : undefined;
}

function readKey<Value>(
  field: Field<Value>,
  value: unknown,
  path: string,
  report: Report,
): { readonly value: Value } | undefined {
  if (value === undefined || value === null) {
    if (field.fallback.kind === "default") return { value: field.fallback.value };
    report(path, `it is missing: write ${field.allowed}`);
    return undefined;
  }
  const read = field.read(value, path, report);
  return read === undefined ? undefined : { value: read };
}

function reportUnknownKeys(
  written: readonly string[],
  known: readonly string[],
  path: string,
  report: Report,
): void {
  for (const key of written.filter((name) => !known.includes(name))) {
    const meant = closest(key, known);
    const hint = meant === undefined
      ? `write one of ${known.join(", ")}`
      : `did you mean "${meant}"?`;
    report(join(path, key), `there is no such key: ${hint}`);
  }
}

/** Every key was read: the loop above has filled what `Value` demands. */
function asComplete<Value extends object>(read: Partial<Value>): Value {
  return read as Value;
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** A value as a message shows it: quoted when it is text, short when it is long. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

/** The word of `words` that differs in at most a third of its letters, or undefined. */
export function closest(word: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of words) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best !== undefined && bestDistance * 3 <= best.length ? best : undefined;
}

/** Letters to insert, delete, replace or swap with their neighbour; of the first 64 of each. */
function editDistance(left: string, right: string): number {
  const [above, across] = [Array.from(left.slice(0, 64)), Array.from(right.slice(0, 64))];
  let beforeLast: number[] = [];
  let last = Array.from({ length: across.length + 1 }, (_, column) => column);
  for (const [row, letter] of above.entries()) {
    const next = [row + 1];
    for (const [column, other] of across.entries()) {
      const replaced = (last[column] ?? 0) + (letter === other ? 0 : 1);
      const isSwap = letter === across[column - 1] && other === above[row - 1];
      const swapped = isSwap ? (beforeLast[column - 1] ?? Infinity) + 1 : Infinity;
      const shifted = Math.min(last[column + 1] ?? 0, next[column] ?? 0) + 1;
      next.push(Math.min(replaced, swapped, shifted));
    }
    [beforeLast, last] = [last, next];
  }
  return last.at(-1) ?? 0;
}
