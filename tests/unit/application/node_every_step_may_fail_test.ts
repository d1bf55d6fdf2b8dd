/**
 * For each of the node's use cases: the n-th call to the kernel fails, before or after its effect,
 * for every n; the same call again ends where an undisturbed run ends, and whatever was done is
 * undone by the way back without a rest, with and without that second try.
 */
import assert from "node:assert/strict";
import { StorageError } from "../../../src/domain/errors.ts";
import { GIB } from "../../../src/domain/capacity.ts";
import type { NodePorts } from "../../../src/application/node_ports.ts";
import type { NodeVolumes } from "../../../src/application/node_volumes.ts";
import {
  aBlock,
  aFileSystem,
  aMount,
  aNode,
  aNodePublish,
  aPublished,
  aStage,
  pictureOf,
  STAGING,
  TARGET,
  VOLUME,
} from "../../builders/node.ts";
import type { TestNode } from "../../builders/node.ts";
import { FOREVER } from "../../contract/node_harness.ts";
import { Faults } from "../../fakes/failing.ts";

interface Case {
  readonly name: string;
  /** What is there before. */
  readonly prepare: (node: TestNode) => Promise<void>;
  /** The call that is disturbed. */
  readonly run: (volumes: NodeVolumes) => Promise<unknown>;
  /** Whether it may answer although a step failed. */
  readonly isForgiving?: boolean;
}

const stageAs = (capability = aMount()) => ({ volumes }: TestNode): Promise<void> =>
  volumes.stage(aStage(capability), FOREVER);

async function publishAs(node: TestNode, capability = aMount()): Promise<void> {
  await node.volumes.stage(aStage(capability), FOREVER);
  await node.volumes.publish(aNodePublish(capability), FOREVER);
}

async function killDevice({ world, disk }: TestNode): Promise<void> {
  world.removeDevice(disk.nqn);
  await Promise.resolve();
}

const CASES: readonly Case[] = [
  {
    name: "stage a blank volume",
    prepare: async () => {},
    run: (volumes) => volumes.stage(aStage(), FOREVER),
  },
  {
    name: "stage a restored xfs volume that is larger than its file system",
    prepare: (node) => {
      node.disk.content = aFileSystem({ fileSystem: "xfs", health: "crashed" });
      node.disk.sizeBytes = 3 * GIB;
      return Promise.resolve();
    },
    run: (volumes) => {
      const published = aPublished({ isCopy: true, capacityBytes: 3 * GIB });
      return volumes.stage(aStage(aMount("xfs"), { published }), FOREVER);
    },
  },
  {
    name: "stage over a dead mount",
    prepare: async (node) => {
      await stageAs()(node);
      await killDevice(node);
    },
    run: (volumes) => volumes.stage(aStage(), FOREVER),
  },
  {
    name: "stage a raw block volume",
    prepare: async () => {},
    run: (volumes) => volumes.stage(aStage(aBlock()), FOREVER),
  },
  {
    name: "publish a mounted volume",
    prepare: stageAs(),
    run: (volumes) => volumes.publish(aNodePublish(), FOREVER),
  },
  {
    name: "publish a mounted volume for a single writer, read-only",
    prepare: stageAs(aMount("ext4", "SINGLE_NODE_SINGLE_WRITER")),
    run: (volumes) => {
      const capability = aMount("ext4", "SINGLE_NODE_SINGLE_WRITER");
      return volumes.publish(aNodePublish(capability, { isReadOnly: true }), FOREVER);
    },
  },
  {
    name: "publish a raw block volume",
    prepare: stageAs(aBlock()),
    run: (volumes) => volumes.publish(aNodePublish(aBlock()), FOREVER),
  },
  {
    name: "publish a raw block volume over a node that is dead",
    prepare: async (node) => {
      await publishAs(node, aBlock());
      await killDevice(node);
      await stageAs(aBlock())(node);
    },
    run: (volumes) => volumes.publish(aNodePublish(aBlock()), FOREVER),
  },
  {
    name: "expand a mounted volume",
    prepare: async (node) => {
      await publishAs(node);
      node.disk.sizeBytes = 2 * GIB;
    },
    run: (volumes) => {
      const request = { volumeId: VOLUME, volumePath: TARGET, requiredBytes: 2 * GIB };
      return volumes.expand(request, FOREVER);
    },
  },
  {
    name: "expand a raw block volume",
    prepare: async (node) => {
      await publishAs(node, aBlock());
      node.disk.sizeBytes = 2 * GIB;
    },
    run: (volumes) => {
      const request = { volumeId: VOLUME, volumePath: TARGET, requiredBytes: 2 * GIB };
      return volumes.expand(request, FOREVER);
    },
  },
  {
    name: "unpublish a mounted volume",
    prepare: publishAs,
    run: (volumes) => volumes.unpublish(VOLUME, TARGET, FOREVER),
  },
  {
    name: "unpublish a raw block volume",
    prepare: (node) => publishAs(node, aBlock()),
    run: (volumes) => volumes.unpublish(VOLUME, TARGET, FOREVER),
  },
  {
    name: "unstage a mounted volume",
    prepare: stageAs(),
    run: (volumes) => volumes.unstage(VOLUME, STAGING, FOREVER),
  },
  {
    name: "unstage a dead mount",
    prepare: async (node) => {
      await stageAs()(node);
      await killDevice(node);
    },
    run: (volumes) => volumes.unstage(VOLUME, STAGING, FOREVER),
  },
  {
    name: "unstage a raw block volume",
    prepare: stageAs(aBlock()),
    run: (volumes) => volumes.unstage(VOLUME, STAGING, FOREVER),
  },
  {
    name: "measure a published volume",
    isForgiving: true,
    prepare: publishAs,
    run: (volumes) => volumes.stats(VOLUME, TARGET, FOREVER),
  },
];

/** A node as the case wants it, and the same node seen through faults. */
async function disturbed(
  { prepare }: Case,
  faults: Faults,
): Promise<{ readonly node: TestNode; readonly shaky: NodeVolumes }> {
  const node = aNode();
  await prepare(node);
  const { volumes: shaky } = aNode(
    ({ host, mounter, fileSystems, records }): NodePorts => ({
      host: faults.wrap(host),
      mounter: faults.wrap(mounter),
      fileSystems: faults.wrap(fileSystems),
      records: faults.wrap(records),
    }),
    node,
  );
  return { node, shaky };
}

async function checkStep(
  each: Case,
  callNumber: number,
  moment: "before" | "after",
  undisturbed: unknown,
): Promise<void> {
  const { node, shaky } = await disturbed(each, new Faults({ callNumber, moment }));
  await runDisturbed(each, shaky);
  await each.run(node.volumes);
  assert.deepEqual(pictureOf(node), undisturbed, `call ${callNumber} failed ${moment}`);
  await wayBack(node);
  // Nor may the orchestrator have to try again before it gives up.
  const given = await disturbed(each, new Faults({ callNumber, moment }));
  await runDisturbed(each, given.shaky);
  await wayBack(given.node);
}

async function runDisturbed({ run, isForgiving }: Case, shaky: NodeVolumes): Promise<void> {
  if (isForgiving !== true) return await assert.rejects(run(shaky), StorageError);
  await run(shaky).catch((error: unknown) => assert(error instanceof StorageError));
}

/** What an orchestrator does in the end; nothing of the volume may be left on the node. */
async function wayBack(node: TestNode): Promise<void> {
  await node.volumes.unpublish(VOLUME, TARGET, FOREVER);
  await node.volumes.unstage(VOLUME, STAGING, FOREVER);
  assert.deepEqual(node.world.connections(), []);
  assert.deepEqual(node.world.mounts, []);
  const made = [STAGING, TARGET].filter((path) => node.world.tree.at(path) !== undefined);
  assert.deepEqual(made, []);
}

for (const each of CASES) {
  Deno.test(`${each.name}: any step may fail, and trying again ends in the same state`, async () => {
    const faults = new Faults({ callNumber: 0, moment: "before" });
    const { node, shaky } = await disturbed(each, faults);
    await each.run(shaky);
    const undisturbed = pictureOf(node);
    await wayBack(node);
    assert(faults.calls.length > 0);
    for (let callNumber = 1; callNumber <= faults.calls.length; callNumber++) {
      await checkStep(each, callNumber, "before", undisturbed);
      await checkStep(each, callNumber, "after", undisturbed);
    }
  });
}
