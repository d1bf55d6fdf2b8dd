import assert from "node:assert/strict";
import { runLine } from "../../../../src/simulator/language/console.ts";
import { fakeMenus, outputOf, sessionWith, testLines } from "./fake_menus.ts";

testLines([
  // Uncaught: the text with the path of the command; the rest of the line does not run.
  [
    ":put 1; /disk/add slot=raid1; :put 2",
    "1\nfailure: already have such slot (/disk/add; line 1)",
  ],
  ["/disk/get nope", "no such item (/disk/get; line 1)"],
  [':error "csi-x"', "csi-x (:error; line 1)"],
  [":put \\\n[:error x]", "x (:error; line 2)"],
  // Caught.
  [
    ':onerror e in={ /disk add slot=raid1; :put "@ok N" } do={ :put ("@err N " . $e) }',
    "@err N failure: already have such slot (/disk/add; line 1)",
  ],
  [':onerror e in={ :error "csi-x" } do={ :put $e }', "csi-x (:error; line 1)"],
  [':onerror e in={ :put "@ok" } do={ :put "@err" }', "@ok"],
  [":put [:onerror e in={ :error x } do={}]", "true"],
  [":put [:onerror e in={} do={}]", "false"],
  [":onerror e in={ :if (5) do={} } do={ :put $e }", "conditional is not boolean (:if; line 1)"],
  [
    ":onerror e in={ :put (1 / 0) } do={ :put $e }",
    "script error: division by zero (:put; line 1)",
  ],
  [':onerror do={ :put "<$e>" } in={ :error x } e', "<>"],
  [
    ":onerror e in={ :onerror f in={ :error x } do={ :error again } } do={ :put $e }",
    "again (:error; line 1)",
  ],
  [
    ":onerror e in={ :foreach d in=[/disk/find] do={ /disk/get nope } } do={ :put $e }",
    "no such item (/disk/get; line 1)",
  ],
  [":do { :error x } on-error={ :put oops }", "oops"],
  [":do { :put fine } on-error={ :put oops }", "fine"],
  // Not an error: ends the line even inside a handler's code.
  [":onerror e in={ :return 1 } do={ :put caught }; :put after", ""],
]);

Deno.test("a user without the policy is refused, and can catch it", async () => {
  const menus = fakeMenus();
  let output = "";
  const print = (text: string): void => void (output += text);
  const line = ":onerror e in={ /disk/add slot=x } do={ :put $e }; /disk/remove *2B; :put never";
  await runLine(line, menus.tree, sessionWith("read"), { print });
  assert.equal(
    output,
    "not enough permissions (9) (/disk/add; line 1)\nnot enough permissions (9) (/disk/remove; line 1)\n",
  );
  assert.deepEqual(menus.seen.names, []);
});

Deno.test("whoever runs a line is told of the errors it ends with, and of no other", async () => {
  const failuresOf = async (line: string): Promise<number> => {
    let failures = 0;
    await outputOf(line, fakeMenus(), { onFailure: () => void failures++ });
    return failures;
  };
  assert.equal(await failuresOf(":put 1; /disk/get nope"), 1);
  assert.equal(await failuresOf(":put ("), 1);
  assert.equal(await failuresOf(":put fine; :return 1"), 0);
  assert.equal(await failuresOf(":onerror e in={ /disk/get nope } do={}"), 0);
  assert.equal(await failuresOf(":error x\n:put 2"), 2);
});

Deno.test(":retry tries as often as allowed, waits between, and then hands over", async () => {
  const waits: number[] = [];
  const sleep = (milliseconds: number): Promise<void> => {
    waits.push(milliseconds);
    return Promise.resolve();
  };
  const line = ":local n 0; :retry command={ :set n ($n + 1); :error x } delay=2 max=3 " +
    'on-error={ :put "gave up after $n" }';
  assert.equal(await outputOf(line, fakeMenus(), { sleep }), "gave up after 3\n");
  assert.deepEqual(waits, [2000, 2000]);
  const second =
    ":local n 0; :retry command={ :set n ($n + 1); :if ($n < 2) do={ :error x }; :put $n } max=3";
  assert.equal(await outputOf(second, fakeMenus(), { sleep }), "2\n");
  assert.equal(
    await outputOf(":retry command={ /disk/get nope } max=1", fakeMenus(), { sleep }),
    "no such item (/disk/get; line 1)\n",
  );
});

Deno.test("an error that is none of the console's is not hidden", async () => {
  const menus = fakeMenus();
  const tree = {
    ...menus.tree,
    command: (path: readonly string[], name: string) => {
      const found = menus.tree.command(path, name);
      return found && {
        ...found,
        run: () => {
          throw new TypeError("a bug");
        },
      };
    },
  };
  const options = { print: (): void => {} };
  const line = ":onerror e in={ /disk/print } do={ :put caught }";
  await assert.rejects(runLine(line, tree, sessionWith("read"), options), TypeError);
});
