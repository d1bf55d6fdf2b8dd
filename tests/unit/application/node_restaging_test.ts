/** Publishing what died since it was staged: it is staged again, from the record. */
import assert from "node:assert/strict";
import {
  aBlock,
  aMount,
  aNode,
  aNodePublish,
  aStage,
  OTHER_TARGET,
  STAGING,
  TARGET,
  VOLUME,
} from "../../builders/node.ts";
import type { TestNode } from "../../builders/node.ts";
import { assertFails, FOREVER } from "../../contract/node_harness.ts";

async function aStaged(capability = aMount()): Promise<TestNode> {
  const node = aNode();
  await node.volumes.stage(aStage(capability), FOREVER);
  return node;
}

Deno.test("F27: a new pod on the same node gets a volume that is staged again, with all that was synced", async () => {
  const node = await aStaged();
  await node.volumes.publish(aNodePublish(), FOREVER);
  node.world.writeFile(TARGET, "data.txt", "precious");
  node.world.removeDevice(node.disk.nqn);
  // The kubelet publishes to the new pod before it unpublishes the old one, and never stages.
  await node.volumes.publish(aNodePublish(aMount(), { targetPath: OTHER_TARGET }), FOREVER);
  assert.equal(node.world.readFile(OTHER_TARGET, "data.txt"), "precious");
  const current = node.world.deviceOf(node.disk.nqn)?.number;
  assert.equal(node.world.mountAt(OTHER_TARGET)?.device, current);
  // What the old pod has stays as it is until it ends.
  assert.notEqual(node.world.mountAt(TARGET)?.device, current);
  assert.equal((await node.records.read(VOLUME))?.device?.number, current);
});

Deno.test("F27: an xfs that a pod still has dead is not mounted beside it, and the pod is named", async () => {
  const node = await aStaged(aMount("xfs"));
  await node.volumes.publish(aNodePublish(aMount("xfs")), FOREVER);
  node.world.removeDevice(node.disk.nqn);
  const second = aNodePublish(aMount("xfs"), { targetPath: OTHER_TARGET });
  for (let attempt = 0; attempt < 6; attempt++) {
    await assert.rejects(node.volumes.publish(second, FOREVER), (error: Error) => {
      return error.message.includes(`the pod at ${TARGET} still has its dead file system`);
    });
  }
  await node.volumes.unpublish(VOLUME, TARGET, FOREVER);
  await node.volumes.publish(second, FOREVER);
});

for (const how of ["shown", "unseen"] as const) {
  const tables = how === "shown" ? "as tables show" : "unseen by tables";
  Deno.test(`F19: a file system that gave up, ${tables}, is mounted again once no pod has it`, async () => {
    const node = await aStaged();
    await node.volumes.publish(aNodePublish(), FOREVER);
    node.world.shutDownFileSystem(node.disk.nqn, how);
    const { condition } = await node.volumes.stats(VOLUME, TARGET, FOREVER);
    assert.match(condition.message, /delete the pod that uses it/);
    const second = aNodePublish(aMount(), { targetPath: OTHER_TARGET });
    await assertFails(node.volumes.publish(second, FOREVER), "unavailable");
    await node.volumes.unpublish(VOLUME, TARGET, FOREVER);
    await node.volumes.publish(second, FOREVER);
    node.world.writeFile(OTHER_TARGET, "a.txt", "written");
  });
}

Deno.test("F19: a stage again mounts anew what gave up, unseen by tables", async () => {
  const node = await aStaged();
  node.world.shutDownFileSystem(node.disk.nqn, "unseen");
  await node.volumes.stage(aStage(), FOREVER);
  node.world.writeFile(STAGING, "a.txt", "written");
});

Deno.test("publish() stages nothing again that is being unstaged or was given up", async () => {
  for (const phase of ["unstaging", "abandoned"] as const) {
    const { volumes, records, world, disk } = await aStaged();
    const record = await records.read(VOLUME);
    assert(record !== undefined);
    await records.write({ ...record, phase });
    world.removeDevice(disk.nqn);
    await assertFails(volumes.publish(aNodePublish(), FOREVER), "not-ready");
    assert.deepEqual(world.connections(), []);
  }
});

Deno.test("publish() of raw block connects again, and never takes the old number for the volume", async () => {
  const node = await aStaged(aBlock());
  node.world.removeDevice(node.disk.nqn);
  await node.volumes.publish(aNodePublish(aBlock()), FOREVER);
  const current = node.world.deviceOf(node.disk.nqn)?.number;
  const shown = node.world.tree.at(TARGET);
  assert(shown?.kind === "device-node" && shown.device === current);
  assert.equal((await node.records.read(VOLUME))?.device?.number, current);
});

Deno.test("publish() stages nothing again beside a mount that lives, and names it", async () => {
  const { volumes, world } = await aStaged();
  await volumes.publish(aNodePublish(), FOREVER);
  world.mounts.splice(world.mounts.findIndex(({ path }) => path === STAGING), 1);
  const second = aNodePublish(aMount(), { targetPath: OTHER_TARGET });
  await assert.rejects(volumes.publish(second, FOREVER), (error: Error) => {
    return error.message.includes(`${TARGET} still has it alive`);
  });
});

const NOT_OURS = [
  { name: "of another boot", differing: { bootId: "another boot" } },
  { name: "of another staging path", differing: { stagingPath: "/kubelet/elsewhere" } },
  { name: "of another kind of use", differing: { capability: aBlock() } },
  { name: "of a stage that never ended", differing: { phase: "staging", device: undefined } },
] as const;
for (const { name, differing } of NOT_OURS) {
  Deno.test(`publish() stages nothing again by a record ${name}`, async () => {
    const { volumes, world, records, disk } = await aStaged();
    const record = await records.read(VOLUME);
    assert(record !== undefined);
    const { device, ...rest } = record;
    const whole = "device" in differing || device === undefined ? rest : record;
    const { device: _, ...change } = { device: undefined, ...differing };
    await records.write({ ...whole, ...change });
    world.removeDevice(disk.nqn);
    await assertFails(volumes.publish(aNodePublish(), FOREVER), "not-ready");
    assert.deepEqual(world.connections(), []);
  });
}

for (
  const [phase, finding] of [
    ["unstaging", "is being unstaged"],
    ["abandoned", "was detached by force"],
  ] as const
) {
  Deno.test(`publish() gives no pod a volume that ${finding}`, async () => {
    const { volumes, world, records } = await aStaged();
    const record = await records.read(VOLUME);
    assert(record !== undefined);
    await records.write({ ...record, phase });
    await assertFails(volumes.publish(aNodePublish(), FOREVER), "not-ready");
    await assert.rejects(volumes.publish(aNodePublish(), FOREVER), (error: Error) => {
      return error.message.includes(finding);
    });
    assert.equal(world.mountAt(TARGET), undefined);
    // As the message says.
    await volumes.stage(aStage(), FOREVER);
    await volumes.publish(aNodePublish(), FOREVER);
  });
}
