/** Expanding, measuring, and saying who the node is. */
import assert from "node:assert/strict";
import { NodeVolumes } from "../../../src/application/node_volumes.ts";
import { MemoryNvmeHost } from "../../../src/adapters/memory/nvme_host.ts";
import { GIB } from "../../../src/domain/capacity.ts";
import { nqnOf } from "../../../src/domain/nvme.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import {
  aBlock,
  aFileSystem,
  aMount,
  aNode,
  aNodePublish,
  aStage,
  BOOT,
  STAGING,
  storedOn,
  TARGET,
  VOLUME,
} from "../../builders/node.ts";
import type { TestNode } from "../../builders/node.ts";
import type { NvmeHost } from "../../../src/ports/nvme_host.ts";
import { assertFails, FOREVER } from "../../contract/node_harness.ts";
import { overriding } from "../../fakes/overriding.ts";

const EXPAND = { volumeId: VOLUME, volumePath: TARGET, requiredBytes: 2 * GIB };

async function aPublishedNode(capability = aMount(), isReadOnly = false): Promise<TestNode> {
  const node = aNode();
  node.disk.content = aFileSystem();
  await node.volumes.stage(aStage(capability), FOREVER);
  await node.volumes.publish(aNodePublish(capability, { isReadOnly }), FOREVER);
  return node;
}

function fileSystemBytes({ disk }: TestNode): number {
  return storedOn(disk).sizeBytes;
}

for (const volumePath of [TARGET, STAGING]) {
  Deno.test(`expand() grows the file system of a volume given by ${volumePath}`, async () => {
    const node = await aPublishedNode();
    node.disk.sizeBytes = 2 * GIB;
    assert.equal(await node.volumes.expand({ ...EXPAND, volumePath }, FOREVER), 2 * GIB);
    assert.equal(fileSystemBytes(node), 2 * GIB);
    assert.equal(await node.volumes.expand({ ...EXPAND, volumePath }, FOREVER), 2 * GIB);
  });
}

Deno.test("expand() grows through the staging path when the target is read-only", async () => {
  const node = await aPublishedNode(aMount(), true);
  node.world.mounts.reverse();
  node.disk.sizeBytes = 2 * GIB;
  assert.equal(await node.volumes.expand(EXPAND, FOREVER), 2 * GIB);
  assert.equal(fileSystemBytes(node), 2 * GIB);
});

Deno.test("expand() refuses a file system that is read-only everywhere", async () => {
  const { volumes, disk } = await aPublishedNode(aMount("ext4", "SINGLE_NODE_READER_ONLY"));
  disk.sizeBytes = 2 * GIB;
  await assertFails(volumes.expand(EXPAND, FOREVER), "not-ready");
});

Deno.test("expand() of raw block gives the new size and touches no content", async () => {
  const node = await aPublishedNode(aBlock());
  node.disk.sizeBytes = 2 * GIB;
  assert.equal(await node.volumes.expand(EXPAND, FOREVER), 2 * GIB);
  assert.equal(fileSystemBytes(node), GIB);
});

Deno.test("expand() answers unavailable while the device is smaller than asked", async () => {
  const node = await aPublishedNode();
  await assertFails(node.volumes.expand(EXPAND, FOREVER), "unavailable");
  assert.equal(fileSystemBytes(node), GIB);
});

Deno.test("expand() answers not-found for a path that the volume is not at", async () => {
  const { volumes } = aNode();
  await assertFails(volumes.expand(EXPAND, FOREVER), "not-found");
  await volumes.stage(aStage(), FOREVER);
  await assertFails(volumes.expand(EXPAND, FOREVER), "not-found");
});

Deno.test("stats() gives space and inodes of a healthy volume", async () => {
  const { volumes } = await aPublishedNode();
  for (const path of [TARGET, STAGING]) {
    const { usage, condition } = await volumes.stats(VOLUME, path, FOREVER);
    assert(usage.kind === "file-system");
    assert.equal(usage.usage.totalBytes, GIB);
    assert.notEqual(usage.usage.inodes, undefined);
    assert.equal(condition.isAbnormal, false);
    assert.notEqual(condition.message, "");
  }
});

Deno.test("stats() and expand() answer not-found for another volume's path", async () => {
  const { world, volumes, disk } = await aPublishedNode();
  const nqn = nqnOf(volumeIdForName("other"));
  const content = aFileSystem();
  world.connect(world.exportDisk({ nqn, at: disk.at, sizeBytes: GIB, content }));
  world.mountForeign(nqn, "/kubelet/other");
  const volumePath = "/kubelet/other";
  await assertFails(volumes.stats(VOLUME, volumePath, FOREVER), "not-found");
  await assertFails(volumes.expand({ ...EXPAND, volumePath }, FOREVER), "not-found");
});

Deno.test("stats() of raw block gives the size of the device", async () => {
  const { volumes } = await aPublishedNode(aBlock());
  const { usage } = await volumes.stats(VOLUME, TARGET, FOREVER);
  assert.deepEqual(usage, { kind: "block", totalBytes: GIB });
});

Deno.test("stats() knows a volume whose device the kernel keeps and the session does not show", async () => {
  let isKept = false;
  const node = aNode((ports) => {
    const { host } = ports;
    const session: NvmeHost["session"] = async (nqn, signal) => {
      const found = await host.session(nqn, signal);
      return found && isKept ? { ...found, device: undefined } : found;
    };
    return { ...ports, host: overriding(host, "session", session) };
  });
  await node.volumes.stage(aStage(), FOREVER);
  await node.volumes.publish(aNodePublish(), FOREVER);
  isKept = true;
  const { condition } = await node.volumes.stats(VOLUME, TARGET, FOREVER);
  assert.ok(condition.isAbnormal);
  assert.match(condition.message, /the array shows no device/);
});

Deno.test("stats() answers not-found for a path that the volume is not at", async () => {
  const { world, volumes } = await aPublishedNode();
  world.tree.makeDirectories("/kubelet/empty");
  for (const path of ["/kubelet/empty", "/some/path"]) {
    await assertFails(volumes.stats(VOLUME, path, FOREVER), "not-found");
  }
});

for (const capability of [aMount(), aBlock()]) {
  const { type } = capability.access;
  Deno.test(`stats() says abnormal, and asks nothing that could hang, when the session is lost (${type})`, async () => {
    const { world, volumes, disk } = await aPublishedNode(capability);
    world.loseConnection(disk.nqn);
    const lost = await volumes.stats(VOLUME, TARGET, FOREVER);
    assert.deepEqual(lost.usage, { kind: "unknown" });
    assert.equal(lost.condition.isAbnormal, true);
    assert.match(lost.condition.message, /connection to the array is lost/);
    world.regainConnection(disk.nqn);
    assert.equal((await volumes.stats(VOLUME, TARGET, FOREVER)).condition.isAbnormal, false);
  });

  Deno.test(`stats() says abnormal when the connection is gone, and the mount after it came back (${type})`, async () => {
    const { world, volumes, disk } = await aPublishedNode(capability);
    world.removeDevice(disk.nqn);
    for (const message of [/has no connection .* is dead/, /device behind the volume is gone/]) {
      const { usage, condition } = await volumes.stats(VOLUME, TARGET, FOREVER);
      assert.deepEqual(usage, { kind: "unknown" });
      assert.equal(condition.isAbnormal, true);
      assert.match(condition.message, message);
      world.connect(disk);
    }
  });
}

Deno.test("info() names the machine and carries its NVMe host id", () => {
  assert.deepEqual(aNode().volumes.info(), {
    id: "worker-1@6a1f3c52-8f0e-4d5e-9d55-000000000001",
    volumesMax: 0,
  });
});

Deno.test("a node whose host id is no UUID is refused at the start", () => {
  const { world, ports, shared } = aNode();
  const host = new MemoryNvmeHost(world, "not-a-uuid");
  const settings = { name: "worker-1", volumesMax: 0, bootId: BOOT };
  assert.throws(() => new NodeVolumes({ ...ports, host }, shared, settings), /not-a-uuid/);
});
