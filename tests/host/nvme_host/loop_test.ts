/** What the NVMe host of loop devices does beyond its contract: restarts, neighbours, left-overs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { readLoopDevices } from "../../../src/adapters/trial-host/loop_devices.ts";
import type { LoopTools } from "../../../src/adapters/trial-host/loop_nvme_host.ts";
import { openLoopHost } from "../../../src/adapters/trial-host/loop_host.ts";
import { assertFails, connectDisk, DISK_BYTES, FOREVER } from "../../contract/node_harness.ts";
import { remainsBelow } from "../../../tools/trial/remains.ts";
import { hostTest } from "../machine.ts";
import { namesIn } from "../../integration/trial-host/trial_node.ts";
import { hold, openLoopNode, replaceFile, run } from "./loop_node.ts";
import type { LoopNode } from "./loop_node.ts";

const IDENTITY = "0b5b2c6e-52a4-4a5c-8e55-9d1f4e8f0a11";

hostTest("a directory that is no simulator's is refused, and nothing is made", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const tools: LoopTools = { programs: never(), kernel: never(), clock: never() };
    await assertFails(openLoopHost(directory, join(directory, "state"), tools), "invalid");
    assert.deepEqual(await namesIn(directory), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

hostTest("a host id that is none is refused instead of replaced", async () => {
  await using node = await openLoopNode();
  await Deno.writeTextFile(join(node.root, "node", "host-id"), "mine\n");
  await assertFails(node.reopen(), "invalid");
});

hostTest("a host that is opened again has the same id, sessions and devices", async () => {
  await using node = await openLoopNode();
  const { nqn, target } = await connectDisk(node);
  const before = await node.host.sessions(FOREVER);
  const again = await node.reopen();
  assert.equal(again.hostId, node.host.hostId);
  assert.deepEqual(await again.sessions(FOREVER), before);
  assert.deepEqual(before[0]?.at, target.at);
  await again.connect(target, FOREVER);
  assert.equal(remainsBelow(node.root).loops.length, 1);
  await again.disconnect(nqn, FOREVER);
  assert.deepEqual(remainsBelow(node.root).loops, []);
});

hostTest("the port of a lost session is known after a restart, too", async () => {
  await using node = await openLoopNode();
  const { nqn, target } = await connectDisk(node);
  node.box.withdraw(nqn);
  const [session] = await (await node.reopen()).sessions(FOREVER);
  assert.deepEqual(session?.at, target.at);
  assert.equal(session?.state, "lost");
});

hostTest(
  "the device is called what the box calls the namespace, also when it is lost",
  async () => {
    await using node = await openLoopNode();
    const target = await node.box.exportDisk(DISK_BYTES, {}, IDENTITY.toUpperCase());
    const { identity } = await node.host.connect(target, FOREVER);
    assert.equal(identity, IDENTITY);
    node.box.withdraw(target.nqn);
    assert.equal((await node.host.find(target.nqn, FOREVER))?.identity, IDENTITY);
  },
);

hostTest("two nodes on one machine have a device each, and neither ends the other's", async () => {
  await using node = await openLoopNode();
  const { nqn, target, device } = await connectDisk(node);
  const other = await node.reopen("other-node");
  assert.equal(await other.find(nqn, FOREVER), undefined);
  const theirs = await other.connect(target, FOREVER);
  assert.notEqual(theirs.number, device.number);
  await other.disconnect(nqn, FOREVER);
  assert.deepEqual(await node.host.find(nqn, FOREVER), device);
});

hostTest("a loop device that a person attached to the same file is not touched", async () => {
  await using node = await openLoopNode();
  const target = await node.exportDisk(DISK_BYTES);
  const theirs = (await run("losetup", "--find", "--show", node.box.pathOf(target.nqn))).trim();
  assert.deepEqual(await node.host.sessions(FOREVER), []);
  assert.notEqual((await node.host.connect(target, FOREVER)).path, theirs);
  await node.host.abandon(target.nqn, FOREVER);
  assert.deepEqual(remainsBelow(node.root).loops, [theirs]);
});

hostTest("many connects at once leave one device, which all of them have", async () => {
  await using node = await openLoopNode();
  const target = await node.exportDisk(DISK_BYTES);
  const hosts = [node.host, await node.reopen(), await node.reopen(), await node.reopen()];
  await Promise.allSettled(hosts.map((host) => host.connect(target, FOREVER)));
  const device = await node.host.connect(target, FOREVER);
  for (const host of hosts) assert.deepEqual(await host.find(target.nqn, FOREVER), device);
  await node.host.disconnect(target.nqn, FOREVER);
  assert.deepEqual(remainsBelow(node.root).loops, []);
});

hostTest(
  "a device over a file that was replaced is another one: held it stays, free it goes",
  async () => {
    await using node = await openLoopNode();
    const { nqn, target, device } = await connectDisk(node);
    await node.hold?.(nqn);
    await replaceFile(node.box.pathOf(nqn));
    assert.equal((await node.host.sessions(FOREVER))[0]?.state, "lost");
    const fresh = await node.host.connect(target, FOREVER);
    assert.notEqual(fresh.number, device.number);
    assert.deepEqual(await node.host.find(nqn, FOREVER), fresh);
    assert.equal(remainsBelow(node.root).loops.length, 2);
    await assertFails(node.host.disconnect(nqn, FOREVER), "in-use");

    const free = await connectDisk(node);
    await replaceFile(node.box.pathOf(free.nqn));
    await node.host.connect(free.target, FOREVER);
    const attached = await devicesOf(node);
    assert.equal(attached.filter(({ isFileGone }) => isFileGone).length, 1);
  },
);

hostTest("a device that a program has open without holding it is in use, and stays", async () => {
  await using node = await openLoopNode();
  const { nqn, device } = await connectDisk(node);
  {
    using _program = await Deno.open(device.path, { read: true, write: true });
    await assertFails(node.host.disconnect(nqn, FOREVER), "in-use");
    assert.equal((await node.host.sessions(FOREVER))[0]?.state, "live");
  }
  await node.host.disconnect(nqn, FOREVER);
});

hostTest(
  "abandon() says in the end that something holds the device, which is closing then",
  async () => {
    await using node = await openLoopNode();
    const { nqn, target } = await connectDisk(node);
    const letGo = await hold(node, nqn);
    // Its seconds are a hundred times as short.
    const clock = { ...systemClock, monotonicMs: () => 100 * systemClock.monotonicMs() };
    const hasty = await node.reopen("node", clock);
    await assertFails(hasty.abandon(nqn, FOREVER), "unavailable");
    assert.equal((await hasty.sessions(FOREVER))[0]?.state, "closing");
    await assertFails(hasty.connect(target, FOREVER), "unavailable");
    const connected = node.host.connect(target, FOREVER);
    letGo();
    assert.equal((await connected).sizeBytes, DISK_BYTES);
    assert.equal((await node.host.sessions(FOREVER))[0]?.state, "live");
    assert.equal(remainsBelow(node.root).loops.length, 1);
  },
);

hostTest("dangers() says that this is a trial", async () => {
  await using node = await openLoopNode();
  assert.match((await node.host.dangers(FOREVER)).join(), /trial.*loop devices/);
});

async function devicesOf({ root }: LoopNode): ReturnType<typeof readLoopDevices> {
  const devices = await readLoopDevices();
  return devices.filter(({ backingPath }) => backingPath.startsWith(`${root}/`));
}

/** A tool that must not be used. */
function never<Tool extends object>(): Tool {
  return new Proxy({} as Tool, {
    get: (_, key) => {
      throw new Error(`${String(key)} was used`);
    },
  });
}
