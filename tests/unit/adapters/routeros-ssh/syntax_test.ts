/** Whatever a string holds, it stays one string: held against the simulator's own tokenizer. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  itemId,
  listOf,
  NOTHING,
  quote,
  script,
} from "../../../../src/adapters/routeros-ssh/syntax.ts";
import { evaluateWords } from "../../../../src/simulator/language/console.ts";

const RUNS_VARIABLE = "RDS_CSI_QUOTING_RUNS";

/** Cases per property; the environment may ask for more. */
function caseCount(): number {
  const { state } = Deno.permissions.querySync({ name: "env", variable: RUNS_VARIABLE });
  const wish = state === "granted" ? Number(Deno.env.get(RUNS_VARIABLE)) : NaN;
  return Number.isSafeInteger(wish) && wish > 0 ? wish : 100_000;
}

/** Characters that mean something to a console, more often than chance would have them. */
const NASTY = fc.constantFrom(
  ...['"', "\\", "$", "?", "[", "]", "{", "}", "(", ")", ";", "#", "=", "'", "`", "\n", "\r", "\t"],
  ...["\0", "\x1b", "\x7f", " ", "\\\\", '\\"', "$(", "$[", "${", "\\n", "\\5C", "é", "€", "💾"],
  ...[":put", "/disk", "do={", "}", ' "; /system/reset-configuration; :put "', "\u2028", "\uFEFF"],
);
const TEXT = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.array(NASTY, { maxLength: 12 }).map((parts) => parts.join("")),
);

/** What UTF-8 makes of a text: halves of a surrogate pair have no bytes of their own. */
function stored(text: string): string {
  return text.toWellFormed();
}

Deno.test("quote() keeps any string whole: one literal, every character", () => {
  fc.assert(
    fc.property(TEXT, (text) => {
      assert.deepEqual(evaluateWords(`:put ${quote(text)}`), [stored(text)]);
    }),
    { numRuns: caseCount() },
  );
});

Deno.test("no value of a script can end its string or start a command", () => {
  fc.assert(
    fc.property(TEXT, TEXT, (first, second) => {
      const { text } = script`:put ${first}; :put ${second}`;
      assert.deepEqual(evaluateWords(text), [stored(first), stored(second)]);
    }),
    { numRuns: Math.ceil(caseCount() / 4) },
  );
});

Deno.test("quote() gives printable ASCII on one line, with hexadecimal digits in upper case", () => {
  fc.assert(fc.property(TEXT, (text) => {
    const literal = quote(text);
    assert.match(literal, /^"[ -~]*"$/);
    const escapes = literal.slice(1, -1).match(/\\(["\\$]|..)/g) ?? [];
    for (const escape of escapes) assert.match(escape, /^\\(["\\$]|[0-9A-F]{2})$/);
  }));
});

Deno.test("quote() leaves names and paths readable", () => {
  assert.equal(quote("/storage-pool/k8s/pvc-1.img"), '"/storage-pool/k8s/pvc-1.img"');
  assert.equal(quote('a"b\\c$d'), '"a\\"b\\\\c\\$d"');
  assert.equal(quote("é?\n"), '"\\C3\\A9\\3F\\0A"');
  assert.equal(quote(""), '""');
});

Deno.test("script puts values where they belong and takes its own line breaks away", () => {
  const line = script`/disk/set ${"x"}
    file-size=${1_099_511_627_776} nvme-tcp-export=${true}
    swap=${false} ${[script`a`, NOTHING, script`b`]}`;
  assert.equal(
    line.text,
    '/disk/set "x" file-size=1099511627776 nvme-tcp-export=yes swap=no a b',
  );
});

Deno.test("script refuses numbers that RouterOS would read otherwise", () => {
  for (const number of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
    assert.throws(() => script`:put ${number}`, /Cannot write number/);
  }
});

Deno.test("itemId() takes internal ids and nothing else", () => {
  assert.equal(itemId("*2B").text, "*2B");
  for (const id of ["", "*", "2B", "*2b", "*2B;", "*2B /disk/remove", "**2B", "*2B\n"]) {
    assert.throws(() => itemId(id), /Cannot use item id/);
  }
});

Deno.test("listOf() writes arrays of numbers and strings", () => {
  assert.equal(listOf([1, 2, 3]).text, "{1;2;3}");
  assert.equal(listOf(["a;b"]).text, '{"a;b"}');
  assert.throws(() => listOf([]), /it is empty/);
});
