/** ARCHITECTURE.md leads to files and functions that are there, and stays short. */
import assert from "node:assert/strict";
import { readTree, type Tree } from "../../../tools/tidy/tree.ts";
import { codeWords, rowsOf } from "./page.ts";

const WORDS_MAX = 2100;
/** Adapters are named without the folder they are in. */
const PLACES = ["src/", "src/adapters/", ""];

const tree: Tree = await readTree();
const page = tree.get("ARCHITECTURE.md") ?? "";

/** The text of the file that the page calls `name`, by its path or, inside a folder's part, alone. */
function textsOf(name: string): string[] {
  const paths = PLACES.map((place) => place + name);
  return [...tree].filter(([path]) => paths.includes(path)).map(([, text]) => text);
}

Deno.test("every file that ARCHITECTURE.md names is there", () => {
  const prose = page.replaceAll(/^```.*?^```$/gms, "");
  const names = codeWords(prose).filter((word) => /^[a-z0-9_/-]+\.(ts|md|json|proto)$/.test(word));
  assert.ok(names.length > 30);
  for (const name of names) {
    const found = [...tree.keys()].some((path) => path === name || path.endsWith(`/${name}`));
    assert.ok(found, name);
  }
});

Deno.test("every name in the table of ARCHITECTURE.md is declared in the file before it", () => {
  const rows = rowsOf(page.split("## Where is …")[1]?.split("\n## ")[0] ?? "");
  assert.ok(rows.length > 10);
  for (const [question, where = ""] of rows) {
    let texts: string[] = [];
    for (const word of codeWords(where)) {
      if (word.endsWith(".ts")) {
        texts = textsOf(word);
        assert.equal(texts.length, 1, `${question} ${word}`);
      } else {
        const name = word.replace("()", "");
        const declared = new RegExp(`(function|async|const) ${name}\\b`);
        assert.ok(texts.some((text) => declared.test(text)), `${question} ${word}`);
      }
    }
  }
});

Deno.test("ARCHITECTURE.md stays under five pages", () => {
  assert.ok(page.split(/\s+/).length <= WORDS_MAX);
});
