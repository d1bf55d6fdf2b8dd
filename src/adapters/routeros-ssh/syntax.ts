/**
 * RouterOS console text. The only file that puts values into commands: everywhere else a command is
 * a {@link script} template, in which a string can only ever become one quoted literal.
 */

/** What may stand in a command: `string` becomes a literal, `boolean` becomes `yes` or `no`. */
export type ScriptValue = string | number | boolean | Script | readonly Script[];

/** A piece of console text that is well formed and free of line breaks. */
export class Script {
  readonly text: string;
  private constructor(text: string) {
    this.text = text;
  }

  /** For {@link script} alone: joins the text of a template with values made harmless. */
  static of(texts: readonly string[], values: readonly ScriptValue[]): Script {
    let text = oneLine(texts[0] ?? "");
    values.forEach((value, at) => text += render(value) + oneLine(texts[at + 1] ?? ""));
    return new Script(text.trim());
  }
}

/**
 * A command, or a piece of one. Its own text may be broken into lines, which become blanks; values
 * are quoted. An array of scripts is joined by blanks.
 */
export function script(texts: TemplateStringsArray, ...values: readonly ScriptValue[]): Script {
  return Script.of(texts.raw, values);
}

/** Text without any effect, for the absent part of a template. */
export const NOTHING: Script = script``;

/**
 * An array literal of `items`, for `in=` of a loop.
 * @throws {Error} when there are none: RouterOS has no literal for that.
 */
export function listOf(items: readonly (string | number)[]): Script {
  const [first, ...rest] = items;
  if (first === undefined) throw new Error("Cannot write an array: it is empty");
  return script`{${
    rest.reduce((list: Script, item) => script`${list};${item}`, script`${first}`)
  }}`;
}

/**
 * A reference to an item by its internal id, as an unquoted literal.
 * @throws {Error} when `id` is not `*` and hexadecimal digits.
 */
export function itemId(id: string): Script {
  if (!/^\*[0-9A-F]{1,16}$/.test(id)) throw new Error(`Cannot use item id ${JSON.stringify(id)}`);
  return Script.of([id], []);
}

/** `text` as a string literal, quotes included: printable ASCII on one line, whatever it holds. */
export function quote(text: string): string {
  let literal = "";
  for (const character of text) literal += escape(character);
  return `"${literal}"`;
}

const ENCODER = new TextEncoder();
const PLAIN = /^[ !#%&'()*+,\-./0-9:;<=>@A-Z[\]^_`a-z{|}~]$/;

function escape(character: string): string {
  if (PLAIN.test(character)) return character;
  if (character === '"' || character === "\\" || character === "$") return `\\${character}`;
  let bytes = "";
  for (const byte of ENCODER.encode(character)) {
    bytes += `\\${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return bytes;
}

function render(value: ScriptValue): string {
  if (value instanceof Script) return value.text;
  switch (typeof value) {
    case "string":
      return quote(value);
    case "boolean":
      return value ? "yes" : "no";
    case "number":
      return decimal(value);
    default:
      return value.map((part) => part.text).filter((text) => text !== "").join(" ");
  }
}

/** RouterOS reads a minus sign as an operator in places; we never need one. */
function decimal(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`Cannot write number ${value}`);
  return String(value);
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}
