/** The breaker of staging: what opens it, and what closes it. */
import assert from "node:assert/strict";
import { resetBreaker } from "../../../src/application/node_breaker.ts";
import { aFileSystem, aNode, aNodeAfter, aStage, VOLUME } from "../../builders/node.ts";
import type { TestNode } from "../../builders/node.ts";
import { assertFails, FOREVER } from "../../contract/node_harness.ts";

/** A node whose volume has failed to be staged so often. */
async function aTroubled(failures: number): Promise<TestNode> {
  const node = aNode();
  node.disk.content = { kind: "other", what: "a partition table" };
  for (let count = 0; count < failures; count++) {
    await assertFails(node.volumes.stage(aStage(), FOREVER), "not-ready");
  }
  return node;
}

Deno.test("H8: after five failures in a row the device is left in peace, which is told once, with the way out", async () => {
  const node = await aTroubled(8);
  const [opened, ...others] = node.events;
  assert.deepEqual(others, []);
  assert(opened?.kind === "breaker-opened" && opened.failures === 5);
  assert.match(opened.reason, /a partition table/);
  // Nothing but the pause stands in the way any more, and it does.
  node.disk.content = aFileSystem();
  await assert.rejects(node.volumes.stage(aStage(), FOREVER), (error: Error) => {
    return /5 times in a row.*a partition table.*reset-breaker pvc-/.test(error.message);
  });
  assert.equal(node.world.mounts.length, 0);
  await node.shared.clock.advance(60_000);
  await node.volumes.stage(aStage(), FOREVER);
  assert.equal((await node.records.read(VOLUME))?.trouble, undefined);
});

Deno.test("H8: a person can end the pause, also when another process serves", async () => {
  const node = await aTroubled(5);
  node.disk.content = aFileSystem();
  const next = aNodeAfter(node);
  await assertFails(next.volumes.stage(aStage(), FOREVER), "not-ready");
  assert.equal(await resetBreaker(node.records, VOLUME), true);
  assert.equal(await resetBreaker(node.records, VOLUME), false);
  await next.volumes.stage(aStage(), FOREVER);
});

Deno.test("H8: a box that is down never opens the breaker", async () => {
  const node = aNode();
  node.world.disks.clear();
  for (let count = 0; count < 10; count++) {
    await assertFails(node.volumes.stage(aStage(), FOREVER), "unavailable");
  }
  assert.equal((await node.records.read(VOLUME))?.trouble, undefined);
  node.world.disks.set(node.disk.nqn, node.disk);
  await node.volumes.stage(aStage(), FOREVER);
  assert.deepEqual(node.events, []);
});

Deno.test("a device that is read in vain counts for nothing, one that needs a person does", async () => {
  const node = aNode();
  node.disk.content = { kind: "unreadable" };
  await assertFails(node.volumes.stage(aStage(), FOREVER), "unavailable");
  assert.equal((await node.records.read(VOLUME))?.trouble, undefined);
  node.disk.content = aFileSystem({ health: "broken" });
  await assertFails(node.volumes.stage(aStage(), FOREVER), "not-ready");
  assert.equal((await node.records.read(VOLUME))?.trouble?.count, 1);
});
