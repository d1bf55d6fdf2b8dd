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
  storedOn,
  TARGET,
  VOLUME,
} from "../../builders/node.ts";
import type { TestNode } from "../../builders/node.ts";
import { assertFails, FOREVER } from "../../contract/node_harness.ts";

Deno.test("stage() formats a blank volume and mounts it", async () => {
  const { world, volumes, disk } = aNode();
  await volumes.stage(aStage(aMount("xfs", "SINGLE_NODE_WRITER", ["noatime", "rw"])), FOREVER);
  assert.equal(storedOn(disk).fileSystem, "xfs");
  const mount = world.mountAt(STAGING);
  assert.deepEqual(mount?.options, ["noatime"]);
  assert.equal(mount?.isReadOnly, false);
});

Deno.test("stage() formats again what an earlier format left half made", async () => {
  const { volumes, disk } = aNode();
  disk.content = { kind: "half-formatted" };
  await volumes.stage(aStage(), FOREVER);
  assert.equal(disk.content.kind, "file-system");
});

Deno.test("stage() for block connects and leaves the staging directory empty", async () => {
  const { world, volumes, disk } = aNode();
  world.tree.makeDirectories(STAGING);
  await volumes.stage(aStage(aBlock()), FOREVER);
  assert.equal(world.connections().length, 1);
  assert.deepEqual(world.mounts, []);
  assert(world.tree.isEmpty(STAGING));
  assert.equal(disk.content.kind, "blank");
});

Deno.test("stage() of a staged volume does nothing", async () => {
  const node = aNode();
  await node.volumes.stage(aStage(), FOREVER);
  const before = await pictureOf(node);
  await node.volumes.stage(aStage(), FOREVER);
  assert.deepEqual(await pictureOf(node), before);
});

Deno.test("stage() of a staged volume keeps the mount while the array is away", async () => {
  const { world, volumes, disk, records } = aNode();
  await volumes.stage(aStage(), FOREVER);
  world.loseConnection(disk.nqn);
  await volumes.stage(aStage(), FOREVER);
  // Whether it has grown cannot be seen now; a success would let the pod start too small.
  const published = aPublished({ capacityBytes: 2 * GIB });
  await assertFails(volumes.stage(aStage(aMount(), { published }), FOREVER), "unavailable");
  assert.equal(world.mounts.length, 1);
  // A pod may use it meanwhile, so the guardian has to look after it.
  assert.equal((await records.read(VOLUME))?.phase, "staged");
  world.regainConnection(disk.nqn);
  await volumes.stage(aStage(), FOREVER);
});

Deno.test("stage() read-only mounts read-only, and neither formats nor checks", async () => {
  const { world, volumes, disk } = aNode();
  const request = aStage(aMount("ext4", "SINGLE_NODE_READER_ONLY"));
  await assertFails(volumes.stage(request, FOREVER), "not-ready");
  disk.content = aFileSystem({ health: "damaged" });
  await volumes.stage(request, FOREVER);
  assert.equal(world.mountAt(STAGING)?.isReadOnly, true);
  assert.equal(storedOn(disk).health, "damaged");
});

Deno.test("stage() heeds ro among the mount flags", async () => {
  const { world, volumes, disk } = aNode();
  disk.content = aFileSystem();
  await volumes.stage(aStage(aMount("ext4", "SINGLE_NODE_WRITER", ["ro"])), FOREVER);
  assert.equal(world.mountAt(STAGING)?.isReadOnly, true);
});

const DIFFERENT = [
  { name: "another file system", capability: aMount("xfs") },
  { name: "read-only", capability: aMount("ext4", "SINGLE_NODE_READER_ONLY") },
  { name: "other mount flags", capability: aMount("ext4", "SINGLE_NODE_WRITER", ["noexec"]) },
  { name: "raw block", capability: aBlock() },
];
for (const { name, capability } of DIFFERENT) {
  Deno.test(`stage() refuses a staged volume that is asked for with ${name}`, async () => {
    const node = aNode();
    await node.volumes.stage(aStage(), FOREVER);
    const before = await pictureOf(node);
    await assertFails(node.volumes.stage(aStage(capability), FOREVER), "already-exists");
    assert.deepEqual(await pictureOf(node), before);
  });
}

Deno.test("stage() refuses to mount what is published as a raw block device", async () => {
  const { volumes, disk } = aNode();
  disk.content = aFileSystem();
  await volumes.stage(aStage(aBlock()), FOREVER);
  await volumes.publish(aNodePublish(aBlock()), FOREVER);
  await assertFails(volumes.stage(aStage(), FOREVER), "already-exists");
});

Deno.test("stage() does not format a blank device that a raw block target shows", async () => {
  const { volumes, disk } = aNode();
  await volumes.stage(aStage(aBlock()), FOREVER);
  await volumes.publish(aNodePublish(aBlock()), FOREVER);
  await assertFails(volumes.stage(aStage(), FOREVER), "in-use");
  assert.equal(disk.content.kind, "blank");
});

Deno.test("stage() refuses a file system of another type, whatever is in it", async () => {
  const { volumes, disk } = aNode();
  disk.content = aFileSystem({ fileSystem: "btrfs" });
  await assertFails(volumes.stage(aStage(), FOREVER), "not-ready");
  assert(storedOn(disk).files.has("data.txt"));
});

const CHECKS = [
  { health: "damaged", policy: "check", mounts: false },
  { health: "damaged", policy: "repair-safe", mounts: true },
  { health: "broken", policy: "repair-safe", mounts: false },
  { health: "damaged", policy: "off", mounts: true },
  { health: "crashed", policy: "check", mounts: true },
] as const;
for (const { health, policy, mounts } of CHECKS) {
  const verb = mounts ? "mounts" : "refuses";
  Deno.test(`stage() ${verb} a ${health} ext4 by the policy ${policy}`, async () => {
    const { world, volumes, disk } = aNode();
    disk.content = aFileSystem({ health });
    const parameters = { mkfsOptions: [], fsckPolicy: policy };
    const staging = volumes.stage(aStage(aMount(), { parameters }), FOREVER);
    if (mounts) await staging;
    else await assertFails(staging, "not-ready");
    assert.equal(world.mounts.length, mounts ? 1 : 0);
  });
}

Deno.test("stage() clears a dead mount away and mounts the device that is there now", async () => {
  const { world, volumes, disk } = aNode();
  await volumes.stage(aStage(), FOREVER);
  world.writeFile(STAGING, "data.txt", "precious");
  world.removeDevice(disk.nqn);
  await volumes.stage(aStage(), FOREVER);
  assert.equal(world.mounts.length, 1);
  assert.equal(world.mountAt(STAGING)?.device, world.deviceOf(disk.nqn)?.number);
  assert.equal(world.readFile(STAGING, "data.txt"), "precious");
});

Deno.test("stage() grows on the retry when the first time it mounted and did not grow", async () => {
  const { world, volumes, disk } = aNode();
  disk.content = aFileSystem();
  await volumes.stage(aStage(), FOREVER);
  disk.sizeBytes = 2 * GIB;
  world.rescan(disk.nqn);
  await volumes.stage(aStage(), FOREVER);
  assert.equal(storedOn(disk).sizeBytes, 2 * GIB);
});

Deno.test("stage() refuses a device that is smaller than the volume, and formats nothing", async () => {
  const { volumes, disk } = aNode();
  const published = aPublished({ capacityBytes: 2 * GIB });
  const request = aStage(aMount(), { published });
  await assertFails(volumes.stage(request, FOREVER), "unavailable");
  assert.equal(disk.content.kind, "blank");
  disk.sizeBytes = 2 * GIB;
  await volumes.stage(request, FOREVER);
  assert.equal(storedOn(disk).sizeBytes, 2 * GIB);
});

Deno.test("stage() refuses a publish context of another volume", async () => {
  const { world, volumes } = aNode();
  const published = aPublished({ nqn: nqnOf(volumeIdForName("other")) });
  await assertFails(volumes.stage(aStage(aMount(), { published }), FOREVER), "invalid");
  assert.deepEqual(world.connections(), []);
});

Deno.test("stage() answers unavailable when the array does not, and leaves no session", async () => {
  const { world, volumes } = aNode();
  world.disks.clear();
  await assertFails(volumes.stage(aStage(), FOREVER), "unavailable");
  assert.deepEqual(world.connections(), []);
});

Deno.test("stage() does not say done when the device goes away while it is mounted", async () => {
  const node: TestNode = aNode((ports) => ({
    ...ports,
    mounter: new Proxy(ports.mounter, {
      get: (mounter, key): unknown => {
        const method: unknown = Reflect.get(mounter, key, mounter);
        if (typeof method !== "function") return method;
        return async (...given: unknown[]): Promise<unknown> => {
          const result: unknown = await Reflect.apply(method, mounter, given);
          if (key === "mount") node.world.removeDevice(node.disk.nqn);
          return result;
        };
      },
    }),
  }));
  node.disk.content = aFileSystem();
  const request = aStage(aMount("ext4", "SINGLE_NODE_READER_ONLY"));
  await assertFails(node.volumes.stage(request, FOREVER), "unavailable");
});

Deno.test("stage() touches no mount at the staging path that is another volume's", async () => {
  const { world, volumes } = aNode();
  const nqn = nqnOf(volumeIdForName("other"));
  const other = world.exportDisk({ nqn, at: aPublished().at, sizeBytes: GIB });
  other.content = aFileSystem();
  world.connect(other);
  world.mountForeign(nqn, STAGING);
  await assertFails(volumes.stage(aStage(), FOREVER), "in-use");
  await assertFails(volumes.unstage(VOLUME, STAGING, FOREVER), "in-use");
  assert.equal(world.mounts.length, 1);
});

Deno.test("stage() refuses a second staging path, and goes there once the first is over", async () => {
  const { world, volumes } = aNode();
  await volumes.stage(aStage(), FOREVER);
  await volumes.publish(aNodePublish(), FOREVER);
  const stagingPath = `${STAGING}-second`;
  const second = aStage(aMount(), { stagingPath });
  await assertFails(volumes.stage(second, FOREVER), "in-use");
  await assert.rejects(volumes.stage(second, FOREVER), (error: Error) => {
    return error.message.includes(`it is staged at ${STAGING} and has to be unstaged there first`);
  });
  await volumes.unpublish(VOLUME, TARGET, FOREVER);
  await volumes.unstage(VOLUME, STAGING, FOREVER);
  await volumes.stage(second, FOREVER);
  assert.deepEqual(world.mounts.map(({ path }) => path), [stagingPath]);
});

Deno.test("stage() goes to a second staging path when the mount at the first is gone", async () => {
  const { world, volumes } = aNode();
  await volumes.stage(aStage(), FOREVER);
  world.mounts.splice(0);
  const stagingPath = `${STAGING}-second`;
  await volumes.stage(aStage(aMount(), { stagingPath }), FOREVER);
  await volumes.unstage(VOLUME, stagingPath, FOREVER);
  assert.deepEqual(world.mounts, []);
});

Deno.test("a second operation on a volume is refused while one runs", async () => {
  const { volumes } = aNode();
  const first = volumes.stage(aStage(), FOREVER);
  await assertFails(volumes.unstage(VOLUME, STAGING, FOREVER), "busy");
  await first;
  await volumes.unstage(VOLUME, STAGING, FOREVER);
});

Deno.test("unstage() of a volume that was never staged is a success and removes nothing", async () => {
  const { world, volumes } = aNode();
  world.tree.makeDirectories(STAGING);
  await volumes.unstage(VOLUME, STAGING, FOREVER);
  assert.notEqual(world.tree.at(STAGING), undefined);
});

Deno.test("unstage() ends a session that has no mount", async () => {
  const { world, volumes } = aNode();
  await volumes.stage(aStage(aBlock()), FOREVER);
  await volumes.unstage(VOLUME, STAGING, FOREVER);
  assert.deepEqual(world.connections(), []);
});

Deno.test("unstage() names every path that still uses the volume, and changes nothing", async () => {
  const node = aNode();
  await node.volumes.stage(aStage(), FOREVER);
  await node.volumes.publish(aNodePublish(), FOREVER);
  await node.volumes.publish(aNodePublish(aMount(), { targetPath: OTHER_TARGET }), FOREVER);
  const before = await pictureOf(node);
  await assert.rejects(node.volumes.unstage(VOLUME, STAGING, FOREVER), (error: Error) => {
    return error.message.includes(TARGET) && error.message.includes(OTHER_TARGET);
  });
  assert.deepEqual(await pictureOf(node), before);
});

Deno.test("unstage() refuses while a target still has the dead mount", async () => {
  const { world, volumes, disk } = aNode();
  await volumes.stage(aStage(), FOREVER);
  await volumes.publish(aNodePublish(), FOREVER);
  world.removeDevice(disk.nqn);
  await assertFails(volumes.unstage(VOLUME, STAGING, FOREVER), "in-use");
  await volumes.unpublish(VOLUME, TARGET, FOREVER);
  await volumes.unstage(VOLUME, STAGING, FOREVER);
  assert.deepEqual(world.mounts, []);
});
