/** The program starts itself again, whether it runs from its source or as a bundle. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openChildren } from "../../../src/adapters/children/children.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { buildBundle } from "../../../tools/bundle.ts";

const FOREVER = new AbortController().signal;
const MODULE = new URL("../../../src/adapters/children/own_program.ts", import.meta.url).href;

/** What `ownProgram()` gives in a process of its own, whose program is the file at `path`. */
async function ownProgramIn(path: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", path],
    cwd: "/",
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("ownProgram() names the file that runs, with all permissions and small memory", async () => {
  const path = await Deno.makeTempFile({ prefix: "rds csi ", suffix: ".ts" });
  await Deno.writeTextFile(
    path,
    `const { ownProgram } = await import(${JSON.stringify(MODULE)});
    console.log(JSON.stringify(ownProgram()));`,
  );
  const [program, ...args] = await ownProgramIn(path);
  await Deno.remove(path);
  assert.equal(program, Deno.execPath());
  assert.equal(args[0], "run");
  assert.ok(args.includes("-A"));
  assert.equal(args.at(-1), path, "also when its name has spaces");
});

const SOURCE = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

for (
  const { name, path } of [
    { name: "its source", path: (): Promise<string> => Promise.resolve(SOURCE) },
    { name: "a bundle", path: buildBundle },
  ]
) {
  Deno.test(`a worker runs from ${name}`, async () => {
    const flags = ["run", "--quiet", "--cached-only", "-A"];
    const program = [Deno.execPath(), ...flags, await path()];
    await using children = openChildren(systemClock, program);
    const call = { kind: "measure-file-system", path: "/tmp" } as const;
    const options = { deadlineMs: 20_000, subject: "none" };
    const measured = await children.kernelCalls.call(call, options, FOREVER);
    assert.ok(measured.isOk && measured.answer.blocks > 0);
  });
}
