/** Writes the generated tables of docs/reference: a part of `deno task gen`. */
import { generatedPages, withTable } from "./reference.ts";

const ROOT = new URL("../", import.meta.url);

for (const { path, table } of generatedPages(await read("src/ports/events.ts"))) {
  await Deno.writeTextFile(new URL(path, ROOT), withTable(await read(path), table));
}

function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}
