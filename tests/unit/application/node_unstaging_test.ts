/** Unstaging a volume whose kernel gave the connection up and keeps the device for a while. */
import assert from "node:assert/strict";
import { StorageError } from "../../../src/domain/errors.ts";
import { aMount, aNode, aStage, STAGING, VOLUME } from "../../builders/node.ts";
import type { TestNode } from "../../builders/node.ts";
import { assertFails, FOREVER } from "../../contract/node_harness.ts";
import { overriding } from "../../fakes/overriding.ts";

/** A node with a staged volume whose device waits for a controller; `isAway`: the box is silent. */
async function aKept(box: { isAway: boolean; connects?: number }): Promise<TestNode> {
  const node = aNode(({ host, ...others }) => ({
    ...others,
    host: overriding(host, "connect", async (target, signal) => {
      box.connects = (box.connects ?? 0) + 1;
      if (box.isAway) throw new StorageError("unavailable", "Cannot connect: nothing listens");
      return await host.connect(target, signal);
    }),
  }));
  await node.volumes.stage(aStage(aMount()), FOREVER);
  node.world.writeFile(STAGING, "data.txt", "not written out yet");
  node.world.removeController(node.disk.nqn);
  return node;
}

Deno.test("F3: unstage() connects a device that is only kept before it lets go of its mount", async () => {
  const node = await aKept({ isAway: false });
  await node.volumes.unstage(VOLUME, STAGING, FOREVER);
  assert.deepEqual(node.world.mounts, []);
  assert.deepEqual(node.world.connections(), []);
  assert.equal(await node.records.read(VOLUME), undefined);
});

Deno.test("F3: unstage() waits for the box, keeps the mount meanwhile, and finishes after it", async () => {
  const box = { isAway: false };
  const node = await aKept(box);
  box.isAway = true;
  for (let attempt = 0; attempt < 3; attempt++) {
    await assert.rejects(node.volumes.unstage(VOLUME, STAGING, FOREVER), {
      code: "unavailable",
      message: /what is not written yet is lost when the kernel lets go .*: .*nothing listens/,
    });
    assert.equal(node.world.mounts.length, 1);
  }
  box.isAway = false;
  await node.volumes.unstage(VOLUME, STAGING, FOREVER);
  assert.deepEqual(node.world.connections(), []);
});

Deno.test("unstage() connects nothing that a person gave up, however often it is called", async () => {
  const box = { isAway: false, connects: 0 };
  const node = await aKept(box);
  const record = await node.records.read(VOLUME);
  assert(record !== undefined);
  await node.records.write({ ...record, phase: "abandoned" });
  box.connects = 0;
  // The memory's kernel holds the unmount until the device is gone.
  for (let attempt = 0; attempt < 3; attempt++) {
    await assertFails(node.volumes.unstage(VOLUME, STAGING, FOREVER), "unavailable");
  }
  assert.equal(box.connects, 0);
  node.world.removeDevice(node.disk.nqn);
  await node.volumes.unstage(VOLUME, STAGING, FOREVER);
  assert.equal(box.connects, 0);
  assert.equal(await node.records.read(VOLUME), undefined);
});
