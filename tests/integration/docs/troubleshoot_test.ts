/** Every message that the guide on trouble quotes is one that the program can say. */
import assert from "node:assert/strict";
import { readTree } from "../../../tools/tidy/tree.ts";
import { codeWords, rowsOf, sentencesOf } from "./page.ts";

const PAGE = "docs/guides/troubleshoot.md";
/** The words of the platform, which the program passes on. */
const OF_THE_PLATFORM = ["connect ECONNREFUSED …", "Requires … access to …"];

const tree = await readTree();

Deno.test("troubleshoot.md quotes messages that the program has", () => {
  const code = sentencesOf(tree);
  const quoted = rowsOf(tree.get(PAGE) ?? "").flatMap(([message = ""]) => codeWords(message));
  const messages = quoted.filter((message) => !OF_THE_PLATFORM.includes(message));
  assert.ok(messages.length > 30, `${messages.length}`);
  for (const message of messages) {
    const pieces = message.split("…").map((piece) => piece.replaceAll(/^[ ,]+|[ :,]+$/g, ""));
    for (const piece of pieces) assert.ok(code.includes(piece), `${message}: "${piece}"`);
  }
});
