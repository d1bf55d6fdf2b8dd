/** What the guardian brings back, what it says, and what it leaves alone. */
import assert from "node:assert/strict";
import { deviceNumberOf } from "../../../src/domain/block_device.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import { aGuarded, rounds, told } from "../../builders/guarded_node.ts";
import {
  aBlock,
  aFileSystem,
  aMount,
  aNode,
  aNodeAfter,
  aStage,
  STAGING,
  TARGET,
  VOLUME,
} from "../../builders/node.ts";
import { FOREVER } from "../../contract/node_harness.ts";
import { overriding } from "../../fakes/overriding.ts";

Deno.test("a volume that is well is told nothing of", async () => {
  const node = await aGuarded();
  await rounds(node, 20);
  assert.deepEqual(told(node), []);
});

Deno.test("F2: a lost connection is told once, after 30 s, and once when it is back", async () => {
  const node = await aGuarded();
  node.world.loseConnection(node.disk.nqn);
  await rounds(node, 6);
  assert.deepEqual(told(node), []);
  await rounds(node, 10);
  assert.deepEqual(told(node), ["abnormal: waiting-for-box"]);
  node.world.regainConnection(node.disk.nqn);
  await rounds(node, 3);
  assert.deepEqual(told(node), ["volume-recovered"]);
});

Deno.test("F1: a connection that is lost for a short time is told nothing of", async () => {
  const node = await aGuarded();
  node.world.loseConnection(node.disk.nqn);
  await rounds(node, 2);
  node.world.regainConnection(node.disk.nqn);
  await rounds(node, 10);
  assert.deepEqual(told(node), []);
});

Deno.test("F8: a controller that the kernel removed is connected again, and the mount lives on with its device", async () => {
  const node = await aGuarded();
  const { world, disk } = node;
  const before = world.deviceOf(disk.nqn);
  world.removeController(disk.nqn);
  await rounds(node, 3);
  assert.deepEqual(told(node), [
    "abnormal: no-connection",
    "controller-regained",
    "volume-recovered",
  ]);
  assert.deepEqual(world.deviceOf(disk.nqn), before);
  world.writeFile(TARGET, "a.txt", "still written");
});

for (const [phase, state] of [["unstaging", "live"], ["abandoned", "closing"]] as const) {
  Deno.test(`F3: a device that is only kept, of a volume that is ${phase}, is ${state} after a round`, async () => {
    const { records, world, disk, guardian } = await aGuarded();
    const record = await records.read(VOLUME);
    assert(record !== undefined);
    await records.write({ ...record, phase });
    world.removeController(disk.nqn);
    await guardian.round(FOREVER);
    assert.deepEqual(world.connections().map((each) => each.state), [state]);
  });
}

Deno.test("F8: with another device the mounts are dead, which is told once and touched by nobody", async () => {
  const node = await aGuarded();
  const { world, disk, events } = node;
  const mounts = [...world.mounts];
  world.removeDevice(disk.nqn);
  await node.guardian.round(FOREVER);
  const regained = events.find((event) => event.kind === "controller-regained");
  assert.equal(regained?.isSameDevice, false);
  await rounds(node, 5);
  assert.deepEqual(told(node), [
    "abnormal: no-connection",
    "controller-regained",
    "abnormal: mount-dead",
  ]);
  assert.deepEqual(world.mounts, mounts);
  await node.volumes.unpublish(VOLUME, TARGET, FOREVER);
  await node.volumes.unstage(VOLUME, STAGING, FOREVER);
  await node.volumes.stage(aStage(), FOREVER);
  await rounds(node, 2);
  assert.equal(world.mountAt(STAGING)?.device, world.deviceOf(disk.nqn)?.number);
});

Deno.test("F10: a volume that the box no longer exports is asked for ever more rarely, and back when it is exported", async () => {
  let attempts = 0;
  const node = await aGuarded(aMount(), ({ host, ...ports }) => ({
    ...ports,
    host: overriding(host, "connect", (target, signal) => {
      attempts++;
      return host.connect(target, signal);
    }),
  }));
  const { world, disk } = node;
  world.disks.delete(disk.nqn);
  world.removeController(disk.nqn);
  attempts = 0;
  await rounds(node, 120);
  assert(attempts > 15 && attempts < 40, `${attempts} attempts in 600 s`);
  assert.deepEqual(told(node), ["abnormal: no-connection", "abnormal: cannot-connect"]);
  const { condition } = await node.volumes.stats(VOLUME, TARGET, FOREVER);
  assert.match(condition.message, /cannot be made: .*does not answer/);
  world.disks.set(disk.nqn, disk);
  await rounds(node, 10);
  assert.deepEqual(told(node), ["controller-regained", "volume-recovered"]);
});

Deno.test("F7: a namespace with another identity is found, told with both, and never mounted", async () => {
  const node = await aGuarded();
  const { world, disk, events } = node;
  world.loseConnection(disk.nqn);
  disk.identity = "another identity";
  world.regainConnection(disk.nqn);
  await rounds(node, 4);
  const changed = events.find((event) =>
    event.kind === "volume-abnormal" && event.reason === "identity-changed"
  );
  assert(changed?.kind === "volume-abnormal");
  assert.match(changed.finding, /was identity of nqn.*, is another identity/);
  assert.equal(world.mounts.filter(({ device }) => world.isAlive(device)).length, 0);
  await rounds(node, 10);
  assert.equal(told(node).filter((text) => text === "abnormal: identity-changed").length, 1);
});

Deno.test("F9: a connection without a namespace is told after 10 s, with what it can be", async () => {
  const node = await aGuarded();
  const { world, disk } = node;
  world.loseConnection(disk.nqn);
  disk.isEnabled = false;
  world.regainConnection(disk.nqn);
  await rounds(node, 2);
  assert.deepEqual(told(node), []);
  await rounds(node, 4);
  assert.deepEqual(told(node), ["abnormal: no-namespace"]);
  disk.isEnabled = true;
  await rounds(node, 10);
  assert.deepEqual(told(node), ["controller-regained", "abnormal: mount-dead"]);
});

for (const phase of ["unstaging", "abandoned", "staging"] as const) {
  Deno.test(`a volume whose record says ${phase} is never connected, nor is one without a record`, async () => {
    const node = await aGuarded();
    const { world, disk, records } = node;
    const record = await records.read(VOLUME);
    assert(record !== undefined);
    await records.write({ ...record, phase });
    world.removeDevice(disk.nqn);
    await rounds(node, 5);
    await records.remove(VOLUME);
    await rounds(node, 5);
    assert.deepEqual(world.connections(), []);
    assert.deepEqual(told(node), []);
  });
}

Deno.test("a record of another boot is never acted upon", async () => {
  const node = await aGuarded();
  const record = await node.records.read(VOLUME);
  assert(record !== undefined);
  await node.records.write({ ...record, bootId: "another boot" });
  node.world.removeDevice(node.disk.nqn);
  await rounds(node, 5);
  assert.deepEqual(node.world.connections(), []);
});

Deno.test("a volume that a call works on is left to the call", async () => {
  const node = await aGuarded();
  node.world.removeDevice(node.disk.nqn);
  {
    using _turn = node.shared.locks.take(VOLUME);
    await rounds(node, 5);
    assert.deepEqual(node.world.connections(), []);
    assert.deepEqual(told(node), []);
  }
  await rounds(node, 1);
  assert.equal(node.world.connections().length, 1);
});

Deno.test("a volume that is unstaged while it is looked at is neither told nor connected", async () => {
  let unstage = (): Promise<void> => Promise.resolve();
  const node = await aGuarded(aBlock(), ({ records, ...ports }) => ({
    ...ports,
    records: overriding(records, "list", async () => {
      const listed = await records.list();
      await unstage();
      return listed;
    }),
  }));
  await node.volumes.unpublish(VOLUME, TARGET, FOREVER);
  node.world.removeDevice(node.disk.nqn);
  unstage = () => node.volumes.unstage(VOLUME, STAGING, FOREVER);
  await node.guardian.round(FOREVER);
  assert.deepEqual(told(node), []);
  assert.deepEqual(node.world.connections(), []);
});

Deno.test("what was told of a volume is forgotten when it is unstaged", async () => {
  const node = await aGuarded();
  node.world.disks.delete(node.disk.nqn);
  node.world.removeDevice(node.disk.nqn);
  await rounds(node, 2);
  assert.deepEqual(told(node), ["abnormal: no-connection", "abnormal: cannot-connect"]);
  await node.volumes.unpublish(VOLUME, TARGET, FOREVER);
  await node.volumes.unstage(VOLUME, STAGING, FOREVER);
  await rounds(node, 1);
  node.world.disks.set(node.disk.nqn, node.disk);
  await node.volumes.stage(aStage(), FOREVER);
  await rounds(node, 2);
  assert.deepEqual(told(node), []);
});

Deno.test("what endangers volumes is told once, and again when it comes back", async () => {
  let dangers = ["nvme_core.multipath is off"];
  const node = aNode(({ host, ...ports }) => ({
    ...ports,
    host: overriding(host, "dangers", () => Promise.resolve(dangers)),
  }));
  await rounds(node, 121);
  assert.deepEqual(node.events.splice(0), [
    { kind: "host-danger", danger: "nvme_core.multipath is off" },
  ]);
  dangers = [];
  await rounds(node, 60);
  dangers = ["nvme_core.multipath is off"];
  await rounds(node, 60);
  assert.deepEqual(told(node), ["host-danger"]);
});

Deno.test("run() goes on after a round that fails, and ends with its signal", async () => {
  let isBroken = false;
  const node = await aGuarded(aMount(), ({ host, ...ports }) => ({
    ...ports,
    host: overriding(host, "sessions", (signal) => {
      if (!isBroken) return host.sessions(signal);
      return Promise.reject(new StorageError("unavailable", "Cannot list: sysfs is away"));
    }),
  }));
  const end = new AbortController();
  isBroken = true;
  const running = node.guardian.run(end.signal);
  await node.shared.clock.advance(14_000);
  assert.deepEqual(told(node), ["guard-failed"]);
  isBroken = false;
  node.world.removeController(node.disk.nqn);
  await node.shared.clock.advance(10_000);
  assert(told(node).includes("controller-regained"));
  end.abort();
  await running;
  assert.equal(node.world.connections().length, 1);
});

Deno.test("a guardian of a new process finds what an earlier one had reported", async () => {
  const node = await aGuarded();
  node.world.removeController(node.disk.nqn);
  const next = aNodeAfter(node);
  await rounds(next, 2);
  assert.deepEqual(told(next), [
    "abnormal: no-connection",
    "controller-regained",
    "volume-recovered",
  ]);
});

Deno.test("a record that cannot be read is told once, and keeps no other volume from being looked at", async () => {
  const node = await aGuarded(aMount(), ({ records, ...ports }) => ({
    ...ports,
    records: overriding(records, "list", async () => ({
      ...await records.list(),
      unreadable: ["pvc-broken"],
    })),
  }));
  node.world.removeController(node.disk.nqn);
  await rounds(node, 3);
  assert.deepEqual(told(node), [
    "record-unreadable",
    "abnormal: no-connection",
    "controller-regained",
    "volume-recovered",
  ]);
});

Deno.test("a volume of raw block that came back as another device is told to be dead", async () => {
  const node = await aGuarded(aBlock());
  node.disk.content = aFileSystem();
  node.world.removeDevice(node.disk.nqn);
  await rounds(node, 3);
  assert.deepEqual(told(node).at(-1), "abnormal: mount-dead");
  assert.notEqual(node.world.deviceOf(node.disk.nqn)?.number, deviceNumberOf(259, 0));
});
