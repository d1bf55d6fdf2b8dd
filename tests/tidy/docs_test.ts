import assert from "node:assert/strict";
import { EVENT_LEVELS } from "../../src/adapters/logging/event_log.ts";
import { PINNED_DENO_VERSION } from "../../src/runtime_version.ts";
import { eventShapes, generatedPages, withTable } from "../../tools/reference.ts";
import { readTree } from "../../tools/tidy/tree.ts";
import manifest from "../../deno.json" with { type: "json" };

const tree = await readTree();

function textOf(path: string): string {
  const text = tree.get(path);
  assert.ok(text !== undefined, `${path} is not there`);
  return text;
}

for (const { path, table } of generatedPages(textOf("src/ports/events.ts"))) {
  Deno.test(`${path} is what "deno task gen" makes of the code`, () => {
    const page = textOf(path);
    assert.equal(page, withTable(page, table));
  });
}

Deno.test("every event of the union is in the reference, with its fields", () => {
  const shapes = eventShapes(textOf("src/ports/events.ts"));
  assert.deepEqual(shapes.map(({ kind }) => kind).sort(), [...EVENT_LEVELS.keys()].sort());
  for (const { kind, fields } of shapes) {
    assert.ok(fields.length > 0, kind);
    // What every line of the log has itself would hide a field of that name.
    assert.doesNotMatch(fields.join(" "), /\b(event|level|logger|message)\b/, kind);
  }
});

Deno.test("CONTRIBUTING.md has one line for each task, in the words of deno task", () => {
  const rows = Array.from(
    textOf("CONTRIBUTING.md").matchAll(/^\| `deno task ([a-z:-]+)`\s+\| (.*?)\s*\|$/gm),
    ([, name = "", text = ""]) => [name, text],
  );
  const tasks = Object.entries(manifest.tasks).map((
    [name, { description }],
  ) => [name, description]);
  assert.deepEqual(rows, tasks);
});

Deno.test("the version of Deno is the same wherever it is named", () => {
  const named = ["README.md", "CONTRIBUTING.md", ".ci/run"].map((path) => {
    const versions = textOf(path).matchAll(/deno@(\d+\.\d+\.\d+)|DENO_VERSION=(\S+)/g);
    return [path, new Set(Array.from(versions, ([, npm, pinned]) => npm ?? pinned))];
  });
  const expected = ["README.md", "CONTRIBUTING.md", ".ci/run"];
  assert.deepEqual(named, expected.map((path) => [path, new Set([PINNED_DENO_VERSION])]));
});

Deno.test("README.md has the two commands for a machine that has only Node.js", () => {
  const commands = Array.from(
    textOf("README.md").matchAll(/^npx -y \S+ task (\S+)$/gm),
    ([, task]) => task,
  );
  assert.deepEqual(commands, ["demo", "test"]);
});

Deno.test("every package is pinned exactly and has a line in the page on dependencies", () => {
  const page = textOf("docs/explanation/dependencies.md");
  const described = Array.from(page.matchAll(/^\| `([^`]+)`/gm), ([, name]) => name);
  const packages = Object.values(manifest.imports).map((target) => {
    const [, name] = /^npm:((?:@[^/]+\/)?[^@/]+)@\d+\.\d+\.\d+(?:\/.*)?$/.exec(target) ?? [];
    assert.ok(name !== undefined, `${target} is not pinned`);
    return name;
  });
  assert.deepEqual(described.toSorted(), [...new Set(packages)].toSorted());
});
