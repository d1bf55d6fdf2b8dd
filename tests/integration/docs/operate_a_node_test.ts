/** The guide on nodes names every command, flag and condition, and messages that the program has. */
import assert from "node:assert/strict";
import { PATIENCE_MS } from "../../../src/domain/health.ts";
import { readTree } from "../../../tools/tidy/tree.ts";
import { checkoutProgram } from "../../../tools/trial/processes.ts";
import { blocksOf, codeWords, rowsOf, sentencesOf } from "./page.ts";

const PAGE = "docs/guides/operate-a-node.md";
const COMMANDS = ["list", "inspect", "detach", "reset-breaker"];

const tree = await readTree();
const page = tree.get(PAGE) ?? "";

/** The first words of the rows of the table with that heading. */
function wordsBelow(heading: string): string[] {
  const [, table = ""] = page.split(new RegExp(`^\\| ${heading} .*\n`, "m"));
  return rowsOf(`${heading}\n${table.split("\n\n")[0]}`).flatMap(([first = ""]) =>
    codeWords(first)
  );
}

async function helpOf(command: string): Promise<string> {
  const [program = "", ...leading] = checkoutProgram();
  const args = [...leading, "node", command, "--help"];
  const { stdout } = await new Deno.Command(program, { args, env: { NO_COLOR: "1" } }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test("operate-a-node.md shows every command, with flags that it has", async () => {
  const lines = blocksOf(page, "sh").map((block) => block.trim());
  for (const command of COMMANDS) {
    const help = await helpOf(command);
    const shown = lines.filter((line) => line.startsWith(`rds-csi node ${command}`));
    assert.ok(shown.length > 0, command);
    for (const flag of shown.flatMap((line) => line.match(/ --[a-z-]+/g) ?? [])) {
      assert.ok(help.includes(flag), `${command}${flag}`);
    }
    for (const flag of help.match(/ --[a-z-]+ /g) ?? []) {
      assert.ok(page.includes(flag.trim()) || /help|output/.test(flag), `${command}${flag}`);
    }
  }
});

Deno.test("operate-a-node.md explains every condition that there is", () => {
  const known = ["well", ...Object.keys(PATIENCE_MS), "unclaimed", "record-unreadable"];
  assert.deepEqual(wordsBelow("Condition").toSorted(), known.toSorted());
});

Deno.test("operate-a-node.md quotes messages that the program has", () => {
  const code = sentencesOf(tree);
  const quoted = wordsBelow("It says");
  assert.ok(quoted.length > 4);
  const others = codeWords(page).filter((word) => word.includes(" …") || word.startsWith("that "));
  for (const message of [...quoted, ...others, "hangs in the kernel", "children-stuck"]) {
    for (const piece of message.split("…").map((each) => each.trim())) {
      assert.ok(code.includes(piece), `${message}: "${piece}"`);
    }
  }
});
