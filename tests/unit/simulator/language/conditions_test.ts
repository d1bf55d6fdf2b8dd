import assert from "node:assert/strict";
import { fakeMenus, outputOf, testLines } from "./fake_menus.ts";

testLines([
  ["/disk/print where slot=csi-a", "csi-a"],
  ['/disk/print where slot="csi-a"', "csi-a"],
  ["/disk print where slot!=csi-a", "raid1\ncsi-b"],
  ['/disk print where slot~"csi"', "csi-a\ncsi-b"],
  ['/disk print where slot~"^csi-[[:alpha:]]\\$"', "csi-a\ncsi-b"],
  ['/disk print where slot~"nothing like it"', ""],
  ["/disk print where size>100", "raid1\ncsi-b"],
  ["/disk print where size>=100 && size<1000", "csi-a\ncsi-b"],
  ["/disk print where size=100 or size=200", "csi-a\ncsi-b"],
  ["/disk print where type=file size=200", "csi-b"],
  ["/disk print where (type=file and size=200) || mounted", "raid1\ncsi-b"],
  ["/disk print where type=file and !disabled", "csi-a"],
  ["/disk print where disabled", "csi-b"],
  ["/disk print where nvme-tcp-export=yes", "csi-a"],
  ['/disk print where nvme-tcp-export="yes"', ""],
  ["/disk print where .id=*2B", "csi-a"],
  ['/disk print where .id="*2B"', "csi-a"],
  ['/disk print where size="100"', ""],
  ['/disk print where slot in {"raid1";"csi-b"}', "raid1\ncsi-b"],
  ["/disk print where absent>5", ""],
  ["/disk print where absent=5 || absent!=5", "raid1\ncsi-a\ncsi-b"],
  ["/disk print where", "raid1\ncsi-a\ncsi-b"],
  ["/disk print count-only where type=file", "2"],
  // `find` needs no `where`.
  [":put [/disk/find slot=csi-a]", "*2B"],
  [':put [/disk/find slot~"^csi" size>100]', "*2C"],
  [":put [/disk/find !disabled]", "*1;*2B"],
  [":put [/disk/find disabled]", "*2C"],
  [":put [/disk/find]", "*1;*2B;*2C"],
  // Variables, commands and templates as values.
  [':local d "csi-a"; /disk print where slot=$d', "csi-a"],
  [':local p "csi"; /disk print where slot="$p-b"', "csi-b"],
  ["/disk print where slot=[/disk/get *2C slot]", "csi-b"],
  ['/disk print where slot=("csi" . "-b")', "csi-b"],
  [":foreach d in=[/disk/find type=file] do={ /disk print where .id=$d }", "csi-a\ncsi-b"],
  // A variable with the name of a property is hidden by it.
  [':local slot "csi-a"; /disk/print where slot=$slot', "raid1\ncsi-a\ncsi-b"],
  [':local slot "csi-a"; /disk/print where slot="$slot"', "raid1\ncsi-a\ncsi-b"],
  // Errors in and around conditions.
  ["/disk/print where slot=", "syntax error (line 1 column 24)"],
  ["/disk/print where slot=a )", "expected end of command (line 1 column 26)"],
  ['/disk/print where slot~"("', "script error: invalid regular expression (/disk/print; line 1)"],
  ["/disk/remove where slot=a", "expected end of command (line 1 column 20)"],
  [
    '/disk/print where slot<"x"',
    "script error: cannot compare if string is less than string (/disk/print; line 1)",
  ],
]);

Deno.test("a command in a condition runs once, not once per row", async () => {
  const menus = fakeMenus();
  await outputOf("/disk print where slot=[/disk/get *2C slot]", menus);
  assert.deepEqual(menus.seen.names, ["get", "print"]);
});

Deno.test("the values a row must have are given to the menu beside the condition", async () => {
  const properties = new Set([".id", "slot", "size"]);
  const line = ':local d *2B; :local s "a"; :local size 1; ' +
    '/disk print where .id=$d and slot="csi-$s" and size=$size and (size=1 or size=2)';
  const menus = fakeMenus(undefined, { properties });
  await outputOf(line, menus);
  const equal = menus.seen.calls[0]?.equal;
  assert.deepEqual([...equal ?? []], [[".id", { type: "id", text: "*2B" }], ["slot", "csi-a"]]);
  assert.equal(menus.seen.rowsTried, 1);
});

Deno.test("without known properties a variable is no hint, for a row may hide it", async () => {
  const menus = fakeMenus();
  assert.equal(
    await outputOf(':local slot "csi-a"; /disk print where slot=$slot', menus),
    "raid1\ncsi-a\ncsi-b\n",
  );
  assert.deepEqual([...menus.seen.calls[0]?.equal ?? []], []);
});

Deno.test("a declared property hides a variable even where a row has none", async () => {
  const menus = fakeMenus(undefined, { properties: new Set(["slot", "comment"]) });
  assert.equal(await outputOf(':local comment "x"; /disk print where slot=$comment', menus), "");
});
