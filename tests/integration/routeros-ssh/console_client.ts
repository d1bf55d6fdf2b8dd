/** A person at the console of the simulated box, for what the adapter would never do. */
import assert from "node:assert/strict";
import type { Policy } from "../../../src/simulator/menu.ts";
import { runLine } from "../../../src/simulator/language/console.ts";
import type { Simulator } from "../../../src/simulator/simulator.ts";

const POLICIES: ReadonlySet<Policy> = new Set<Policy>(["read", "write"]);

/** Runs one line and gives what it prints, line ends trimmed. */
export async function type({ box }: Simulator, line: string): Promise<string> {
  let printed = "";
  const session = { user: "admin", policies: POLICIES, width: 80 };
  await runLine(line, box.tree, session, { print: (text) => printed += text });
  return printed.trimEnd();
}

/** What a box holds of ours: slots and comments of disks in `base`, and the files in it. */
export async function contentsOf(simulator: Simulator, base: string): Promise<string[]> {
  const disks = `:foreach d in=[/disk/print detail as-value where type="file"] do={
    :if ([:typeof [:find ($d->"file-path") "${base}/"]] = "num")
    do={ :put ("disk " . ($d->"slot") . " " . ($d->"comment")) } }`;
  const files = `:foreach f in=[/file/print as-value] do={
    :if ([:typeof [:find ($f->"name") "${base}/"]] = "num") do={ :put ("file " . ($f->"name")) } }`;
  const printed: string[] = [];
  for (const line of [disks, files]) {
    printed.push(await type(simulator, line.replace(/\s*\n\s*/g, " ")));
  }
  return printed.flatMap((text) => text.split("\n")).filter((line) => line !== "").sort();
}

/** Checks that there is nothing of ours on the box, and that no harm was done. */
export async function assertEmpty(simulator: Simulator, base: string): Promise<void> {
  assert.deepEqual(await contentsOf(simulator, base), []);
  assert.deepEqual(simulator.violations(), []);
}
