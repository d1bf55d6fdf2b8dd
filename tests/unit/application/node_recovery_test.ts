/** Rows of the failure matrix (F7 to F32) that the node's use cases answer themselves. */
import assert from "node:assert/strict";
import { GIB } from "../../../src/domain/capacity.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import { nqnOf } from "../../../src/domain/nvme.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import {
  aBlock,
  aFileSystem,
  aMount,
  aNode,
  aNodeAfter,
  aNodePublish,
  aPublished,
  aStage,
  pictureOf,
  STAGING,
  storedOn,
  TARGET,
  VOLUME,
} from "../../builders/node.ts";
import type { TestNode } from "../../builders/node.ts";
import { assertFails, FOREVER } from "../../contract/node_harness.ts";
import { Faults } from "../../fakes/failing.ts";
import { overriding } from "../../fakes/overriding.ts";

async function aStaged(capability = aMount()): Promise<TestNode> {
  const node = aNode();
  await node.volumes.stage(aStage(capability), FOREVER);
  return node;
}

/** The box comes back with another identity of the namespace. */
function changeIdentity({ world, disk }: TestNode, identity = "another identity"): void {
  world.loseConnection(disk.nqn);
  disk.identity = identity;
  world.regainConnection(disk.nqn);
}

Deno.test("F7: a volume whose identity changed is mounted again only with the file system it had", async () => {
  const node = await aStaged();
  node.world.writeFile(STAGING, "data.txt", "precious");
  changeIdentity(node);
  await node.volumes.stage(aStage(), FOREVER);
  assert.equal(node.world.readFile(STAGING, "data.txt"), "precious");
  assert.equal((await node.records.read(VOLUME))?.device?.identity, "another identity");
});

for (
  const [what, content] of [
    ["another file system", aFileSystem()],
    ["nothing at all", { kind: "blank" }],
    ["a half-made file system", { kind: "half-formatted" }],
  ] as const
) {
  Deno.test(`F7: a volume that was staged and now holds ${what} is neither mounted nor formatted`, async () => {
    const node = await aStaged();
    changeIdentity(node);
    node.disk.content = content;
    await assertFails(node.volumes.stage(aStage(), FOREVER), "not-ready");
    await assertFails(node.volumes.publish(aNodePublish(), FOREVER), "not-ready");
    assert.equal(node.disk.content, content);
    assert.equal(node.world.mounts.length, 0);
  });
}

Deno.test("F7: a device that is smaller than it was staged is not mounted", async () => {
  const node = aNode();
  node.disk.sizeBytes = 2 * GIB;
  await node.volumes.stage(aStage(), FOREVER);
  node.disk.sizeBytes = GIB;
  node.world.removeDevice(node.disk.nqn);
  await assertFails(node.volumes.stage(aStage(), FOREVER), "unavailable");
});

Deno.test("F12: a repeated stage and publish touch nothing", async () => {
  const faults = new Faults({ callNumber: 0, moment: "before" });
  const node = aNode((ports) => ({
    host: faults.wrap(ports.host),
    mounter: faults.wrap(ports.mounter),
    fileSystems: faults.wrap(ports.fileSystems),
    records: faults.wrap(ports.records),
  }));
  for (const capability of [aMount(), aBlock()]) {
    await node.volumes.stage(aStage(capability), FOREVER);
    await node.volumes.publish(aNodePublish(capability), FOREVER);
    const before = await pictureOf(node);
    const callsBefore = faults.calls.length;
    await node.volumes.stage(aStage(capability), FOREVER);
    await node.volumes.publish(aNodePublish(capability), FOREVER);
    const looks = new Set(faults.calls.slice(callsBefore));
    const asked = capability.access.type === "mount" ? ["works"] : [];
    assert.deepEqual([...looks].sort(), ["look", "read", "session", ...asked]);
    assert.deepEqual(await pictureOf(node), before);
    await node.volumes.unpublish(VOLUME, TARGET, FOREVER);
    await node.volumes.unstage(VOLUME, STAGING, FOREVER);
  }
});

Deno.test("F12: a stage with another policy takes it over and keeps the mount", async () => {
  const { volumes, world, records } = await aStaged();
  const mounts = [...world.mounts];
  const published = aPublished({ policy: { ...aPublished().policy, reconnectDelay: 2 } });
  await volumes.stage(aStage(aMount(), { published }), FOREVER);
  assert.deepEqual(world.mounts, mounts);
  assert.equal((await records.read(VOLUME))?.published.policy.reconnectDelay, 2);
});

Deno.test("F13: a volume that was staged in another boot is staged anew, and was never blank", async () => {
  const before = await aStaged();
  const { records, disk } = before;
  const next = aNode((ports) => ports, { records, bootId: "the next boot" });
  next.disk.content = disk.content;
  await next.volumes.stage(aStage(), FOREVER);
  assert.equal((await records.read(VOLUME))?.bootId, "the next boot");
  const wiped = aNode((ports) => ports, { records, bootId: "a third boot" });
  await assertFails(wiped.volumes.stage(aStage(), FOREVER), "not-ready");
  assert.equal(wiped.disk.content.kind, "blank");
});

Deno.test("F21: of parallel stages one works and the others are told to wait", async () => {
  const { volumes, world, disk } = aNode();
  const calls = Array.from({ length: 20 }, () => volumes.stage(aStage(), FOREVER));
  const ends = await Promise.allSettled(calls);
  assert.equal(ends.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal(world.mounts.length, 1);
  assert.equal(storedOn(disk).files.size, 0);
});

Deno.test("F24: a mount that no record tells of is adopted, its file system remembered", async () => {
  const { volumes, records, world, disk } = await aStaged();
  await records.remove(VOLUME);
  await volumes.stage(aStage(), FOREVER);
  assert.equal(world.mounts.length, 1);
  assert.equal((await records.read(VOLUME))?.fileSystemUuid, storedOn(disk).uuid);
});

Deno.test("F25: an unstage whose unmount hangs is pending however often it is tried, and ends when the box is back", async () => {
  const node = await aStaged();
  const { world, disk, records } = node;
  world.loseConnection(disk.nqn);
  for (let attempt = 0; attempt < 3; attempt++) {
    await assertFails(node.volumes.unstage(VOLUME, STAGING, FOREVER), "unavailable");
    assert.equal(world.mounts.length, 0);
    assert.equal(world.connections().length, 1);
    assert.equal((await records.read(VOLUME))?.phase, "unstaging");
    await node.guardian.round(FOREVER);
  }
  // Neither does a new process believe that nothing is mounted.
  const next = aNodeAfter(node);
  await assertFails(next.volumes.unstage(VOLUME, STAGING, FOREVER), "unavailable");
  world.regainConnection(disk.nqn);
  await next.volumes.unstage(VOLUME, STAGING, FOREVER);
  assert.deepEqual(world.connections(), []);
  assert.equal(await records.read(VOLUME), undefined);
  assert.equal(world.tree.at(STAGING), undefined);
});

Deno.test("F25: without its record, too, a hanging unmount keeps the connection", async () => {
  const { world, disk, records, volumes } = await aStaged();
  world.loseConnection(disk.nqn);
  await records.remove(VOLUME);
  for (let attempt = 0; attempt < 2; attempt++) {
    await assertFails(volumes.unstage(VOLUME, STAGING, FOREVER), "unavailable");
  }
  assert.equal(world.connections().length, 1);
});

Deno.test("unstage() that is refused leaves the volume to the guardian", async () => {
  const node = await aStaged();
  await node.volumes.publish(aNodePublish(), FOREVER);
  await assertFails(node.volumes.unstage(VOLUME, STAGING, FOREVER), "in-use");
  assert.equal((await node.records.read(VOLUME))?.phase, "staged");
});

Deno.test("unstage() sees a dead target although the device came back under another number", async () => {
  const node = await aStaged(aBlock());
  await node.volumes.publish(aNodePublish(aBlock()), FOREVER);
  node.world.removeDevice(node.disk.nqn);
  await node.guardian.round(FOREVER);
  await assertFails(node.volumes.unstage(VOLUME, STAGING, FOREVER), "in-use");
  await node.volumes.unpublish(VOLUME, TARGET, FOREVER);
  await node.volumes.unstage(VOLUME, STAGING, FOREVER);
});

Deno.test("F29: a clone with the ids of its source is not staged beside it, and harms neither", async () => {
  const node = await aStaged();
  const clone = volumeIdForName("clone");
  const published = aPublished({ nqn: nqnOf(clone), isCopy: true });
  const { identity } = node.disk;
  node.world.exportDisk({ nqn: published.nqn, at: published.at, sizeBytes: GIB, identity });
  const request = aStage(aMount(), {
    volumeId: clone,
    stagingPath: `${STAGING}-clone`,
    published,
  });
  await assertFails(node.volumes.stage(request, FOREVER), "unavailable");
  assert.equal(node.world.mounts.length, 1);
  await node.volumes.unstage(clone, `${STAGING}-clone`, FOREVER);
  assert.deepEqual(node.world.connections().map(({ nqn }) => nqn), [node.disk.nqn]);
});

Deno.test("F31: a volume whose address changed is not touched while mounted, and staged there after", async () => {
  const node = await aStaged();
  const at = { address: "10.0.0.77", port: 44_300 };
  node.world.loseConnection(node.disk.nqn);
  node.disk.at = at;
  const moved = aStage(aMount(), { published: aPublished({ at }) });
  await assert.rejects(node.volumes.stage(moved, FOREVER), (error: Error) => {
    return /moved from 10\.0\.0\.5 port 44200 to 10\.0\.0\.77 port 44300/.test(error.message) &&
      error.message.includes(STAGING);
  });
  assert.equal((await node.records.read(VOLUME))?.phase, "staged");
  node.world.regainConnection(node.disk.nqn);
  await node.volumes.unstage(VOLUME, STAGING, FOREVER);
  await node.volumes.stage(moved, FOREVER);
  assert.deepEqual(node.world.connections().map((each) => each.at), [at]);
});

Deno.test("F32: expand() under a lost connection is unavailable, and done when it is back", async () => {
  const { volumes, world, disk, records } = await aStaged();
  disk.sizeBytes = 2 * GIB;
  world.loseConnection(disk.nqn);
  const request = { volumeId: VOLUME, volumePath: STAGING, requiredBytes: 2 * GIB };
  await assertFails(volumes.expand(request, FOREVER), "unavailable");
  world.regainConnection(disk.nqn);
  assert.equal(await volumes.expand(request, FOREVER), 2 * GIB);
  assert.equal((await records.read(VOLUME))?.device?.sizeBytes, 2 * GIB);
});

Deno.test("the UID of the VolumeAttachment is kept, and survives being staged again", async () => {
  const { volumes, records, world, disk } = aNode();
  const published = aPublished({ attachmentUid: "0b5e-1" });
  await volumes.stage(aStage(aMount(), { published }), FOREVER);
  world.removeDevice(disk.nqn);
  await volumes.publish(aNodePublish(), FOREVER);
  assert.equal((await records.read(VOLUME))?.attachmentUid, "0b5e-1");
});

Deno.test("a record that cannot be read keeps a volume neither from pods nor on the node, but from being staged", async () => {
  let isRotten = false;
  const node = aNode(({ records, ...ports }) => ({
    ...ports,
    records: overriding(records, "read", (id) => {
      if (!isRotten) return records.read(id);
      return Promise.reject(new StorageError("not-ready", `Cannot read record ${id}: rotten`));
    }),
  }));
  await node.volumes.stage(aStage(), FOREVER);
  isRotten = true;
  await node.volumes.publish(aNodePublish(), FOREVER);
  assert.equal((await node.volumes.stats(VOLUME, TARGET, FOREVER)).condition.isAbnormal, false);
  const request = { volumeId: VOLUME, volumePath: TARGET, requiredBytes: GIB };
  assert.equal(await node.volumes.expand(request, FOREVER), GIB);
  await assertFails(node.volumes.stage(aStage(), FOREVER), "not-ready");
  await node.volumes.unpublish(VOLUME, TARGET, FOREVER);
  await node.volumes.unstage(VOLUME, STAGING, FOREVER);
  assert.deepEqual(node.world.connections(), []);
  assert.deepEqual(await node.records.list(), { records: [], unreadable: [] });
});

Deno.test("a stage under the same device number and another identity is no repetition", async () => {
  const { volumes, records } = await aStaged();
  const record = await records.read(VOLUME);
  assert(record?.device !== undefined);
  await records.write({ ...record, device: { ...record.device, identity: "what it was" } });
  await volumes.stage(aStage(), FOREVER);
  assert.equal((await records.read(VOLUME))?.device?.identity, record.device.identity);
});

Deno.test("a stage connects again what has its device and no controller", async () => {
  const { volumes, world, disk } = await aStaged();
  world.removeController(disk.nqn);
  await volumes.stage(aStage(), FOREVER);
  assert.equal(world.connections().at(0)?.state, "live");
  assert.equal(world.mounts.length, 1);
});

Deno.test("unstage() takes no living mount for the volume's because it has the number it once had", async () => {
  const { volumes, world, records, disk } = await aStaged(aBlock());
  const other = volumeIdForName("other");
  const published = aPublished({ nqn: nqnOf(other) });
  const { nqn, at, capacityBytes: sizeBytes } = published;
  world.exportDisk({ nqn, at, sizeBytes });
  const stagingPath = `${STAGING}-other`;
  await volumes.stage(aStage(aMount(), { volumeId: other, stagingPath, published }), FOREVER);
  const record = await records.read(VOLUME);
  const number = world.deviceOf(nqn)?.number;
  assert(record?.device !== undefined && number !== undefined);
  await records.write({ ...record, device: { ...record.device, number } });
  world.removeDevice(disk.nqn);
  await volumes.unstage(VOLUME, STAGING, FOREVER);
  assert.equal(world.mounts.length, 1);
});

Deno.test("F32: expand() does not believe a rescan that a lost connection answers", async () => {
  const node = aNode(({ host, ...ports }) => ({
    ...ports,
    host: overriding(host, "rescan", async (nqn, signal) => {
      const device = await host.find(nqn, signal);
      assert(device !== undefined);
      return device;
    }),
  }));
  await node.volumes.stage(aStage(aBlock()), FOREVER);
  await node.volumes.publish(aNodePublish(aBlock()), FOREVER);
  node.world.loseConnection(node.disk.nqn);
  const request = { volumeId: VOLUME, volumePath: TARGET, requiredBytes: 0 };
  await assertFails(node.volumes.expand(request, FOREVER), "unavailable");
});

Deno.test("stats() takes no record of another boot for the volume's", async () => {
  const { volumes, records } = await aStaged();
  const record = await records.read(VOLUME);
  assert(record !== undefined);
  await records.write({ ...record, phase: "abandoned" });
  assert.equal((await volumes.stats(VOLUME, STAGING, FOREVER)).condition.isAbnormal, true);
  await records.write({ ...record, phase: "abandoned", bootId: "another boot" });
  assert.equal((await volumes.stats(VOLUME, STAGING, FOREVER)).condition.isAbnormal, false);
});
