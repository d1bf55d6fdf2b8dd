/** How the guardian makes its attempts: side by side, few at each array, giving way to calls. */
import assert from "node:assert/strict";
import { reconnect } from "../../../src/application/node_reconnecting.ts";
import { nqnOf } from "../../../src/domain/nvme.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import { aGuarded } from "../../builders/guarded_node.ts";
import {
  aBlock,
  aMount,
  aNode,
  aPublished,
  aStage,
  BOOT,
  STAGING,
  TARGET,
  VOLUME,
} from "../../builders/node.ts";
import { assertFails, FOREVER } from "../../contract/node_harness.ts";
import { overriding } from "../../fakes/overriding.ts";

Deno.test("an attempt looks at the record again, and connects nothing that was ended meanwhile", async () => {
  const { ports, shared, records, world, disk } = await aGuarded();
  const record = await records.read(VOLUME);
  assert(record !== undefined);
  world.removeDevice(disk.nqn);
  for (const ended of [{ phase: "unstaging" }, { bootId: "another boot" }] as const) {
    await records.write({ ...record, ...ended });
    await reconnect({ ...ports, ...shared, bootId: BOOT }, VOLUME, FOREVER);
    assert.deepEqual(world.connections(), []);
  }
});

Deno.test("one array that hangs delays no volume of another, and no later round", async () => {
  let isSilent = false;
  const node = await aGuarded(aMount(), ({ host, ...ports }) => ({
    ...ports,
    host: overriding(host, "connect", (target, signal) => {
      const isHanging = isSilent && target.nqn === nqnOf(VOLUME);
      return isHanging ? new Promise(() => {}) : host.connect(target, signal);
    }),
  }));
  const other = volumeIdForName("other");
  const published = aPublished({
    nqn: nqnOf(other),
    at: { address: "10.0.0.9", port: 44_200 },
  });
  node.world.exportDisk({
    nqn: published.nqn,
    at: published.at,
    sizeBytes: published.capacityBytes,
  });
  await node.volumes.stage(
    aStage(aBlock(), { volumeId: other, stagingPath: `${STAGING}-other`, published }),
    FOREVER,
  );
  isSilent = true;
  for (const nqn of [node.disk.nqn, published.nqn]) node.world.removeDevice(nqn);
  const round = node.guardian.round(FOREVER);
  for (let second = 0; second < 10; second++) await node.shared.clock.advance(1000);
  await round;
  assert.deepEqual(node.world.connections().map(({ nqn }) => nqn), [published.nqn]);
  await node.guardian.round(FOREVER);
  assert.equal(node.shared.locks.isTaken(VOLUME), true);
  await node.shared.clock.advance(30_000);
  assert.match(node.shared.reconnects.failureOf(VOLUME) ?? "", /did not answer in time/);
});

Deno.test("an attempt gives way to a call: a pod can be deleted while its array is silent", async () => {
  let isSilent = false;
  const node = await aGuarded(aBlock(), ({ host, ...ports }) => ({
    ...ports,
    host: overriding(host, "connect", async (target, signal) => {
      if (isSilent) {
        await new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      }
      return await host.connect(target, signal);
    }),
  }));
  isSilent = true;
  node.world.removeDevice(node.disk.nqn);
  const round = node.guardian.round(FOREVER);
  await node.shared.clock.advance(1000);
  await assertFails(node.volumes.unpublish(VOLUME, TARGET, FOREVER), "busy");
  await node.shared.clock.advance(10);
  await node.volumes.unpublish(VOLUME, TARGET, FOREVER);
  await node.volumes.unstage(VOLUME, STAGING, FOREVER);
  await round;
  assert.deepEqual(await node.records.list(), { records: [], unreadable: [] });
  assert.deepEqual(node.world.connections(), []);
});

Deno.test("F36: fifty volumes of one array are back in one round, a few connecting at a time", async () => {
  let [running, most] = [0, 0];
  const node = aNode(({ host, ...ports }) => ({
    ...ports,
    host: overriding(host, "connect", async (target, signal) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      running--;
      return await host.connect(target, signal);
    }),
  }));
  for (let index = 0; index < 50; index++) {
    const volumeId = volumeIdForName(`volume ${index}`);
    const published = aPublished({ nqn: nqnOf(volumeId) });
    const { nqn, at, capacityBytes: sizeBytes } = published;
    node.world.exportDisk({ nqn, at, sizeBytes });
    const stagingPath = `${STAGING}-${index}`;
    await node.volumes.stage(aStage(aBlock(), { volumeId, stagingPath, published }), FOREVER);
  }
  const before = node.world.connections();
  for (const { nqn } of before) node.world.removeController(nqn);
  await node.guardian.round(FOREVER);
  assert.deepEqual(node.world.connections(), before);
  assert.equal(most, 4);
});
