import assert from "node:assert/strict";
import { fakeMenus, outputOf, testLines } from "./fake_menus.ts";

testLines([
  // Unknown words, with the column of the word, from 1.
  ["foo", "bad command name foo (line 1 column 1)"],
  ["/foo/bar", "bad command name foo (line 1 column 2)"],
  ["/disk/foo", "bad command name foo (line 1 column 7)"],
  ["/disk foo", "bad command name foo (line 1 column 7)"],
  [":foo 1", "bad command name foo (line 1 column 2)"],
  [':parse "x"', "bad command name parse (line 1 column 2)"],
  [":environment print", "bad command name environment (line 1 column 2)"],
  [":log nonsense x", "bad command name nonsense (line 1 column 6)"],
  [":put [/disk/find]; /disk/nope", "bad command name nope (line 1 column 26)"],
  // A path without a command.
  ["/disk", "expected command name (line 1 column 6)"],
  ["/", "expected command name (line 1 column 2)"],
  ["/disk/btrfs/", "expected command name (line 1 column 13)"],
  [":", "expected command name (line 1 column 2)"],
  // Arguments that the command does not have.
  ["/disk/add foo=1", "expected end of command (line 1 column 11)"],
  ["/disk/add type=file foo=1", "expected end of command (line 1 column 21)"],
  ["/disk/print foo", "expected end of command (line 1 column 13)"],
  ["/disk/print slot=csi-a", "expected end of command (line 1 column 13)"],
  ["/disk/set *2B foo=1", "expected end of command (line 1 column 15)"],
  ["/disk/set foo=1", "expected end of command (line 1 column 11)"],
  ["/disk/set *2B !foo", "expected end of command (line 1 column 15)"],
  ["/disk/remove *1 *2", "expected end of command (line 1 column 17)"],
  ["/disk/print/x", "expected end of command (line 1 column 12)"],
  [":put a b", "expected end of command (line 1 column 8)"],
  [':put "a""b"', "expected end of command (line 1 column 9)"],
  [":put a.$b", "expected end of command (line 1 column 8)"],
  [":put $a->1", "expected end of command (line 1 column 8)"],
  [":if (true) then={}", "expected end of command (line 1 column 12)"],
  // Missing arguments.
  [":put", "missing value(s) of argument(s) message"],
  [":onerror e in={}", "missing value(s) of argument(s) do"],
  [":foreach i do={}", "missing value(s) of argument(s) in"],
  [":serialize to=json", "missing value(s) of argument(s) value"],
  // Malformed text.
  [':put "abc', "syntax error (line 1 column 10)"],
  [":put (1 + 2", "syntax error (line 1 column 12)"],
  [":put (1 + )", "syntax error (line 1 column 11)"],
  [":put [/disk/find", "syntax error (line 1 column 17)"],
  [":put {1;2", "syntax error (line 1 column 10)"],
  [":if (true) do={ :put 1", "syntax error (line 1 column 23)"],
  [":put 1 }", "syntax error (line 1 column 8)"],
  [":put ]", "missing value(s) of argument(s) message"],
  [":put a=b", "expected end of command (line 1 column 6)"],
  ["/disk/add slot=", "syntax error (line 1 column 16)"],
  ["/disk/add slot= type=file", "syntax error (line 1 column 16)"],
  // Strings: only known escapes, upper case hexadecimal, no bare dollar sign.
  [':put "\\2f"', "syntax error (line 1 column 7)"],
  [':put "\\Ff"', "syntax error (line 1 column 7)"],
  [':put "a\\."', "syntax error (line 1 column 8)"],
  [':put "a\\-b"', "syntax error (line 1 column 8)"],
  [':put "cost$"', "syntax error (line 1 column 12)"],
  [':put "a $ b"', "syntax error (line 1 column 10)"],
  // Variables.
  [":local my-var 5", "syntax error (line 1 column 10)"],
  [":local my_var 5", "syntax error (line 1 column 10)"],
  [":set a 5", "syntax error (line 1 column 6)"],
  [':set ("a"->1) 5', "syntax error (line 1 column 6)"],
  // Lines: only the first runs.
  [":put 1\n:put 2", "1\nsyntax error (line 2 column 1)"],
  [":put 1\r\n\r\n:put 2", "1\nsyntax error (line 3 column 1)"],
  [":if (true) do={\n:put 1 }", "syntax error (line 1 column 16)"],
  [":put 1\n# done\n", "1"],
  [":error x\n:put 2", "x (:error; line 1)\nsyntax error (line 2 column 1)"],
  [":put \\\n foo bar", "expected end of command (line 2 column 6)"],
]);

const UNCATCHABLE = [
  ":onerror e in={ /disk/nope } do={ :put caught }",
  ":onerror e in={ /disk/add nope=1 } do={ :put caught }",
  ":do { :put } on-error={ :put caught }",
  ':put first; :onerror e in={ :put "\\zz" } do={ :put caught }',
  ":put first; :put (",
];

for (const line of UNCATCHABLE) {
  Deno.test(`nothing of ${JSON.stringify(line)} runs, and nothing catches its error`, async () => {
    const menus = fakeMenus();
    const output = await outputOf(line, menus);
    assert.match(output, /^(syntax error|bad command name|expected|missing value)[^\n]*\n$/);
    assert.deepEqual(menus.seen.names, []);
  });
}

Deno.test("a nesting without end is a syntax error, not a crash", async () => {
  const openings = [":put (", ":put [", ":if (true) do={", "{", ':put "$[', "/disk/find where (!"];
  for (const opening of openings) {
    assert.match(await outputOf(opening.repeat(20_000)), /^syntax error/, opening);
  }
  for (const opening of ["(", "{", "(!", '"$(', "(1 . ", "{a="]) {
    assert.match(await outputOf(`:put ${opening.repeat(20_000)}`), /^syntax error/, opening);
  }
});

Deno.test("a chain of operators is bounded, and the longest one allowed can be evaluated", async () => {
  assert.equal(await outputOf(`:put (${"1+".repeat(2000)}1)`), "2001\n");
  assert.match(await outputOf(`:put (${"1+".repeat(50_000)}1)`), /^syntax error/);
});
