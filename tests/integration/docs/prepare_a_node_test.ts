/** The guide on machines names the programs, files, flags and warnings that there are. */
import assert from "node:assert/strict";
import { missingTools } from "../../../src/cli/node_tools.ts";
import { NODE_V8_FLAGS } from "../../../tools/bundle.ts";
import { readTree } from "../../../tools/tidy/tree.ts";
import { checkoutProgram } from "../../../tools/trial/processes.ts";
import { blocksOf, codeWords, rowsOf, section, sentencesOf } from "./page.ts";

const PAGE = "guides/prepare-a-node.md";

async function helpOfNode(): Promise<string> {
  const [program = "", ...leading] = checkoutProgram();
  const args = [...leading, "node", "--help"];
  const { stdout } = await new Deno.Command(program, { args, env: { NO_COLOR: "1" } }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test("prepare-a-node.md names every program that a node looks for", async () => {
  const [, list = ""] = (await section(PAGE, "The machine")).split("- Programs,");
  const [named = ""] = list.split("The event");
  const path = Deno.env.get("PATH") ?? "";
  Deno.env.delete("PATH");
  try {
    const wanted = await missingTools({ kind: "kernel" });
    assert.deepEqual(codeWords(named).filter((word) => word !== "PATH").sort(), wanted.sort());
  } finally {
    Deno.env.set("PATH", path);
  }
});

Deno.test("prepare-a-node.md starts a node with flags that it has", async () => {
  const [command = ""] = blocksOf(await section(PAGE, "Start it"), "sh");
  assert.ok(command.includes(`--v8-flags=${NODE_V8_FLAGS} `), "the flags of V8");
  const help = await helpOfNode();
  const flags = command.split("rds-csi.js")[1]?.match(/--[a-z-]+/g) ?? [];
  assert.ok(flags.length >= 3);
  for (const flag of flags) assert.ok(help.includes(flag), flag);
});

Deno.test("prepare-a-node.md quotes warnings that the program has", async () => {
  const code = sentencesOf(await readTree());
  const warnings = rowsOf(await section(PAGE, "What it warns about"))
    .flatMap(([warning = ""]) => codeWords(warning));
  assert.ok(warnings.length >= 9);
  for (const warning of warnings) assert.ok(code.includes(warning), warning);
});
