/** What the start of a node sets in order, and what it leaves alone. */
import assert from "node:assert/strict";
import type { NodePorts } from "../../../src/application/node_ports.ts";
import { reconcileNode } from "../../../src/application/node_reconciling.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import { nqnOf } from "../../../src/domain/nvme.ts";
import type { Nqn } from "../../../src/domain/nvme.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import {
  aBlock,
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
import { overriding } from "../../fakes/overriding.ts";

async function reconcile({ ports, shared }: TestNode, bootId = BOOT): Promise<void> {
  await reconcileNode(ports, shared, { bootId }, FOREVER);
}

async function aStaged(
  capability = aMount(),
  wrap: (ports: NodePorts) => NodePorts = (ports) => ports,
): Promise<TestNode> {
  const node = aNode(wrap);
  await node.volumes.stage(aStage(capability), FOREVER);
  return node;
}

Deno.test("what is staged and published is left as it is, and nothing is told", async () => {
  for (const capability of [aMount(), aBlock()]) {
    const node = await aStaged(capability);
    await node.volumes.publish(aNodePublish(capability), FOREVER);
    const before = await pictureOf(node);
    const next = aNodeAfter(node);
    await reconcile(next);
    assert.deepEqual(await pictureOf(next), before);
    assert.deepEqual(next.events, []);
  }
});

/** Another volume's record: this node has not lost what it remembers. */
async function remember({ records }: TestNode): Promise<void> {
  const volumeId = volumeIdForName("other");
  const published = aPublished({ nqn: nqnOf(volumeId) });
  const other = { ...aStage(aBlock()), volumeId, published };
  await records.write({ ...other, phase: "staged", bootId: BOOT });
}

Deno.test("a session is left alone by a node that remembers nothing: a program may have it open", async () => {
  const node = await aStaged(aBlock());
  await node.records.remove(VOLUME);
  await reconcile(node);
  assert.equal(node.world.connections().length, 1);
  const [told] = node.events;
  assert(told?.kind === "session-unclaimed" && !told.isClosed);
  assert.match(told.finding, /no records at all/);
});

Deno.test("a session that no record claims and nobody uses is told and closed", async () => {
  const node = await aStaged(aBlock());
  await node.records.remove(VOLUME);
  await remember(node);
  await reconcile(node);
  assert.deepEqual(node.world.connections(), []);
  const [told] = node.events;
  assert(told?.kind === "session-unclaimed" && told.isClosed);
  assert.equal(told.nqn, node.disk.nqn);
});

for (const capability of [aMount(), aBlock()]) {
  const { type } = capability.access;
  Deno.test(`a session that no record claims and somebody uses is told and left alone (${type})`, async () => {
    const node = await aStaged(capability);
    await node.volumes.publish(aNodePublish(capability), FOREVER);
    await node.records.remove(VOLUME);
    await remember(node);
    await reconcile(node);
    assert.equal(node.world.connections().length, 1);
    const [told] = node.events;
    assert(told?.kind === "session-unclaimed" && !told.isClosed);
    assert(told.finding.includes(TARGET));
  });
}

Deno.test("a session that something holds unseen is told and left alone", async () => {
  const node = await aStaged(aBlock());
  await node.records.remove(VOLUME);
  await remember(node);
  node.world.hold(node.disk.nqn, true);
  await reconcile(node);
  assert.equal(node.world.connections().length, 1);
  const [told] = node.events;
  assert(told?.kind === "session-unclaimed" && !told.isClosed);
  assert.match(told.finding, /something holds/);
});

Deno.test("C1: a session of another disk of the box is neither told nor touched", async () => {
  const node = aNode();
  await remember(node);
  const nqn = "nqn.2000-02.com.mikrotik:nixos-root" as Nqn;
  node.world.connect(node.world.exportDisk({ ...node.disk, nqn }));
  await reconcile(node);
  assert.equal(node.world.connections().length, 1);
  assert.deepEqual(node.events, []);
});

Deno.test("a session whose record cannot be read is left alone", async () => {
  let isRotten = false;
  const node = await aStaged(aBlock(), ({ records, ...ports }) => ({
    ...ports,
    records: overriding(records, "read", (id) => {
      if (!isRotten) return records.read(id);
      return Promise.reject(new StorageError("not-ready", `Cannot read record ${id}: rotten`));
    }),
  }));
  isRotten = true;
  await reconcile(node);
  assert.equal(node.world.connections().length, 1);
  assert.deepEqual([...new Set(node.events.map(({ kind }) => kind))], ["guard-failed"]);
});

Deno.test("F13: records of another boot are dropped", async () => {
  const { records } = await aStaged();
  const next = aNode((ports) => ports, { records, bootId: "the next boot" });
  await reconcile(next, "the next boot");
  assert.deepEqual(await records.list(), { records: [], unreadable: [] });
});

Deno.test("a volume that a call works on is left to the call", async () => {
  const node = await aStaged(aBlock());
  await node.records.remove(VOLUME);
  await remember(node);
  using _turn = node.shared.locks.take(VOLUME);
  await reconcile(node);
  assert.equal(node.world.connections().length, 1);
  assert.deepEqual(node.events, []);
});

Deno.test("a record of what is staged is kept although its session is gone: it is brought back", async () => {
  const node = await aStaged();
  node.world.removeDevice(node.disk.nqn);
  await reconcile(node);
  assert.equal((await node.records.read(VOLUME))?.phase, "staged");
});

const LEFT_OVERS = ["staging", "unstaging", "abandoned"] as const;
for (const phase of LEFT_OVERS) {
  Deno.test(`a record that says ${phase} goes when nothing of the volume is left`, async () => {
    const node = await aStaged();
    const record = await node.records.read(VOLUME);
    assert(record !== undefined);
    const { device: _, ...begun } = record;
    await node.records.write({ ...begun, phase });
    await reconcile(node);
    assert.equal((await node.records.read(VOLUME))?.phase, phase);
    await node.ports.mounter.release(STAGING, FOREVER);
    await node.ports.host.disconnect(node.disk.nqn, FOREVER);
    await reconcile(node);
    assert.equal(await node.records.read(VOLUME), undefined);
  });
}

Deno.test("a count of failures outlives a start", async () => {
  const node = aNode();
  node.disk.content = { kind: "other", what: "a partition table" };
  await assert.rejects(node.volumes.stage(aStage(), FOREVER));
  await node.ports.host.disconnect(node.disk.nqn, FOREVER);
  await reconcile(node);
  assert.equal((await node.records.read(VOLUME))?.trouble?.count, 1);
});

Deno.test("a start does not wait for ever for a machine that does not answer", async () => {
  let isSilent = false;
  const node = await aStaged(aMount(), ({ host, ...ports }) => ({
    ...ports,
    host: overriding(host, "sessions", (signal) => {
      return isSilent ? new Promise(() => {}) : host.sessions(signal);
    }),
  }));
  isSilent = true;
  const reconciling = reconcile(node);
  await node.shared.clock.advance(10_000);
  await reconciling;
  assert.deepEqual(node.events.map(({ kind }) => kind), ["guard-failed"]);
});
