import assert from "node:assert/strict";
import fc from "fast-check";
import { ConsoleSyntaxError, evaluateWords } from "../../../../src/simulator/language/console.ts";
import { jsonOf } from "../../../../src/simulator/language/json.ts";
import { arrayOf, mapOf, type Value } from "../../../../src/simulator/language/values.ts";
import { fakeMenus, outputOf } from "./fake_menus.ts";

const ESCAPED: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "$": "\\$",
  "\n": "\\n",
  "\r": "\\r",
};

/** Writes a string the way a careful client does. */
function quote(text: string): string {
  return `"${text.replace(/["\\$\n\r]/g, (char) => ESCAPED[char] ?? "")}"`;
}

/** Writes every byte as `\XX`. */
function quoteBytes(text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  return `"${
    bytes.map((byte) => `\\${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("")
  }"`;
}

const anyText = fc.string({ unit: "grapheme", maxLength: 40 });
/** Text made of what means something to the console. */
const hostileText = fc.string({
  unit: fc.constantFrom(...'"\\$[](){};:#=/!~<>&|.,*-+ \n\r\t09azAFx', ":put ", "/disk", " where "),
  maxLength: 30,
});

Deno.test("any string survives quoting, and stays one string", () => {
  fc.assert(
    fc.property(fc.oneof(anyText, hostileText), fc.boolean(), (text, asBytes) => {
      const literal = asBytes ? quoteBytes(text) : quote(text);
      assert.deepEqual(evaluateWords(`:put ${literal}`), [text]);
      assert.deepEqual(evaluateWords(`:put ${literal}; :put ${literal}`), [text, text]);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("an unescaped string that holds more than text is not taken for a literal", () => {
  for (
    const line of [':put "$a"', ':put "$(1)"', ':put "$[:len 1]"', ":put [:len 1]", ":error x"]
  ) {
    assert.throws(() => evaluateWords(line), /not only literals/);
  }
  for (const line of [':put "a" b', ':put "a"; /disk/print', ':put "a']) {
    assert.throws(() => evaluateWords(line), ConsoleSyntaxError);
  }
  assert.throws(() => evaluateWords(':put "a"\n:put "b"'), /not only literals/);
});

Deno.test("a quoted value reaches the menu unchanged, and nothing else happens", async () => {
  await fc.assert(
    fc.asyncProperty(hostileText, async (text) => {
      const menus = fakeMenus();
      const output = await outputOf(`/disk/add comment=${quote(text)} type=file`, menus);
      assert.equal(output, "");
      assert.deepEqual(menus.seen.names, ["add"]);
      assert.equal(menus.seen.calls[0]?.named.get("comment"), text);
    }),
    { numRuns: 500 },
  );
});

Deno.test("no line makes the console throw; one that does not parse runs nothing", async () => {
  const pieces = fc.constantFrom(
    ":put",
    ":if",
    ":foreach",
    ":onerror",
    ":local",
    ":set",
    ":do",
    ":for",
    "/disk",
    "/disk/print",
    "find",
    "add",
    "where",
    "slot=",
    "do={",
    "in=",
    "e",
    "$a",
    "$",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ";",
    '"',
    "\\",
    "=",
    "->",
    "&&",
    "||",
    "!",
    "~",
    "in",
    "and",
    "not",
    ".",
    ",",
    "1",
    "-",
    "*2B",
    "1d",
    "10.0.0.1",
    "yes",
    "#",
    "\n",
    "as-value",
    "detail",
    ":serialize to=json",
    ":return",
    ":error",
    ":pick",
    ":time",
    "<",
    ">>",
    "%",
    "/",
  );
  const garbage = fc.oneof(
    fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join(" ")),
    fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join("")),
    hostileText,
    anyText,
  );
  await fc.assert(
    fc.asyncProperty(garbage, async (line) => {
      const menus = fakeMenus();
      const output = await outputOf(line, menus, {
        maxIterations: 1000,
        sleep: () => Promise.resolve(),
      });
      if (/^(syntax error|expected|bad command name|missing value).*line 1 column/.test(output)) {
        assert.deepEqual(menus.seen.names, []);
      }
      if (output !== "") assert.equal(output.at(-1), "\n");
    }),
    { numRuns: 3000 },
  );
});

Deno.test("what is serialized without string conversion can be read back", () => {
  const { value } = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      anyText,
      fc.integer(),
      fc.boolean(),
      fc.array(tie("value"), { maxLength: 4 }).map(arrayOf),
      fc.uniqueArray(fc.tuple(anyText, tie("value")), {
        minLength: 1,
        maxLength: 4,
        selector: ([key]) => key,
      }).map(mapOf),
    ),
  }));
  fc.assert(
    fc.property(value, fc.boolean(), (original, pretty) => {
      const text = jsonOf(original, { keepStrings: true, pretty });
      assert.deepEqual(JSON.parse(text), plainOf(original));
      if (!pretty) assert.equal(text.includes("\n"), false);
    }),
    { numRuns: 500 },
  );
});

function plainOf(value: Value): unknown {
  if (typeof value !== "object" || value?.type !== "array") return value ?? null;
  if (value.entries.size === 0) return value.items.map(plainOf);
  return Object.fromEntries([...value.entries].map(([key, member]) => [key, plainOf(member)]));
}
