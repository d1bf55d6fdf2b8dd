/** Decisions are short, complete, numbered without gaps, and dated by release. */
import assert from "node:assert/strict";
import { readTree } from "../../../tools/tidy/tree.ts";

const LINES_MAX = 50;
const PARTS = ["Question", "Decision", "Why", "Considered", "Revisit when"];

const tree = await readTree();
const pages = [...tree].filter(([path]) => path.startsWith("docs/decisions/")).toSorted();

Deno.test("decisions are numbered without gaps, in the file and in the title", () => {
  assert.ok(pages.length > 0);
  for (const [index, [path, text]] of pages.entries()) {
    const number = index + 1;
    assert.match(path, new RegExp(`/${String(number).padStart(4, "0")}-[a-z0-9-]+\\.md$`));
    assert.ok(text.startsWith(`# ${number}. `), path);
  }
});

for (const [path, text] of pages) {
  Deno.test(`${path} fits on a page and says everything a decision must`, () => {
    assert.ok(text.split("\n").length <= LINES_MAX);
    const found = Array.from(text.matchAll(/^\*\*([^*]+?)\.?\*\*/gm), ([, part]) => part);
    assert.deepEqual(found.filter((part) => PARTS.includes(part ?? "")), PARTS);
  });

  Deno.test(`${path} is dated by release, not by day`, () => {
    assert.match(text, /^Since release \d+\.\d+\.\d+\.$/m);
    assert.doesNotMatch(text, /\b20\d\d-\d\d-\d\d\b/);
  });
}
