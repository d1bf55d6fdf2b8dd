/** The rules of the repository: each gives a line for every place that breaks it. */
import { posix } from "node:path";
import { relativeLinksOf, titlesOf } from "./markdown.ts";
import { shapeOf, type SourceShape } from "./source_shape.ts";
import { textFindings } from "./text_rules.ts";
import type { Tree } from "./tree.ts";

const FUNCTION_LINES_MAX = 70;
const FILE_LINES_MAX = 400;
const GENERATED = /\/gen\//;

/** The shapes of the TypeScript files of `tree`; generated files have none. */
export function shapesOf(tree: Tree): ReadonlyMap<string, SourceShape> {
  const sources = [...tree].filter(([path]) => path.endsWith(".ts") && !GENERATED.test(path));
  return new Map(sources.map(([path, text]) => [path, shapeOf(text)]));
}

/** Functions of more than 70 lines, in src and tools. */
export function longFunctions(shapes: ReadonlyMap<string, SourceShape>): string[] {
  return productFiles(shapes).flatMap(([path, { functions }]) =>
    functions.filter(({ lineCount }) => lineCount > FUNCTION_LINES_MAX)
      .map(({ name, line, lineCount }) => `${path}:${line}: ${name} has ${lineCount} lines`)
  );
}

/** Files of more than 400 lines, in src and tools. */
export function longFiles(shapes: ReadonlyMap<string, SourceShape>): string[] {
  return productFiles(shapes).filter(([, { lineCount }]) => lineCount > FILE_LINES_MAX)
    .map(([path, { lineCount }]) => `${path} has ${lineCount} lines`);
}

/** Exports of src without a doc comment. */
export function undocumentedExports(shapes: ReadonlyMap<string, SourceShape>): string[] {
  return productFiles(shapes).flatMap(([path, { undocumented }]) =>
    undocumented.map((name) => `${path}: ${name} has no doc comment`)
  );
}

/**
 * TypeScript files that nothing leads to: not the program, not a test, not a task or script. A file
 * that is named in a text, as one that is started as a process of its own is, counts as led to.
 */
export function unreachableFiles(tree: Tree, shapes: ReadonlyMap<string, SourceShape>): string[] {
  const scripts = `${tree.get("deno.json") ?? ""}\n${tree.get(".ci/run") ?? ""}`;
  const roots = [...shapes.keys()].filter((path) =>
    path === "src/main.ts" || /(_test|_bench)\.ts$/.test(path) || scripts.includes(path)
  );
  const reached = new Set<string>();
  const waiting = [...roots];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const reference of shapes.get(path)?.references ?? []) {
      waiting.push(posix.join(posix.dirname(path), reference), posix.normalize(reference));
    }
  }
  return [...shapes.keys()].filter((path) => !reached.has(path))
    .map((path) => `${path} is reached from nothing`);
}

/** Markdown files without exactly one title. */
export function untitledPages(tree: Tree): string[] {
  return pages(tree).flatMap(([path, text]) => {
    const count = titlesOf(text).length;
    return count === 1 ? [] : [`${path} has ${count} titles`];
  });
}

/** Links of Markdown files to files or folders that are not there. */
export function brokenLinks(tree: Tree): string[] {
  const paths = [...tree.keys()];
  const exists = (path: string): boolean =>
    path === "." || tree.has(path) || paths.some((file) => file.startsWith(`${path}/`));
  return pages(tree).flatMap(([path, text]) =>
    relativeLinksOf(text)
      .filter((link) => !exists(target(path, link)))
      .map((link) => `${path} links to ${link}, which is not there`)
  );
}

/** What stands in a file and must not. */
export function forbiddenTexts(tree: Tree): string[] {
  return [...tree].filter(([path]) => !path.endsWith("deno.lock"))
    .flatMap(([path, text]) => textFindings(text).map((finding) => `${path}: ${finding}`));
}

function productFiles(shapes: ReadonlyMap<string, SourceShape>): [string, SourceShape][] {
  return [...shapes].filter(([path]) => path.startsWith("src/") || path.startsWith("tools/"));
}

function pages(tree: Tree): [string, string][] {
  return [...tree].filter(([path]) => path.endsWith(".md"));
}

function target(page: string, link: string): string {
  return posix.join(posix.dirname(page), decodeURI(link)).replace(/\/$/, "");
}
