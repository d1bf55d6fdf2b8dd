/**
 * For each of the node's use cases: the n-th call to the kernel or the records fails, or the process
 * dies in it, before or after its effect, for every n. The same call again, in the same process or
 * a new one, with or without a guardian's round in between, ends where an undisturbed run ends; and
 * whatever was done is undone by the way back without a rest, with and without that second try.
 */
import assert from "node:assert/strict";
import { StorageError } from "../../../src/domain/errors.ts";
import { GIB } from "../../../src/domain/capacity.ts";
import type { NodePorts } from "../../../src/application/node_ports.ts";
import { reconcileNode } from "../../../src/application/node_reconciling.ts";
import type { NodeVolumes } from "../../../src/application/node_volumes.ts";
import {
  aBlock,
  aFileSystem,
  aMount,
  aNode,
  aNodeAfter,
  aNodePublish,
  aPublished,
  aStage,
  BOOT,
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

const MOVED_TO = { address: "10.0.0.6", port: 44_200 };

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
    name: "stage over a dead mount while the namespace has another identity",
    // Looking for the new namespace is a favour to the connect that follows.
    isForgiving: true,
    prepare: async (node) => {
      await stageAs()(node);
      node.world.loseConnection(node.disk.nqn);
      node.disk.identity = "another identity";
      node.world.regainConnection(node.disk.nqn);
    },
    run: (volumes) => volumes.stage(aStage(), FOREVER),
  },
  {
    name: "stage a volume that moved to another address and is connected at the old one",
    prepare: async (node) => {
      await stageAs(aBlock())(node);
      node.disk.at = MOVED_TO;
    },
    run: (volumes) => {
      const published = aPublished({ at: MOVED_TO });
      return volumes.stage(aStage(aBlock(), { published }), FOREVER);
    },
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
    name: "publish over a dead staging mount",
    prepare: async (node) => {
      await stageAs()(node);
      await killDevice(node);
    },
    run: (volumes) => volumes.publish(aNodePublish(), FOREVER),
  },
  {
    name: "publish over a staging mount and a target that are dead",
    prepare: async (node) => {
      await publishAs(node);
      await killDevice(node);
    },
    run: (volumes) => volumes.publish(aNodePublish(), FOREVER),
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

async function checkFailure(
  each: Case,
  callNumber: number,
  moment: "before" | "after",
  undisturbed: unknown,
): Promise<void> {
  for (const isGuarded of [false, true]) {
    const { node, shaky } = await disturbed(each, new Faults({ callNumber, moment }));
    await runDisturbed(each, shaky);
    if (isGuarded) await node.guardian.round(FOREVER);
    await each.run(node.volumes);
    assert.deepEqual(await pictureOf(node), undisturbed, `call ${callNumber} failed ${moment}`);
    await wayBack(node);
  }
  // Nor may the orchestrator have to try again before it gives up.
  const given = await disturbed(each, new Faults({ callNumber, moment }));
  await runDisturbed(each, given.shaky);
  await wayBack(given.node);
}

async function checkDeath(
  each: Case,
  callNumber: number,
  moment: "before" | "after",
  undisturbed: unknown,
): Promise<void> {
  const faults = new Faults({ callNumber, moment, outcome: "death" });
  const { node, shaky } = await disturbed(each, faults);
  void each.run(shaky);
  await faults.death;
  const next = aNodeAfter(node);
  await reconcileNode(next.ports, next.shared, { bootId: BOOT }, FOREVER);
  await next.guardian.round(FOREVER);
  assert.deepEqual(next.events.filter(({ kind }) => kind === "guard-failed"), []);
  await each.run(next.volumes);
  assert.deepEqual(await pictureOf(next), undisturbed, `died ${moment} call ${callNumber}`);
  await wayBack(next);
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
  assert.deepEqual(await node.records.list(), { records: [], unreadable: [] });
}

for (const each of CASES) {
  Deno.test(`${each.name}: any step may fail, and trying again ends in the same state`, async () => {
    const faults = new Faults({ callNumber: 0, moment: "before" });
    const { node, shaky } = await disturbed(each, faults);
    await each.run(shaky);
    const undisturbed = await pictureOf(node);
    await wayBack(node);
    assert(faults.calls.length > 0);
    for (let callNumber = 1; callNumber <= faults.calls.length; callNumber++) {
      await checkFailure(each, callNumber, "before", undisturbed);
      await checkFailure(each, callNumber, "after", undisturbed);
    }
  });

  Deno.test(`${each.name}: the process may die at any step, and the next one ends in the same state`, async () => {
    const faults = new Faults({ callNumber: 0, moment: "before" });
    const { node, shaky } = await disturbed(each, faults);
    await each.run(shaky);
    const undisturbed = await pictureOf(node);
    for (let callNumber = 1; callNumber <= faults.calls.length; callNumber++) {
      await checkDeath(each, callNumber, "before", undisturbed);
      await checkDeath(each, callNumber, "after", undisturbed);
    }
  });
}
