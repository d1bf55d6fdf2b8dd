import assert from "node:assert/strict";
import { RouterOsError } from "../../../../src/simulator/menu.ts";
import { matchesPosix } from "../../../../src/simulator/language/posix_regex.ts";

const CASES: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ["pvc", "my-pvc-1", true],
  ["^pvc", "my-pvc-1", false],
  ["^csi-", "csi-a", true],
  ["a$", "csi-a", true],
  ["a$", "a\nb", false],
  ["a.b", "a\nb", true],
  ["192\\.168", "192x168", false],
  ["192\\.168", "192.168.1.1", true],
  ["[0-9]{2,3}$", "a12", true],
  ["^(a|b)+$", "abba", true],
  ["[[:digit:][:space:]]", "a 1", true],
  ["^[[:alnum:]-]+$", "csi-A9", true],
  ["^[^[:upper:]]+$", "abC", false],
  ["[]x]", "]", true],
  ["[^]x]", "]x", false],
  ["[a\\]", "\\", true],
  ["[\\d]", "7", false],
  ["[\\d]", "d", true],
  ["\\d", "7", false],
  ["[a-c]", "b", true],
  ["/pool", "x/pool", true],
  ["", "anything", true],
  ["^(ab|a)(c|bcd)$", "abcd", true],
  ["^a{2}$", "aa", true],
  ["^a{2}$", "aaa", false],
  ["^a{,2}$", "a", true],
  ["^a{2,}$", "aaaa", true],
  ["^a**$", "aa", true],
  ["^(a*)*b$", "aab", true],
  ["^(|a)b$", "b", true],
  ["a{x", "a{x", true],
  ["\\bpool\\b", "storage-pool-2", true],
  ["\\bpool\\b", "spools", false],
  ["colou?r$", "color", true],
];

for (const [pattern, text, expected] of CASES) {
  Deno.test(`the POSIX pattern ${JSON.stringify(pattern)} ${expected ? "matches" : "does not match"} ${JSON.stringify(text)}`, () => {
    assert.equal(matchesPosix(text, pattern), expected);
  });
}

for (
  const pattern of [
    "(",
    ")",
    "[a",
    "[b-a]",
    "a{3,2}",
    "a{300}",
    "(((a{99}){99}){99})",
    "[[:nope:]]",
    "*a",
    "a\\",
    "(?=a)",
    "a".repeat(5000),
  ]
) {
  Deno.test(`the pattern ${JSON.stringify(pattern.slice(0, 20))} is refused`, () => {
    assert.throws(() => matchesPosix("a", pattern), RouterOsError);
  });
}

for (const pattern of ["^(a+)+$", "^(a|a)*$", "^(a?){99}a{99}$", "(.*a){9}$"]) {
  Deno.test(`the pattern ${JSON.stringify(pattern)} cannot hold up the simulator`, () => {
    const text = `${"a".repeat(5000)}b`;
    const startMs = performance.now();
    assert.equal(matchesPosix(text, pattern), false);
    assert.ok(performance.now() - startMs < 5000);
  });
}

Deno.test("deep parentheses are refused before they exhaust the stack", () => {
  const pattern = "(".repeat(2000) + "a" + ")".repeat(2000);
  assert.throws(() => matchesPosix("a", pattern), RouterOsError);
});
