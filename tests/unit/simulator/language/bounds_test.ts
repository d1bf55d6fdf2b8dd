import assert from "node:assert/strict";
import { runLine } from "../../../../src/simulator/language/console.ts";
import { fakeMenus, outputOf, rowOf, sessionWith } from "./fake_menus.ts";

Deno.test("a loop without end is interrupted, and nothing catches that", async () => {
  const line = ":put 1; :onerror e in={ :while (true) do={} } do={ :put caught }; :put 2";
  assert.equal(await outputOf(line, fakeMenus(), { maxIterations: 50_000 }), "1\ninterrupted\n");
});

Deno.test("the rounds of all loops of a line count together", async () => {
  const line = ":for i from=1 to=10 do={ :foreach j in={1;2;3} do={ :put $j } }";
  const output = await outputOf(line, fakeMenus(), { maxIterations: 20 });
  assert.equal(output.split("\n").at(-2), "interrupted");
  assert.equal(await outputOf(":for i from=1 to=3 do={}", fakeMenus(), { maxIterations: 3 }), "");
});

Deno.test("output beyond its bound is interrupted", async () => {
  const line = ':while (true) do={ :put "0123456789" }';
  assert.equal(
    await outputOf(line, fakeMenus(), { maxOutputBytes: 25 }),
    "0123456789\n0123456789\ninterrupted\n",
  );
});

Deno.test("the bound of the output is in bytes", async () => {
  assert.equal(await outputOf(':put "éé"', fakeMenus(), { maxOutputBytes: 4 }), "interrupted\n");
  assert.equal(await outputOf(':put "éé"', fakeMenus(), { maxOutputBytes: 5 }), "éé\n");
});

for (const line of [":delay 1h", ":while (true) do={}", "/disk/hang", ":put [/disk/hang]"]) {
  Deno.test(`${line} ends when the caller leaves`, async () => {
    const controller = new AbortController();
    const output = outputOf(`${line}; :put after`, fakeMenus(), {
      signal: controller.signal,
      maxIterations: 100_000_000,
    });
    const timer = setTimeout(() => controller.abort(), 0);
    assert.equal(await output, "interrupted\n");
    clearTimeout(timer);
  });
}

Deno.test("a line does not start for a caller that already left", async () => {
  const menus = fakeMenus();
  const signal = AbortSignal.abort();
  assert.equal(await outputOf("/disk/add slot=x", menus, { signal }), "interrupted\n");
  assert.deepEqual(menus.seen.names, []);
});

Deno.test(":delay waits as long as asked", async () => {
  const waits: number[] = [];
  const sleep = (milliseconds: number): Promise<void> => {
    waits.push(milliseconds);
    return Promise.resolve();
  };
  await outputOf(":delay 500ms; :delay 3; :delay; :delay 00:01:00", fakeMenus(), { sleep });
  assert.deepEqual(waits, [500, 3000, 1000, 60_000]);
});

Deno.test(":time gives what its clock says", async () => {
  let nowMs = 0;
  const monotonicMs = (): number => (nowMs += 1500);
  assert.equal(await outputOf(":put [:time {}]", fakeMenus(), { monotonicMs }), "00:00:01.500\n");
});

Deno.test("a line over 10,000 rows asks the menu once per row and waits for nothing", () => {
  const count = 10_000;
  const rows = Array.from(
    { length: count },
    (_, index) => rowOf(index + 1, { slot: `csi-${index}`, size: index, comment: "x" }),
  );
  const menus = fakeMenus(rows, { properties: new Set([".id", "slot", "size", "comment"]) });
  const line = ':local out ({}); :foreach d in=[/disk/print as-value where slot~"^csi-"] do={ ' +
    ':local m ({}); :set ($m->"slot") ($d->"slot"); :set ($m->"size") ($d->"size"); ' +
    ":set ($out->[:len $out]) $m }; " +
    ":put [:serialize to=json value=$out options=json.no-string-conversion]";
  let output = "";
  const print = (text: string): void => void (output += text);
  // Not awaited: the whole line must have run when the call returns.
  void runLine(line, menus.tree, sessionWith("read"), { print });
  assert.deepEqual(menus.seen.names, ["print"]);
  assert.equal(menus.seen.rowsTried, count);
  assert.deepEqual(
    JSON.parse(output),
    rows.map((_, index) => ({ slot: `csi-${index}`, size: index })),
  );
});

const DOUBLING: readonly string[] = [
  ':local x "a"; :for i from=1 to=40 do={ :set x ($x . $x) }',
  ":local a {1}; :for i from=1 to=40 do={ :set a ($a , $a) }",
  ":local a {1}; :for i from=1 to=40 do={ :set a {$a;$a} }; :put $a",
  ":local a {1}; :for i from=1 to=40 do={ :set a {x=$a;y=$a} }; :put [:serialize to=json $a]",
  ":local a {1}; :for i from=1 to=200000 do={ :set a {$a} }; :put $a",
];

for (const line of DOUBLING) {
  Deno.test(`a value that grows without end is interrupted: ${line}`, async () => {
    assert.equal(await outputOf(`${line}; :put after`), "interrupted\n");
  });
}
