/** Follows the guide for a first try where it speaks of real file systems. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type SimulatorReady, spawn, waitFor } from "../../tools/trial/processes.ts";
import type { Child } from "../../tools/trial/processes.ts";
import { remainsBelow } from "../../tools/trial/remains.ts";
import { blockOf, commandOf, runScript } from "../integration/docs/try_page.ts";
import { hostTest } from "./machine.ts";
import { run } from "./nvme_host/loop_node.ts";
import { Workplace } from "./workplace.ts";

const START_MS = 60_000;

hostTest("try.md works with real file systems as it is written", async () => {
  await using stack = new AsyncDisposableStack();
  const workplace = stack.use(await Workplace.open());
  const { directory } = workplace;
  const start = (command: readonly string[], name: string): Child => {
    const child = stack.use(spawn(command, directory, `${name}.log`));
    workplace.owns(child.pid);
    return child;
  };
  const box = (await commandOf("A box", directory)).map((word) => word === "2222" ? "0" : word);
  const simulator = start([...box, "--ready-json"], "simulator");
  const line = await simulator.lineWhere((text) => text.startsWith("{"), START_MS);
  const { port, hostKeyFingerprint }: SimulatorReady = JSON.parse(line);
  const config = (await blockOf("A controller", "yaml", directory))
    .replace("2222", String(port)).replace("SHA256:…", hostKeyFingerprint);
  await Deno.writeTextFile(join(directory, "config.yaml"), config);
  const controller = start(await commandOf("A controller", directory), "controller");
  const command = await commandOf("Real file systems", directory);
  const node = start(command, "node");
  await waitFor(join(directory, "controller.sock"), controller);
  await waitFor(join(directory, "node.sock"), node);

  const first = await runScript(directory);
  assert.match(first, /^volume pvc-.*^snapshot snap-/ms);
  const shown = await run("findmnt", "--noheadings", "--output", "FSTYPE", `${directory}/pod`);
  assert.equal(shown.trim(), "ext4");
  const before = remainsBelow(directory);
  assert.deepEqual(before.mounts, [`${directory}/staging`, `${directory}/pod`]);
  assert.equal(before.loops.length, 1);

  // Stopping takes nothing away, and who starts again finds it.
  assert.equal((await node.end("SIGTERM")).code, 0);
  assert.deepEqual(remainsBelow(directory), before);
  await waitFor(join(directory, "node.sock"), start(command, "node"));
  assert.equal(await runScript(directory), first);
  assert.deepEqual(remainsBelow(directory), before);
});
