import assert from "node:assert/strict";
import { GIB } from "../../../src/domain/capacity.ts";
import { nqnOf } from "../../../src/domain/nvme.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import {
  aBlock,
  aFileSystem,
  aMount,
  aNode,
  aNodePublish,
  aPublished,
  aStage,
  OTHER_TARGET,
  pictureOf,
  STAGING,
  TARGET,
  VOLUME,
} from "../../builders/node.ts";
import type { TestNode } from "../../builders/node.ts";
import { assertFails, FOREVER } from "../../contract/node_harness.ts";

async function aStagedNode(capability = aMount()): Promise<TestNode> {
  const node = aNode();
  if (capability.access.type === "mount") {
    node.disk.content = aFileSystem({ fileSystem: capability.access.fileSystem });
  }
  await node.volumes.stage(aStage(capability), FOREVER);
  return node;
}

Deno.test("publish() shows what is staged at the target path", async () => {
  const { world, volumes } = await aStagedNode();
  await volumes.publish(aNodePublish(), FOREVER);
  world.writeFile(TARGET, "a.txt", "written by a pod");
  assert.equal(world.readFile(STAGING, "a.txt"), "written by a pod");
});

Deno.test("publish() read-only leaves the staging path writable", async () => {
  const { world, volumes } = await aStagedNode();
  await volumes.publish(aNodePublish(aMount(), { isReadOnly: true }), FOREVER);
  assert.equal(world.mountAt(TARGET)?.isReadOnly, true);
  assert.equal(world.mountAt(STAGING)?.isReadOnly, false);
});

Deno.test("publish() in a reader's access mode is read-only whatever the request says", async () => {
  for (
    const capability of [
      aMount("ext4", "SINGLE_NODE_READER_ONLY"),
      aBlock("SINGLE_NODE_READER_ONLY"),
    ]
  ) {
    const { world, volumes } = await aStagedNode(capability);
    await volumes.publish(aNodePublish(capability), FOREVER);
    const node = world.tree.at(TARGET);
    const shown = world.mountAt(TARGET) ?? (node?.kind === "device-node" ? node : undefined);
    assert.equal(shown?.isReadOnly, true);
  }
});

Deno.test("publish() never shows the raw device of a volume that is mounted", async () => {
  const node = await aStagedNode(aMount());
  await node.volumes.publish(aNodePublish(aMount()), FOREVER);
  const before = await pictureOf(node);
  const asBlock = aNodePublish(aBlock(), { targetPath: OTHER_TARGET });
  await assertFails(node.volumes.publish(asBlock, FOREVER), "not-ready");
  assert.deepEqual(await pictureOf(node), before);
});

for (const capability of [aMount(), aBlock()]) {
  const { type } = capability.access;
  Deno.test(`publish() refuses a volume that is not staged (${type})`, async () => {
    const node = aNode();
    const before = await pictureOf(node);
    await assertFails(node.volumes.publish(aNodePublish(capability), FOREVER), "not-ready");
    assert.deepEqual(await pictureOf(node), before);
  });

  Deno.test(`publish() refuses the same target with another read-only flag (${type})`, async () => {
    const node = await aStagedNode(capability);
    await node.volumes.publish(aNodePublish(capability), FOREVER);
    const before = await pictureOf(node);
    const again = node.volumes.publish(aNodePublish(capability, { isReadOnly: true }), FOREVER);
    await assertFails(again, "already-exists");
    assert.deepEqual(await pictureOf(node), before);
  });

  Deno.test(`publish() lets several targets have the volume in the usual mode (${type})`, async () => {
    const { volumes } = await aStagedNode(capability);
    await volumes.publish(aNodePublish(capability), FOREVER);
    await volumes.publish(aNodePublish(capability, { targetPath: OTHER_TARGET }), FOREVER);
  });
}

for (
  const capability of [
    aMount("ext4", "SINGLE_NODE_SINGLE_WRITER"),
    aBlock("SINGLE_NODE_SINGLE_WRITER"),
  ]
) {
  const { type } = capability.access;
  Deno.test(`publish() refuses a single writer's second target, naming the first (${type})`, async () => {
    const { volumes } = await aStagedNode(capability);
    await volumes.publish(aNodePublish(capability), FOREVER);
    await volumes.publish(aNodePublish(capability), FOREVER);
    const second = aNodePublish(capability, { targetPath: OTHER_TARGET });
    await assertFails(volumes.publish(second, FOREVER), "in-use");
    await assert.rejects(volumes.publish(second, FOREVER), (error: Error) => {
      return error.message.includes(`${TARGET} has it`);
    });
    await volumes.unpublish(VOLUME, TARGET, FOREVER);
    await volumes.publish(second, FOREVER);
  });
}

Deno.test("publish() hands no dead staging mount to a pod: without a record it says what to do", async () => {
  const { world, volumes, disk, records } = await aStagedNode();
  await records.remove(VOLUME);
  world.removeDevice(disk.nqn);
  await assertFails(volumes.publish(aNodePublish(), FOREVER), "not-ready");
  world.connect(disk);
  await assert.rejects(volumes.publish(aNodePublish(), FOREVER), (error: Error) => {
    return error.message.includes("must be unstaged and staged again");
  });
  assert.equal(world.mountAt(TARGET), undefined);
});

Deno.test("publish() replaces a dead mount at the target", async () => {
  const { world, volumes, disk } = await aStagedNode();
  await volumes.publish(aNodePublish(), FOREVER);
  world.removeDevice(disk.nqn);
  await volumes.stage(aStage(), FOREVER);
  await volumes.publish(aNodePublish(), FOREVER);
  assert.equal(world.mountAt(TARGET)?.device, world.deviceOf(disk.nqn)?.number);
  assert.equal(world.mounts.length, 2);
});

Deno.test("publish() refuses a target that has another volume, or a file", async () => {
  const { world, volumes } = await aStagedNode();
  const nqn = nqnOf(volumeIdForName("other"));
  const content = aFileSystem();
  world.connect(world.exportDisk({ nqn, at: aPublished().at, sizeBytes: GIB, content }));
  world.mountForeign(nqn, TARGET);
  await assertFails(volumes.publish(aNodePublish(), FOREVER), "in-use");
  world.writeFile("/kubelet/pods/two", "volume", "");
  const second = aNodePublish(aMount(), { targetPath: OTHER_TARGET });
  await assertFails(volumes.publish(second, FOREVER), "in-use");
  assert.equal(world.mounts.filter(({ path }) => path === TARGET).length, 1);
});

Deno.test("publish() refuses a mount where raw block is published, and the reverse", async () => {
  const block = await aStagedNode(aBlock());
  await block.volumes.publish(aNodePublish(aBlock()), FOREVER);
  await assertFails(block.volumes.publish(aNodePublish(), FOREVER), "not-ready");
  const mount = await aStagedNode();
  await mount.volumes.publish(aNodePublish(), FOREVER);
  await assertFails(mount.volumes.publish(aNodePublish(aBlock()), FOREVER), "already-exists");
});

Deno.test("publish() refuses an access mode that would destroy the file system", async () => {
  const { volumes } = await aStagedNode();
  const shared = aNodePublish(aMount("ext4", "MULTI_NODE_MULTI_WRITER"));
  await assertFails(volumes.publish(shared, FOREVER), "invalid");
});

Deno.test("unpublish() of a path with nothing is a success", async () => {
  const { volumes } = aNode();
  await volumes.unpublish(VOLUME, TARGET, FOREVER);
});

Deno.test("unpublish() leaves the staging path and the other targets as they are", async () => {
  const { world, volumes } = await aStagedNode();
  await volumes.publish(aNodePublish(), FOREVER);
  await volumes.publish(aNodePublish(aMount(), { targetPath: OTHER_TARGET }), FOREVER);
  await volumes.unpublish(VOLUME, TARGET, FOREVER);
  assert.deepEqual(world.mounts.map(({ path }) => path), [STAGING, OTHER_TARGET]);
});

Deno.test("unpublish() leaves another volume and foreign mounts where they are", async () => {
  const { world, volumes } = await aStagedNode();
  const nqn = nqnOf(volumeIdForName("other"));
  const content = aFileSystem();
  const disk = world.exportDisk({ nqn, at: aPublished().at, sizeBytes: GIB, content });
  world.connect(disk);
  world.mountForeign(nqn, TARGET);
  await assertFails(volumes.unpublish(VOLUME, TARGET, FOREVER), "in-use");
  assert.equal(world.mountAt(TARGET)?.device, world.deviceOf(nqn)?.number);
  // Dead, it is nobody's any more.
  world.removeDevice(nqn);
  await volumes.unpublish(VOLUME, TARGET, FOREVER);
  assert.equal(world.mountAt(TARGET), undefined);
});

Deno.test("unpublish() takes away what somebody put on top of the volume", async () => {
  const { world, volumes } = await aStagedNode();
  await volumes.publish(aNodePublish(), FOREVER);
  const nqn = nqnOf(volumeIdForName("other"));
  const content = aFileSystem();
  world.connect(world.exportDisk({ nqn, at: aPublished().at, sizeBytes: GIB, content }));
  world.mountForeign(nqn, TARGET);
  await volumes.unpublish(VOLUME, TARGET, FOREVER);
  assert.equal(world.mountAt(TARGET), undefined);
});
