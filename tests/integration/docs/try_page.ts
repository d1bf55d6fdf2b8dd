/** The guide for a first try, as tests follow it: its commands, and its program. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { checkoutProgram } from "../../../tools/trial/processes.ts";
import { blocksOf, section } from "./page.ts";

/** The page, below docs. */
export const PAGE = "guides/try.md";
const DIRECTORY = "/tmp/rds-try";
const RUN_MS = 60_000;
const ROOT = new URL("../../../", import.meta.url);

/** The block of `language` below a heading, with `directory` in place of the page's. */
export async function blockOf(
  heading: string,
  language: string,
  directory: string,
): Promise<string> {
  const blocks = blocksOf(await section(PAGE, heading), language);
  assert.equal(blocks.length, 1, `${heading} has one block of ${language}`);
  return (blocks[0] ?? "").replaceAll(DIRECTORY, directory);
}

/** The command below a heading, by the program of this checkout. */
export async function commandOf(heading: string, directory: string): Promise<string[]> {
  const words = (await blockOf(heading, "sh", directory)).trim().split(/\s+/);
  assert.deepEqual(words.slice(0, 3), ["deno", "task", "rds-csi"]);
  return [...checkoutProgram(), ...words.slice(3)];
}

/** Runs the page's program against a running installation. @returns what it prints */
export async function runScript(directory: string): Promise<string> {
  const script = (await blockOf("Calls", "ts", directory)).replaceAll('from "./', `from "${ROOT}`);
  const path = join(directory, "try.ts");
  await Deno.writeTextFile(path, script);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "--config", "deno.json", path],
    cwd: ROOT,
    signal: AbortSignal.timeout(RUN_MS),
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
