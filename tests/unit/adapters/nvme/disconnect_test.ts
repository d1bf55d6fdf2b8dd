import assert from "node:assert/strict";
import { StorageError } from "../../../../src/domain/errors.ts";
import { FakeKernel, inFastTime, NEVER, openHost, target, volume } from "./fake_kernel.ts";

async function connected(): Promise<{
  kernel: FakeKernel;
  host: ReturnType<typeof openHost>;
}> {
  const kernel = new FakeKernel();
  const host = openHost(kernel);
  await inFastTime(kernel, host.connect(target(1), NEVER));
  kernel.calls.length = 0;
  return { kernel, host };
}

Deno.test("disconnect() proves that the device is unused before it deletes the controller", async () => {
  const { kernel, host } = await connected();
  await host.disconnect(volume(1), NEVER);
  assert.deepEqual(kernel.calls.map(({ call }) => call.kind), [
    "find-openers",
    "open-exclusively",
    "write-file",
  ]);
  assert.deepEqual(kernel.written(), ["nvme10/delete_controller=1"]);
  await host.disconnect(volume(1), NEVER);
  assert.equal(kernel.calls.length, 3);
});

Deno.test("disconnect() ends a lost connection that nothing uses", async () => {
  const { kernel, host } = await connected();
  kernel.tree.put("/sys/class/nvme/nvme10/state", "connecting");
  await host.disconnect(volume(1), NEVER);
  assert.deepEqual(await host.sessions(NEVER), []);
});

Deno.test("disconnect() refuses a held device, and names who holds it", async () => {
  const { kernel, host } = await connected();
  kernel.held.add("259:10");
  kernel.tree.put("/proc/self/mountinfo", "36 25 0:32 / /proc rw - proc proc rw");
  kernel.tree.put("/proc/812/mountinfo", "99 25 259:10 / /srv/data rw - ext4 /dev/nvme110n1 rw");
  kernel.tree.add("devices/virtual/nvme-subsystem/nvme-subsys110/nvme110n1/holders/dm-3/");
  await assert.rejects(inFastTime(kernel, host.disconnect(volume(1), NEVER)), {
    code: "in-use",
    message: `Cannot disconnect ${volume(1)}: its device /dev/nvme110n1 is held: device dm-3, ` +
      "mounted at /srv/data (as process 812 sees it)",
  });
  assert.deepEqual(kernel.written(), []);
});

Deno.test("disconnect() refuses a device that is held by nothing any table shows", async () => {
  const { kernel, host } = await connected();
  kernel.held.add("259:10");
  await assert.rejects(inFastTime(kernel, host.disconnect(volume(1), NEVER)), {
    code: "in-use",
    message: /is held: something that no table shows/,
  });
});

const QEMU = { pid: 4711, name: "qemu-system-x86", canWrite: true };
const READER = { pid: 812, name: "(udev-worker)", canWrite: false };

Deno.test("disconnect() refuses a device that a program has open without holding it", async () => {
  const { kernel, host } = await connected();
  kernel.openers.push(QEMU);
  const head = "/sys/class/block/nvme110n1";
  kernel.tree.put(`${head}/nvme110n1p1/dev`, "259:77");
  await assert.rejects(inFastTime(kernel, host.disconnect(volume(1), NEVER)), {
    code: "in-use",
    message: `Cannot disconnect ${volume(1)}: its device /dev/nvme110n1 is held: process 4711 ` +
      "(qemu-system-x86) has it open",
  });
  assert.deepEqual(kernel.made("find-openers")[0]?.numbers, ["259:10", "259:77"]);
  assert.deepEqual(kernel.written(), []);
  assert.deepEqual(kernel.made("open-exclusively"), []);
  kernel.openers.length = 0;
  await host.disconnect(volume(1), NEVER);
  assert.deepEqual(await host.sessions(NEVER), []);
});

Deno.test("disconnect() lets who only reads keep a live device, and not a lost one", async () => {
  const { kernel, host } = await connected();
  kernel.openers.push(READER);
  await assert.rejects(inFastTime(kernel, host.disconnect(volume(1), NEVER)), {
    code: "in-use",
    message: /process 812 \(\(udev-worker\)\) has it open for reading$/,
  });
  kernel.tree.put("/sys/class/nvme/nvme10/state", "connecting");
  kernel.openers.push(QEMU);
  const lost = inFastTime(kernel, host.disconnect(volume(1), NEVER));
  await assert.rejects(lost, { code: "in-use", message: /held: process 4711 [^,]*$/ });
  kernel.openers.pop();
  await host.disconnect(volume(1), NEVER);
  assert.deepEqual(await host.sessions(NEVER), []);
});

Deno.test("disconnect() tears nothing down when processes cannot be looked through", async () => {
  const { kernel, host } = await connected();
  kernel.instead = ({ kind }) => kind === "find-openers" ? "EIO" : undefined;
  await assert.rejects(host.disconnect(volume(1), NEVER), { code: "unavailable" });
  assert.deepEqual(kernel.written(), []);
});

Deno.test("disconnect() bears with a program that has a look at the device", async () => {
  const { kernel, host } = await connected();
  kernel.held.add("259:10");
  const waiting = host.disconnect(volume(1), NEVER);
  await kernel.clock.advance(300);
  kernel.held.clear();
  await inFastTime(kernel, waiting);
  assert.deepEqual(await host.sessions(NEVER), []);
});

Deno.test("disconnect() tears nothing down when the proof does not come", async () => {
  const { kernel, host } = await connected();
  const late = new StorageError("unavailable", "Cannot run open-exclusively: it did not return");
  kernel.instead = ({ kind }) => kind === "open-exclusively" ? Promise.reject(late) : undefined;
  await assert.rejects(host.disconnect(volume(1), NEVER), late);
  kernel.instead = ({ kind }) => kind === "open-exclusively" ? "ENXIO" : undefined;
  await assert.rejects(host.disconnect(volume(1), NEVER), {
    code: "unavailable",
    message: /whether its device \/dev\/nvme110n1 is unused cannot be proved \(ENXIO\)/,
  });
  assert.deepEqual(kernel.written(), []);
  assert.equal((await host.sessions(NEVER)).length, 1);
});

Deno.test("disconnect() waits while the kernel may still make the connection", async () => {
  const kernel = new FakeKernel();
  const stuck = { pid: 7, what: "connect-nvme", subject: volume(1), ageMs: 1000 };
  kernel.stuckChildren.push(stuck);
  const host = openHost(kernel);
  await assert.rejects(host.disconnect(volume(1), NEVER), { code: "unavailable" });
  await host.disconnect(volume(2), NEVER);
});

Deno.test("disconnect() ends every controller of the volume, and none of another", async () => {
  const { kernel, host } = await connected();
  kernel.addController(volume(1));
  kernel.addController(volume(2));
  kernel.addController(volume(1), { hostNqn: "nqn.2014-08.org.nvmexpress:uuid:other" });
  await host.disconnect(volume(1), NEVER);
  assert.deepEqual(kernel.written(), ["nvme10/delete_controller=1", "nvme11/delete_controller=1"]);
});

for (const errno of ["EBUSY", "ENOENT", "ENODEV"]) {
  Deno.test(`disconnect() is not done with ${errno} while the controller is there`, async () => {
    const { kernel, host } = await connected();
    let refusals = 0;
    kernel.instead = ({ kind }) => kind === "write-file" && ++refusals < 4 ? errno : undefined;
    await inFastTime(kernel, host.disconnect(volume(1), NEVER));
    assert.equal(refusals, 4);
    assert.deepEqual(await host.sessions(NEVER), []);
  });

  Deno.test(`disconnect() fails when ${errno} does not end`, async () => {
    const { kernel, host } = await connected();
    kernel.instead = ({ kind }) => kind === "write-file" ? errno : undefined;
    await assert.rejects(inFastTime(kernel, host.disconnect(volume(1), NEVER)), {
      code: "unavailable",
      message: `Cannot disconnect ${volume(1)}: nvme10 is live after 15 s`,
    });
  });
}

Deno.test("disconnect() fails where sysfs is read-only", async () => {
  const { kernel, host } = await connected();
  kernel.instead = ({ kind }) => kind === "write-file" ? "EROFS" : undefined;
  await assert.rejects(host.disconnect(volume(1), NEVER), {
    code: "unavailable",
    message: `Cannot disconnect ${volume(1)}: nvme10 cannot be deleted (EROFS)`,
  });
});

Deno.test("disconnect() deletes no controller whose name went to another volume", async () => {
  const { kernel, host } = await connected();
  const owner = "/sys/class/nvme/nvme10/subsysnqn";
  kernel.instead = ({ kind }) => {
    // In the very moment of the end: ours is gone, and the next one got its name.
    if (kind === "write-file") kernel.tree.put(owner, volume(2));
    return undefined;
  };
  await host.disconnect(volume(1), NEVER);
  assert.equal(await kernel.tree.read(owner), volume(2));
});

Deno.test("a head that waits for its lost controller is proved unused and told to go", async () => {
  const { kernel, host } = await connected();
  kernel.tree.put("/sys/class/block/nvme110n1/delayed_removal_secs", "120");
  kernel.tree.remove("/sys/class/nvme/nvme10");
  const [session] = await host.sessions(NEVER);
  assert.equal(session?.state, "closing");
  assert.equal(session.device?.number, "259:10");
  kernel.held.add("259:10");
  await assert.rejects(inFastTime(kernel, host.disconnect(volume(1), NEVER)), { code: "in-use" });
  kernel.held.clear();
  await host.disconnect(volume(1), NEVER);
  assert.deepEqual(kernel.written(), ["nvme110n1/delayed_removal_secs=0"]);
});

Deno.test("abandon() asks for no proof, and nothing stuck on the volume keeps it", async () => {
  const { kernel, host } = await connected();
  kernel.held.add("259:10");
  kernel.tree.put("/sys/class/block/nvme110n1/delayed_removal_secs", "120");
  await host.abandon(volume(1), NEVER);
  assert.deepEqual(kernel.written(), [
    "nvme110n1/delayed_removal_secs=0",
    "nvme10/delete_controller=1",
  ]);
  assert.deepEqual(kernel.calls.map(({ subject }) => subject), ["nvme110n1", "nvme10"]);
});

Deno.test("a deletion that hangs goes on by itself, and is waited for the next time", async () => {
  const { kernel, host } = await connected();
  const late = new StorageError("unavailable", "Cannot run write-file for nvme10: too late");
  kernel.instead = ({ kind }) => kind === "write-file" ? Promise.reject(late) : undefined;
  await assert.rejects(host.abandon(volume(1), NEVER), {
    code: "unavailable",
    message: /the kernel is still deleting nvme10; .* try again/,
  });
  kernel.tree.put("/sys/class/nvme/nvme10/state", "deleting (no IO)");
  kernel.calls.length = 0;
  const again = host.abandon(volume(1), NEVER);
  await kernel.clock.advance(5000);
  kernel.tree.remove("/sys/class/nvme/nvme10");
  await inFastTime(kernel, again);
  assert.deepEqual(kernel.calls, []);
});
