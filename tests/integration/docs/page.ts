/** Reads the pages of docs as tests need them: sections, tables and blocks of code. */

const COMMENT = /^\s*\/\*\*[^]*?\*\/$|^\s*\/\/.*$/gm;
const DOCS = new URL("../../../docs/", import.meta.url);

/** The text of `docs/<path>` below the heading `## <heading>`, up to the next of that level. */
export async function section(path: string, heading: string): Promise<string> {
  const text = await Deno.readTextFile(new URL(path, DOCS));
  const parts = text.split(/^## /m);
  const found = parts.find((part) => part.startsWith(`${heading}\n`));
  if (found === undefined) throw new Error(`${path} has no part "${heading}"`);
  return found;
}

/** The rows of the tables in `text`, cells trimmed, without headings. */
export function rowsOf(text: string): string[][] {
  const tables = text.split(/\n(?!\|)/).map((part) => part.split("\n").slice(1));
  return tables.flatMap((lines) => lines.filter((line) => line.startsWith("|")).slice(1))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()))
    .filter(([first = ""]) => !/^-+$/.test(first));
}

/** The blocks of code in `text` that are marked as `language`. */
export function blocksOf(text: string, language: string): string[] {
  const blocks = text.matchAll(/^```([a-z]*)\n(.*?)^```$/gms);
  return Array.from(blocks).filter(([, mark]) => mark === language).map(([, , body = ""]) => body);
}

/** What the program, without its simulator, can say: its code with long sentences put together. */
export function sentencesOf(tree: ReadonlyMap<string, string>): string {
  return Array.from(tree).filter(([path]) => /^src\/(?!simulator).*\.ts$/.test(path))
    .map(([, text]) => text.replaceAll(COMMENT, "").replaceAll(/[`"] \+\s+[`"]/g, "")).join("\n");
}

/** The words in backticks in a cell. */
export function codeWords(cell: string): string[] {
  return Array.from(cell.matchAll(/`([^`]+)`/g), ([, word = ""]) => word);
}
