import assert from "node:assert/strict";
import * as checks from "../../../tools/tidy/checks.ts";
import { relativeLinksOf, titlesOf } from "../../../tools/tidy/markdown.ts";
import { shapeOf } from "../../../tools/tidy/source_shape.ts";
import { textFindings } from "../../../tools/tidy/text_rules.ts";

const DOC = "/** A thing. */\n";

function aTree(files: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(files));
}

function aFunction(lines: number): string {
  return `${DOC}export function long(): void {\n${"  f();\n".repeat(lines - 2)}}\n`;
}

Deno.test("shapeOf() counts the lines of every kind of function", () => {
  const { functions } = shapeOf(
    "function a() {\n}\nconst b = () => {\n  f();\n};\nclass C { m() {\n\n\n} }\n",
  );
  assert.deepEqual(functions, [
    { name: "a", line: 1, lineCount: 2 },
    { name: "b", line: 3, lineCount: 3 },
    { name: "m", line: 6, lineCount: 4 },
  ]);
});

const DOCUMENTED: { name: string; code: string; undocumented: string[] }[] = [
  { name: "a comment right before", code: `${DOC}export const a = 1;`, undocumented: [] },
  { name: "no comment", code: "export const a = 1;", undocumented: ["a"] },
  { name: "a line comment", code: "// A.\nexport function a() {}", undocumented: ["a"] },
  { name: "a block comment", code: "/* A. */\nexport class A {}", undocumented: ["A"] },
  {
    name: "a comment of the one before",
    code: `${DOC}const b = 1;\nexport type A = 1;`,
    undocumented: ["A"],
  },
  { name: "an interface", code: "export interface A {}", undocumented: ["A"] },
  { name: "what is not exported", code: "const a = 1;", undocumented: [] },
];

for (const { name, code, undocumented } of DOCUMENTED) {
  Deno.test(`shapeOf() knows what is documented: ${name}`, () => {
    assert.deepEqual(shapeOf(code).undocumented, undocumented);
  });
}

Deno.test("longFunctions() allows 70 lines and not 71", () => {
  const shapes = checks.shapesOf(aTree({ "src/a.ts": aFunction(70), "src/b.ts": aFunction(71) }));
  assert.deepEqual(checks.longFunctions(shapes), ["src/b.ts:2: long has 71 lines"]);
});

Deno.test("longFiles() allows 400 lines and not 401, and generated files all", () => {
  const files = { "src/a.ts": "1;\n".repeat(400), "src/b.ts": "1;\n".repeat(401) };
  const shapes = checks.shapesOf(aTree({ ...files, "src/x/gen/c.ts": "1;\n".repeat(900) }));
  assert.deepEqual(checks.longFiles(shapes), ["src/b.ts has 401 lines"]);
});

Deno.test("undocumentedExports() names the file and the symbol", () => {
  const shapes = checks.shapesOf(aTree({ "src/a.ts": "export const a = 1;" }));
  assert.deepEqual(checks.undocumentedExports(shapes), ["src/a.ts: a has no doc comment"]);
});

Deno.test("unreachableFiles() finds what neither program, test nor task leads to", () => {
  const tree = aTree({
    "deno.json": '{"tasks": {"x": "deno run tools/x.ts"}}',
    "src/main.ts": 'import "./a.ts";\nawait import("./lazy.ts");',
    "src/a.ts": 'export { b } from "./deep/b.ts";',
    "src/deep/b.ts": 'import type { A } from "../a.ts";',
    "src/lazy.ts": "",
    "src/dead.ts": 'import "./a.ts";',
    "tests/a_test.ts": 'new URL("./child.ts", import.meta.url);',
    "tests/child.ts": "",
    "tools/x.ts": "",
    "tools/dead.ts": "",
  });
  assert.deepEqual(checks.unreachableFiles(tree, checks.shapesOf(tree)), [
    "src/dead.ts is reached from nothing",
    "tools/dead.ts is reached from nothing",
  ]);
});

Deno.test("untitledPages() wants one title on each page, code not counted", () => {
  const fine = "# One\n\n```sh\n# a comment\n```\n## Two\n";
  const tree = aTree({ "a.md": fine, "b.md": "# One\n# Two\n", "c.md": "text" });
  assert.deepEqual(checks.untitledPages(tree), ["b.md has 2 titles", "c.md has 0 titles"]);
  assert.deepEqual(titlesOf(fine), ["One"]);
});

Deno.test("relativeLinksOf() leaves out other sites, places on the page, and code", () => {
  const text = '[a](b.md#c) [d](https://e.f) [g](#h) `[i](j.md)` ![k](l.png "m")';
  assert.deepEqual(relativeLinksOf(text), ["b.md", "l.png"]);
});

Deno.test("brokenLinks() follows links from the page they stand on, to files and folders", () => {
  const text = "[a](../README.md) [b](guides/) [c](gone.md)";
  const tree = aTree({
    "README.md": "[d](docs/page.md)",
    "docs/page.md": text,
    "docs/guides/x.md": "",
  });
  assert.deepEqual(checks.brokenLinks(tree), ["docs/page.md links to gone.md, which is not there"]);
});

const DASHES = "-----";
const TEXTS: { name: string; text: string; says: RegExp | undefined }[] = [
  { name: "work without an issue", text: "// TO" + "DO: later", says: /^line 1 names work/ },
  { name: "work with its issue", text: "// TO" + "DO(#12): later", says: undefined },
  {
    name: "somebody's home",
    text: "x\ncd /ho" + "me/me",
    says: /^line 2 holds a path of one machine/,
  },
  { name: "a mount point", text: "/storage-pool/work/x /var/lib/rds", says: undefined },
  { name: "an address", text: "https://example.org/ho" + "me/x", says: undefined },
  {
    name: "an OpenSSH key",
    text: `${DASHES}BEGIN OPENSSH PRIVATE KEY${DASHES}`,
    says: /private key/,
  },
  { name: "a PKCS #8 key", text: `${DASHES}BEGIN PRIVATE KEY${DASHES}`, says: /private key/ },
  { name: "a public key", text: `${DASHES}BEGIN PUBLIC KEY${DASHES}`, says: undefined },
  { name: "a registry", text: "https://registry.npm" + "js.org/yaml", says: /registry/ },
];

for (const { name, text, says } of TEXTS) {
  Deno.test(`textFindings() ${says === undefined ? "allows" : "finds"} ${name}`, () => {
    const findings = textFindings(text);
    assert.equal(findings.length, says === undefined ? 0 : 1, findings.join("\n"));
    if (says !== undefined) assert.match(findings[0] ?? "", says);
  });
}
