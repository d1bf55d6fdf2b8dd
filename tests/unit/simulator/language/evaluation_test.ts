import assert from "node:assert/strict";
import type { Value } from "../../../../src/simulator/language/values.ts";
import { fakeMenus, outputOf, testLines } from "./fake_menus.ts";

testLines([
  // Literals and how they print.
  [":put hello", "hello"],
  ["put hello", "hello"],
  [":put 0x10", "16"],
  [":put 1d2h3m", "1d02:03:00"],
  [":put 10d", "1w3d00:00:00"],
  [":put 500ms", "00:00:00.500"],
  [":put *2b", "*2B"],
  [":put {1;2;3}", "1;2;3"],
  [':put {"a"=1;b=2}', "a=1;b=2"],
  [":put [:typeof 5]", "num"],
  [':put [:typeof "5"]', "str"],
  [":put [:typeof yes]", "bool"],
  [":put [:typeof 01:02:03]", "time"],
  [":put [:typeof 10.0.0.1]", "ip"],
  [":put [:typeof 10.0.0.0/8]", "ip-prefix"],
  [":put [:typeof *2B]", "id"],
  [":put [:typeof {1}]", "array"],
  [":put [:typeof $undeclared]", "nothing"],
  [":put [:typeof [:nothing]]", "nothing"],
  [":put [:typeof /pool/x]", "str"],
  // Escapes and interpolation.
  [':put "a\\"b\\\\c\\$d\\_e\\tf"', 'a"b\\c$d e\tf'],
  [':put "\\41\\C3\\A9"', "Aé"],
  [':put "two\nlines"', "two\nlines"],
  [':put "joined \\\n   text"', "joined text"],
  [":put \\\n joined", "joined"],
  [':put "<$undeclared>"', "<>"],
  [':local a 5; :put "a=$a b=$(a . $a) c=$[:len "xyz"]"', "a=5 b=a5 c=3"],
  [':local "my-var" 5; :put $"my-var"', "5"],
  // Arithmetic and its precedence.
  [":put (2 + 3 * 4)", "14"],
  [":put ((2 + 3) * 4)", "20"],
  [":put (5-3)", "2"],
  [":put (-5 + 2)", "-3"],
  [":put (7 / 2)", "3"],
  [":put (-7 / 2)", "-3"],
  [":put (7 % 4)", "3"],
  [":put (1 << 40)", "1099511627776"],
  [":put (6 & 3)", "2"],
  [":put (6 | 3)", "7"],
  [":put (6 ^ 3)", "5"],
  [":put (~5)", "-6"],
  [":put (1d + 1h)", "1d01:00:00"],
  [":put (10s * 6)", "00:01:00"],
  [":put (1 / 0)", "script error: division by zero (:put; line 1)"],
  [':put (1 + "a")', "script error: cannot add string to integer number (:put; line 1)"],
  // Comparison; types must agree, and strings have no order.
  [":put (1 = 1)", "true"],
  [':put (1 = "1")', "false"],
  [':put ("a" != "b")', "true"],
  [":put (2 > 1 && 1 < 2)", "true"],
  [":put (1 <= 1 and 2 >= 3)", "false"],
  [':put (*2B = "*2B")', "true"],
  [":put ({1;2} = {1;2})", "true"],
  [':put ([/disk/find slot=nope] = "")', "true"],
  [':put ([/disk/find slot=csi-a] = "")', "false"],
  [
    ':put ("a" < "b")',
    "script error: cannot compare if string is less than string (:put; line 1)",
  ],
  [":put (!true || not false)", "true"],
  [":put (not 1 = 2)", "true"],
  [':put ("xyz" ~ "^x.z\\$")', "true"],
  [":put (10.1.2.3 in 10.1.0.0/16)", "true"],
  [":put (10.2.2.3 in 10.1.0.0/16)", "false"],
  [':put ("b" in {"a";"b"})', "true"],
  // `.` joins texts, `,` arrays.
  [':put ("a" . 1 . true)', "a1true"],
  [':put ("n" . (1 + 2))', "n3"],
  [':put ({"a";"b"} . "x")', "ax;bx"],
  [":put ({1;2},3,{4})", "1;2;3;4"],
  [":put ({a=1},{b=2})", "a=1;b=2"],
  // Indexing.
  [':put ({"a"={"b"=7}}->"a"->"b")', "7"],
  [":put ({5;6;7}->1)", "6"],
  [":put [:typeof ({5}->9)]", "nothing"],
  [':put [:typeof ("text"->"key")]', "nothing"],
  ['/disk { print where slot=csi-a; :put [:len [find]] }; :put "$[:len {1}]"', "csi-a\n3\n1"],
  ["/disk; :put 1", "expected command name (line 1 column 6)"],
  // Variables, scopes, values.
  [":local a 1; { :local a 2; :put $a }; :put $a", "2\n1"],
  ['{ :local a 1 }; :put "<$a>"', "<>"],
  [":local a 1; :local a $a; :put $a", "1"],
  [':local a {1;2}; :local b $a; :set ($b->0) 9; :put "$a $b"', "1;2 9;2"],
  [':local a ({}); :set ($a->"x"->"y") 1; :put $a', "x=y=1"],
  [
    ':local a ({}); :set ($a->"x"->"y") 1; :local b $a; :set ($a->"x"->"y") 2; :put "$a $b"',
    "x=y=2 x=y=1",
  ],
  [':local a {x=1;y=2}; :set ($a->"x"); :put $a', "y=2"],
  [":global g 5; :put ($g + 1)", "6"],
  // Control flow.
  [':if (1 > 0) do={ :put "yes" } else={ :put "no" }', "yes"],
  [':if (1 < 0) do={ :put "yes" } else={ :put "no" }', "no"],
  [":if (5) do={}", "conditional is not boolean (:if; line 1)"],
  [':if ("true") do={}', "conditional is not boolean (:if; line 1)"],
  [":if ($undeclared) do={}", "conditional is not boolean (:if; line 1)"],
  [":for i from=1 to=3 do={ :put $i }", "1\n2\n3"],
  [":for i from=5 to=1 step=-2 do={ :put $i }", "5\n3\n1"],
  [":foreach i in={7;8} do={ :put $i }", "7\n8"],
  [':foreach k,v in={a=1;b=2} do={ :put "$k:$v" }', "a:1\nb:2"],
  [':foreach k,v in={"x";"y"} do={ :put "$k:$v" }', "0:x\n1:y"],
  [":foreach i in=$undeclared do={ :put $i }", ""],
  [":local n 0; :while ($n < 3) do={ :set n ($n + 1) }; :put $n", "3"],
  [":local n 5; :do { :set n ($n + 1) } while=($n < 3); :put $n", "6"],
  [":put 1; :return 2; :put 3", "1"],
  ["# a comment; :put 1", ""],
  [":put 1 ; ; :put 2;", "1\n2"],
  // Functions on values.
  [':put [:len "abc"]', "3"],
  [':put [:len "é"]', "2"],
  [":put [:len {a=1;b=2}]", "2"],
  [":put [:len [/disk/find where slot=nope]]", "0"],
  [':put [:pick "abcdef" 1 3]', "bc"],
  [':put [:pick "abcdef" 2]', "c"],
  [":put [:pick {5;6;7} 1 3]", "6;7"],
  [':put [:find "abcabc" "c"]', "2"],
  [':put [:find "abcabc" "c" 2]', "5"],
  [':put [:typeof [:find "abc" "x"]]', "nothing"],
  [":put [:find {5;6} 6]", "1"],
  [':put ([:tonum "12"] + 1)', "13"],
  [':put [:typeof [:tonum "twelve"]]', "nothing"],
  [':put [:tobool "yes"]', "true"],
  [':put [:toarray "a,b,c"]', "a;b;c"],
  [':put [:len [:toarray ""]]', "0"],
  [":put [:toid 43]", "*2B"],
  [":put [:totime 90]", "00:01:30"],
  [":put [:typeof [:tostr 5]]", "str"],
  // Abbreviations, while only one word begins so.
  ["/dis pri cou", "3"],
  [':ty 5; :put [:le "ab"]', "2"],
  [":t 5", "bad command name t (line 1 column 2)"],
  ["/disk/s *2B com=x", ""],
  ["/disk/p de te", "raid1\ncsi-a\ncsi-b"],
]);

Deno.test("both sides of && and || are evaluated", async () => {
  const menus = fakeMenus();
  await outputOf(":put (false && [:tobool [/disk/get *2B disabled]] = true)", menus);
  await outputOf(":put (true || [:len [/disk/find]] = 1)", menus);
  assert.deepEqual(menus.seen.names, ["get", "find"]);
  assert.equal(
    await outputOf(':put (true || [:error "other side"])'),
    "other side (:error; line 1)\n",
  );
});

Deno.test("an unquoted argument reaches the menu as number, bool or id only if that keeps it", async () => {
  const words: readonly (readonly [string, Value])[] = [
    ["5", 5],
    ["007", "007"],
    ["1d", "1d"],
    ["10G", "10G"],
    ["10.0.0.1", "10.0.0.1"],
    ["99999999999999999999", "99999999999999999999"],
    ["yes", true],
    ["no", false],
    ["*2B", { type: "id", text: "*2B" }],
    ["nqn.2000-02.com.mikrotik:csi-a", "nqn.2000-02.com.mikrotik:csi-a"],
    ["/pool/a.img", "/pool/a.img"],
    ["a,b", "a,b"],
    ['"5"', "5"],
    ['""', ""],
    ["(2 + 3)", 5],
  ];
  for (const [word, expected] of words) {
    const menus = fakeMenus();
    assert.equal(await outputOf(`/disk/add comment=${word}`, menus), "");
    assert.deepEqual(menus.seen.calls[0]?.named.get("comment"), expected, word);
  }
});

Deno.test("a command gets its values, flags and unset names apart", async () => {
  const menus = fakeMenus();
  await outputOf('/disk set *2B,*2C comment="a b" !slot', menus);
  await outputOf("/disk print detail as-value", menus);
  const [set, print] = menus.seen.calls;
  assert.deepEqual(set?.unnamed, ["*2B,*2C"]);
  assert.deepEqual([...set?.named ?? []], [["comment", "a b"]]);
  assert.deepEqual([...set?.unset ?? []], ["slot"]);
  assert.deepEqual([...print?.flags ?? []], ["detail", "as-value"]);
});

Deno.test("commands inside brackets are looked up in the menu of the command around them", async () => {
  const menus = fakeMenus();
  assert.equal(await outputOf("/disk remove [find slot=csi-a]", menus), "");
  assert.equal(await outputOf("/disk remove [:do { ../disk/find } while=(false)]", menus), "");
  assert.deepEqual(menus.seen.names, ["find", "remove", "find", "remove"]);
  assert.equal(await outputOf("/file/../disk/print count-only"), "3\n");
});

Deno.test("an empty find goes to the command as an empty array", async () => {
  const menus = fakeMenus();
  assert.equal(await outputOf("/disk/remove [/disk/find where slot=nope]", menus), "");
  assert.deepEqual(menus.seen.calls[1]?.unnamed, [{
    type: "array",
    items: [],
    entries: new Map(),
  }]);
});

Deno.test("global variables outlive the line, local ones do not", async () => {
  const globals = new Map<string, Value>();
  await outputOf(":global a 1; :local b 2; :set a 7", fakeMenus(), { globals });
  assert.equal(await outputOf(':put "<$a><$b>"; :set a 8', fakeMenus(), { globals }), "<7><>\n");
  assert.deepEqual([...globals], [["a", 8]]);
});

Deno.test(":log gives level and message to whoever listens", async () => {
  const entries: string[] = [];
  const log = (level: string, message: string): void => void entries.push(`${level} ${message}`);
  await outputOf(':log info "a b"; :log warning message=c', fakeMenus(), { log });
  assert.deepEqual(entries, ["info a b", "warning c"]);
});

Deno.test("menus that answer later give the same output", async () => {
  const line = ':foreach d in=[/disk/find where slot~"^csi-"] do={ ' +
    ":onerror e in={ :put [/disk/get $d slot]; /disk/get nope } do={ :put $e } }";
  const expected =
    "csi-a\nno such item (/disk/get; line 1)\ncsi-b\nno such item (/disk/get; line 1)\n";
  assert.equal(await outputOf(line, fakeMenus()), expected);
  assert.equal(await outputOf(line, fakeMenus(undefined, { asynchronous: true })), expected);
});
