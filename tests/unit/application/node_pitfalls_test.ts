/** What went wrong on nodes with earlier drivers, and what this one promises instead. */
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
  STAGING,
  storedOn,
  TARGET,
  VOLUME,
} from "../../builders/node.ts";
import { assertFails, FOREVER } from "../../contract/node_harness.ts";

Deno.test("D1: unpublish() takes stacked mounts away and deletes none of the volume's files", async () => {
  const { world, volumes, disk } = aNode();
  await volumes.stage(aStage(), FOREVER);
  await volumes.publish(aNodePublish(), FOREVER);
  world.writeFile(TARGET, "data.txt", "precious");
  world.mountForeign(disk.nqn, TARGET);
  await volumes.unpublish(VOLUME, TARGET, FOREVER);
  assert.equal(world.mountAt(TARGET), undefined);
  assert.equal(world.tree.at(TARGET), undefined);
  assert.equal(world.readFile(STAGING, "data.txt"), "precious");
});

Deno.test("D1: unpublish() leaves files alone that lie at the target path and on no volume", async () => {
  const { world, volumes } = aNode();
  world.writeFile(TARGET, "data.txt", "");
  await assertFails(volumes.unpublish(VOLUME, TARGET, FOREVER), "not-ready");
  assert.notEqual(world.readFile(TARGET, "data.txt"), undefined);
});

Deno.test("D2: publish() called twice leaves one mount", async () => {
  const { world, volumes } = aNode();
  await volumes.stage(aStage(), FOREVER);
  await volumes.publish(aNodePublish(), FOREVER);
  await volumes.publish(aNodePublish(), FOREVER);
  assert.equal(world.mounts.filter(({ path }) => path === TARGET).length, 1);
});

Deno.test("D3: stage() called twice checks nothing that is mounted, and disconnects nothing", async () => {
  const { world, volumes, disk } = aNode();
  disk.content = aFileSystem();
  await volumes.stage(aStage(), FOREVER);
  // From here on a check would fail: the file system is damaged, and it is mounted.
  storedOn(disk).health = "damaged";
  await volumes.stage(aStage(), FOREVER);
  assert.deepEqual(world.connections(), [{ nqn: disk.nqn, at: disk.at, state: "live" }]);
  assert.equal(world.mounts.length, 1);
});

Deno.test("D3: stage() checks nothing that is mounted at a target, though not at the staging path", async () => {
  const { world, volumes, disk } = aNode();
  disk.content = aFileSystem();
  await volumes.stage(aStage(), FOREVER);
  await volumes.publish(aNodePublish(), FOREVER);
  world.mounts.splice(world.mounts.findIndex(({ path }) => path === STAGING), 1);
  storedOn(disk).health = "damaged";
  await volumes.stage(aStage(), FOREVER);
  assert.equal(storedOn(disk).health, "damaged");
});

Deno.test("D4: stage() does not format a device that cannot be read", async () => {
  const { volumes, disk } = aNode();
  disk.content = { kind: "unreadable" };
  await assertFails(volumes.stage(aStage(), FOREVER), "unavailable");
  disk.content = aFileSystem();
  await volumes.stage(aStage(), FOREVER);
  assert.equal(storedOn(disk).files.get("data.txt"), "precious");
});

Deno.test("D4: stage() does not format a device with a partition table only", async () => {
  const { volumes, disk } = aNode();
  disk.content = { kind: "other", what: "a partition table" };
  await assertFails(volumes.stage(aStage(), FOREVER), "not-ready");
  assert.equal(disk.content.kind, "other");
});

for (const kind of ["blank", "half-formatted"] as const) {
  Deno.test(`D4: stage() does not format a ${kind} device of a volume that was made from a source`, async () => {
    const { volumes, disk } = aNode();
    disk.content = { kind };
    const request = aStage(aMount(), { published: aPublished({ isCopy: true }) });
    await assertFails(volumes.stage(request, FOREVER), "not-ready");
    assert.equal(disk.content.kind, kind);
  });
}

Deno.test("D7: unstage() does not report success while something still holds the device", async () => {
  const { world, volumes, disk } = aNode();
  await volumes.stage(aStage(), FOREVER);
  world.hold(disk.nqn, true);
  await assertFails(volumes.unstage(VOLUME, STAGING, FOREVER), "unavailable");
  // The mount table shows nothing any more, as with an unmount that hangs.
  await assertFails(volumes.unstage(VOLUME, STAGING, FOREVER), "unavailable");
  assert.equal(world.connections().length, 1);
  world.hold(disk.nqn, false);
  await volumes.unstage(VOLUME, STAGING, FOREVER);
  assert.deepEqual(world.connections(), []);
});

Deno.test("D10: stage() mounts a restored xfs beside its source, its dirty log included", async () => {
  const { world, volumes, disk } = aNode();
  disk.content = aFileSystem({ fileSystem: "xfs" });
  const restored = volumeIdForName("restored");
  const nqn = nqnOf(restored);
  const published = aPublished({ nqn, isCopy: true });
  const content = aFileSystem({ fileSystem: "xfs", health: "crashed" });
  const copy = world.exportDisk({ nqn, at: published.at, sizeBytes: GIB, content });
  const stagingPath = `${STAGING}-restored`;
  await volumes.stage(aStage(aMount("xfs")), FOREVER);
  const request = aStage(aMount("xfs"), { volumeId: restored, stagingPath, published });
  await volumes.stage(request, FOREVER);
  assert.equal(world.readFile(stagingPath, "data.txt"), "precious");
  assert(copy.content.kind === "file-system" && copy.content.stored.health === "clean");
});

Deno.test("D10: stage() gives nouuid to no volume but a copy", async () => {
  const { world, volumes, disk } = aNode();
  disk.content = aFileSystem({ fileSystem: "xfs" });
  await volumes.stage(aStage(aMount("xfs")), FOREVER);
  assert.deepEqual(world.mountAt(STAGING)?.options, []);
});

Deno.test("D11: stage() grows the file system of a volume restored to a larger size", async () => {
  const { volumes, disk } = aNode();
  disk.content = aFileSystem({ sizeBytes: GIB });
  disk.sizeBytes = 4 * GIB;
  const published = aPublished({ isCopy: true, capacityBytes: 4 * GIB });
  await volumes.stage(aStage(aMount(), { published }), FOREVER);
  assert.equal(storedOn(disk).sizeBytes, 4 * GIB);
});

Deno.test("D15: publish() replaces a block target that leads to another volume's device", async () => {
  const { world, volumes, disk } = aNode();
  await volumes.stage(aStage(aBlock()), FOREVER);
  await volumes.publish(aNodePublish(aBlock()), FOREVER);
  const other = volumeIdForName("other");
  const published = aPublished({ nqn: nqnOf(other) });
  world.exportDisk({ nqn: published.nqn, at: published.at, sizeBytes: GIB });
  await volumes.stage(aStage(aBlock(), { volumeId: other, published }), FOREVER);
  const foreign = world.deviceOf(published.nqn)?.number;
  assert(foreign !== undefined);
  world.tree.makeNode(TARGET, foreign, false);
  await volumes.publish(aNodePublish(aBlock()), FOREVER);
  const node = world.tree.at(TARGET);
  assert(node?.kind === "device-node");
  assert.equal(node.device, world.deviceOf(disk.nqn)?.number);
});

Deno.test("D15: publish() shows the current device where the one at the target is gone", async () => {
  const { world, volumes, disk } = aNode();
  await volumes.stage(aStage(aBlock()), FOREVER);
  await volumes.publish(aNodePublish(aBlock()), FOREVER);
  world.removeDevice(disk.nqn);
  await volumes.stage(aStage(aBlock()), FOREVER);
  await volumes.publish(aNodePublish(aBlock()), FOREVER);
  const node = world.tree.at(TARGET);
  assert(node?.kind === "device-node");
  assert.equal(node.device, world.deviceOf(disk.nqn)?.number);
});

Deno.test("D16: unstage() with nothing on the staging path tears down no other mount of the device", async () => {
  const { world, volumes } = aNode();
  await volumes.stage(aStage(), FOREVER);
  await volumes.publish(aNodePublish(), FOREVER);
  await volumes.publish(aNodePublish(aMount(), { targetPath: OTHER_TARGET }), FOREVER);
  world.mounts.splice(world.mounts.findIndex(({ path }) => path === STAGING), 1);
  await assert.rejects(volumes.unstage(VOLUME, STAGING, FOREVER), (error: Error) => {
    return error.message.includes(TARGET) && error.message.includes(OTHER_TARGET);
  });
  assert.deepEqual(world.mounts.map(({ path }) => path), [TARGET, OTHER_TARGET]);
  assert.equal(world.connections().length, 1);
});

Deno.test("D16: unstage() of a block volume refuses while a target shows its device", async () => {
  const { world, volumes } = aNode();
  await volumes.stage(aStage(aBlock()), FOREVER);
  await volumes.publish(aNodePublish(aBlock()), FOREVER);
  await assertFails(volumes.unstage(VOLUME, STAGING, FOREVER), "in-use");
  assert.equal(world.connections().length, 1);
});
