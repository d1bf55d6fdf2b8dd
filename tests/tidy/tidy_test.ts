import assert from "node:assert/strict";
import * as checks from "../../tools/tidy/checks.ts";
import { readTree } from "../../tools/tidy/tree.ts";

const tree = await readTree();
const shapes = checks.shapesOf(tree);

const RULES: { name: string; findings: () => string[] }[] = [
  { name: "no function has more than 70 lines", findings: () => checks.longFunctions(shapes) },
  { name: "no file has more than 400 lines", findings: () => checks.longFiles(shapes) },
  {
    name: "every exported symbol has a doc comment",
    findings: () => checks.undocumentedExports(shapes),
  },
  {
    name: "every file is reached from the program, a test or a task",
    findings: () => checks.unreachableFiles(tree, shapes),
  },
  { name: "every page has one title", findings: () => checks.untitledPages(tree) },
  { name: "every relative link leads somewhere", findings: () => checks.brokenLinks(tree) },
  {
    name: "no file holds a key, a machine's path, a registry's host or work without an issue",
    findings: () => checks.forbiddenTexts(tree),
  },
];

Deno.test("the driver serves no Unix socket through node:net, which closes it twice", () => {
  const served = [...tree].filter(([path, text]) =>
    path.startsWith("src/adapters/") && /\.bindAsync\(|\bcreateServer\(/.test(text)
  );
  assert.deepEqual(served.map(([path]) => path), []);
});

Deno.test("the tree that is looked at is the repository", () => {
  assert.ok(tree.has("deno.json") && shapes.has("src/main.ts") && tree.has("README.md"));
});

for (const { name, findings } of RULES) {
  Deno.test(name, () => {
    const found = findings();
    assert.equal(found.length, 0, `\n${found.join("\n")}`);
  });
}
