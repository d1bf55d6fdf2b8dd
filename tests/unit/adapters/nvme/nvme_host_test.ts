import assert from "node:assert/strict";
import { StorageError } from "../../../../src/domain/errors.ts";
import type { Nqn } from "../../../../src/domain/nvme.ts";
import { reconnectPolicyOf } from "../../../../src/domain/reconnect_policy.ts";
import {
  FakeKernel,
  HOST_ID,
  HOST_NQN,
  inFastTime,
  NEVER,
  openHost,
  target,
  volume,
} from "./fake_kernel.ts";

async function connected(kernel: FakeKernel = new FakeKernel()): Promise<{
  kernel: FakeKernel;
  host: ReturnType<typeof openHost>;
  controller: string;
}> {
  const host = openHost(kernel);
  await inFastTime(kernel, host.connect(target(1), NEVER));
  const [session] = await host.sessions(NEVER);
  const [controller = ""] = session?.controllers ?? [];
  return { kernel, host, controller };
}

Deno.test("connect() asks the kernel once and reads the device before it returns", async () => {
  const { kernel, host } = await connected();
  assert.deepEqual(kernel.calls.map(({ call }) => call.kind), ["connect-nvme", "read-device"]);
  const [{ options } = { options: "" }] = kernel.made("connect-nvme");
  assert.match(options, /^transport=tcp,traddr=10\.99\.0\.1,trsvcid=4501,/);
  assert.match(options, new RegExp(`,hostnqn=${HOST_NQN},hostid=${HOST_ID},nr_io_queues=4,`));
  const again = await host.connect(target(1), NEVER);
  assert.equal(kernel.made("connect-nvme").length, 1);
  assert.deepEqual(await host.find(volume(1), NEVER), again);
});

Deno.test("connect() and every other change refuse an NQN that is none of ours", async () => {
  const kernel = new FakeKernel();
  kernel.addController("nqn.2000-02.com.mikrotik:nixos-root");
  const host = openHost(kernel);
  const nqn = "nqn.2000-02.com.mikrotik:nixos-root" as Nqn;
  const refused = { code: "invalid", message: /it is none of our volumes/ };
  await assert.rejects(host.connect(target(1, { nqn }), NEVER), refused);
  await assert.rejects(host.rescan(nqn, NEVER), refused);
  await assert.rejects(host.disconnect(nqn, NEVER), refused);
  await assert.rejects(host.abandon(nqn, NEVER), refused);
  assert.deepEqual(kernel.calls, []);
  assert.deepEqual(await host.sessions(NEVER), []);
});

Deno.test("connect() does not trouble the kernel with a target that does not answer", async () => {
  const kernel = new FakeKernel();
  const silent = new StorageError("unavailable", "Cannot connect to it: silent");
  const host = openHost(kernel, () => Promise.reject(silent));
  await assert.rejects(host.connect(target(1), NEVER), silent);
  assert.deepEqual(kernel.calls, []);
});

Deno.test("connect() takes a live connection over with the policy that is wanted now", async () => {
  const { kernel, host, controller } = await connected();
  kernel.calls.length = 0;
  const policy = reconnectPolicyOf({ reconnectDelay: 10, ctrlLossTmo: 25, fastIoFailTmo: 20 });
  await host.connect(target(1, { policy }), NEVER);
  assert.deepEqual(kernel.written(), [
    `${controller}/reconnect_delay=10`,
    `${controller}/ctrl_loss_tmo=25`,
    `${controller}/fast_io_fail_tmo=20`,
  ]);
});

Deno.test("connect() writes the time to give up anew when only the delay differs", async () => {
  const { kernel, host, controller } = await connected();
  kernel.tree.put(`/sys/class/nvme/${controller}/ctrl_loss_tmo`, "60");
  kernel.calls.length = 0;
  const policy = reconnectPolicyOf({ reconnectDelay: 5, ctrlLossTmo: 60 });
  await host.connect(target(1, { policy }), NEVER);
  assert.deepEqual(kernel.written(), [
    `${controller}/reconnect_delay=5`,
    `${controller}/ctrl_loss_tmo=60`,
  ]);
});

Deno.test("connect() waits for a lost connection and never makes a second one", async () => {
  const { kernel, host, controller } = await connected();
  const state = `/sys/class/nvme/${controller}/state`;
  kernel.tree.put(state, "connecting");
  const waiting = host.connect(target(1), NEVER);
  await kernel.clock.advance(5000);
  kernel.tree.put(state, "live");
  assert.equal((await inFastTime(kernel, waiting)).number, "259:10");
  kernel.tree.put(state, "resetting");
  await assert.rejects(inFastTime(kernel, host.connect(target(1), NEVER)), {
    code: "unavailable",
    message: `Cannot connect to ${volume(1)}: the connection is lost (${controller} is resetting)`,
  });
  assert.equal(kernel.made("connect-nvme").length, 1);
});

for (const state of ["live", "connecting"]) {
  Deno.test(`connect() refuses another address while a connection is ${state}`, async () => {
    const { kernel, host, controller } = await connected();
    kernel.tree.put(`/sys/class/nvme/${controller}/state`, state);
    const moved = target(1, { at: { address: "10.99.0.2", port: 4501 } });
    await assert.rejects(host.connect(moved, NEVER), {
      code: "unavailable",
      message: /it must be unstaged first/,
    });
    assert.equal(kernel.made("connect-nvme").length, 1);
    assert.deepEqual(kernel.written(), []);
  });
}

Deno.test("connect() knows an IPv6 address in another spelling", async () => {
  const kernel = new FakeKernel();
  const name = kernel.addController(volume(1), {
    at: "traddr=fd00::7,trsvcid=4501,src_addr=fd00::1",
  });
  kernel.addHead(name);
  const at = { address: "FD00:0:0::0007", port: 4501 };
  await openHost(kernel).connect(target(1, { at }), NEVER);
  assert.deepEqual(kernel.made("connect-nvme"), []);
});

Deno.test("connect() waits for an old connection to go before it makes a new one", async () => {
  const { kernel, host, controller } = await connected();
  kernel.tree.put(`/sys/class/nvme/${controller}/state`, "deleting");
  const waiting = host.connect(target(1), NEVER);
  await kernel.clock.advance(3000);
  assert.equal(kernel.made("connect-nvme").length, 1);
  kernel.tree.remove(`/sys/class/nvme/${controller}`);
  kernel.tree.remove(`/sys/class/nvme-subsystem/nvme-subsys110`);
  assert.equal((await inFastTime(kernel, waiting)).number, "259:11");
});

Deno.test("connect() refuses beside a connection that another host NQN made", async () => {
  const kernel = new FakeKernel();
  kernel.addController(volume(1), { hostNqn: "nqn.2014-08.org.nvmexpress:uuid:other" });
  await assert.rejects(openHost(kernel).connect(target(1), NEVER), {
    code: "unavailable",
    message: /nvme10 is connected to it as host nqn\.2014-08\.org\.nvmexpress:uuid:other/,
  });
  assert.deepEqual(kernel.calls, []);
});

Deno.test("connect() takes EALREADY for the connection that somebody made meanwhile", async () => {
  const kernel = new FakeKernel();
  kernel.instead = ({ kind }) => {
    if (kind !== "connect-nvme") return undefined;
    kernel.addHead(kernel.addController(volume(1)));
    return "EALREADY";
  };
  assert.equal((await openHost(kernel).connect(target(1), NEVER)).number, "259:10");
});

Deno.test("connect() asks for fewer queues down to one when there is no room for more", async () => {
  const kernel = new FakeKernel();
  kernel.instead = ({ kind }) => kind === "connect-nvme" ? "ENOMEM" : undefined;
  await assert.rejects(openHost(kernel).connect(target(1), NEVER), { code: "unavailable" });
  const queues = kernel.made("connect-nvme").map(({ options }) =>
    /nr_io_queues=(\d+)/.exec(options)?.[1]
  );
  assert.deepEqual(queues, ["4", "2", "1"]);
});

Deno.test("connect() leaves a box alone that kept the kernel waiting, and no other", async () => {
  const kernel = new FakeKernel();
  kernel.instead = (call) =>
    call.kind === "connect-nvme" && call.options.includes("trsvcid=4501") ? "EAGAIN" : undefined;
  const host = openHost(kernel);
  await assert.rejects(host.connect(target(1), NEVER), { message: /stayed silent/ });
  for (const index of [1, 2]) {
    await assert.rejects(host.connect(target(index), NEVER), { message: /is left alone for 10 s/ });
  }
  const other = target(3, { at: { address: "10.99.0.9", port: 4501 } });
  kernel.instead = () => undefined;
  await inFastTime(kernel, host.connect(other, NEVER));
  await kernel.clock.advance(10_000);
  await inFastTime(kernel, host.connect(target(2), NEVER));
  await assert.rejects(host.connect(target(1), NEVER), { message: /port 4501 is left alone for/ });
});

Deno.test("connect() does not start while the kernel still hangs in an earlier one", async () => {
  const kernel = new FakeKernel();
  const what = "connect-nvme";
  kernel.stuckChildren.push({ pid: 7, what, subject: volume(2), ageMs: 20_400 });
  await assert.rejects(openHost(kernel).connect(target(1), NEVER), {
    code: "unavailable",
    message: /the kernel is busy with a connect to .*pvc-00000002.* for 20 s \(process 7\)/,
  });
  assert.deepEqual(kernel.calls, []);
});

Deno.test("connect() names what may be wrong when no device comes", async () => {
  const kernel = new FakeKernel();
  kernel.makesHead = false;
  await assert.rejects(inFastTime(kernel, openHost(kernel).connect(target(1), NEVER)), {
    code: "unavailable",
    message: /no device for it in 10 s: .*same namespace UUID.*not enabled.*still looks for it/s,
  });
});

Deno.test("connect() gives no device that cannot be read", async () => {
  const kernel = new FakeKernel();
  kernel.instead = ({ kind }) => kind === "read-device" ? "EIO" : undefined;
  await assert.rejects(inFastTime(kernel, openHost(kernel).connect(target(1), NEVER)), {
    code: "unavailable",
    message: /its device \/dev\/nvme110n1 cannot be read \(EIO\)/,
  });
});

Deno.test("connect() takes a device that can be read only after a moment", async () => {
  const kernel = new FakeKernel();
  let reads = 0;
  kernel.instead = ({ kind }) => kind === "read-device" && ++reads < 3 ? "EIO" : undefined;
  await inFastTime(kernel, openHost(kernel).connect(target(1), NEVER));
  assert.equal(reads, 3);
});

Deno.test("connect() refuses to choose between two devices", async () => {
  const kernel = new FakeKernel();
  const one = kernel.addController(volume(1));
  const two = kernel.addController(volume(1));
  const heads = [kernel.addHead(one), kernel.addHead(two)];
  await assert.rejects(inFastTime(kernel, openHost(kernel).connect(target(1), NEVER)), {
    code: "unavailable",
    message: `Cannot use ${volume(1)}: the kernel shows several devices for it (${
      heads.join(", ")
    })`,
  });
});

Deno.test("a head without a path gives way to the one that a path leads to", async () => {
  const { kernel, host, controller } = await connected();
  const old = kernel.addController(volume(1));
  const head = kernel.addHead(old, "uuid.old");
  kernel.tree.remove(`/sys/class/nvme/${old}`);
  const found = await host.find(volume(1), NEVER);
  assert.equal(found?.number, `259:${controller.slice(4)}`);
  assert.notEqual(found?.path, `/dev/${head}`);
});

Deno.test("a head that waits while the namespace came back as another is not the device", async () => {
  const { kernel, host, controller } = await connected();
  const path = `/sys/class/nvme/${controller}/nvme110c10n1`;
  kernel.tree.put(`${path}/wwid`, "uuid.changed");
  assert.equal((await host.sessions(NEVER))[0]?.device, undefined);
  // Who has it mounted must be able to find out whose it was, and to unstage it.
  assert.equal((await host.find(volume(1), NEVER))?.number, "259:10");
  kernel.calls.length = 0;
  const connecting = inFastTime(kernel, host.connect(target(1), NEVER));
  await assert.rejects(connecting, {
    code: "unavailable",
    message: /nothing leads to its device nvme110n1 \(unknown\): .*another identity/,
  });
  // A read of it would hang for as long as the head stays.
  assert.deepEqual(kernel.made("read-device"), []);
});

Deno.test("a container that is not shown the device gets a node named after the number", async () => {
  const kernel = new FakeKernel();
  kernel.makesNode = false;
  const host = openHost(kernel);
  const device = await inFastTime(kernel, host.connect(target(1), NEVER));
  assert.equal(device.path, "/dev/rds-csi/block-259-10");
  assert.deepEqual(await host.find(volume(1), NEVER), device);
  await host.disconnect(volume(1), NEVER);
  assert.deepEqual(kernel.tree.nodes(), []);
});

Deno.test("a node that leads to another device is not used", async () => {
  const kernel = new FakeKernel();
  kernel.makesNode = false;
  kernel.tree.addNode("/dev/nvme110n1", "259:99" as never);
  const device = await inFastTime(kernel, openHost(kernel).connect(target(1), NEVER));
  assert.equal(device.path, "/dev/rds-csi/block-259-10");
});

Deno.test("a head is told to outlive its paths where the kernel can, until it is disconnected", async () => {
  const { kernel, host } = await connected();
  kernel.tree.put("/sys/class/block/nvme110n1/delayed_removal_secs", "0");
  await host.connect(target(1), NEVER);
  assert.deepEqual(kernel.written(), ["nvme110n1/delayed_removal_secs=120"]);
  await host.disconnect(volume(1), NEVER);
  assert.deepEqual(kernel.written().slice(1), [
    "nvme110n1/delayed_removal_secs=0",
    "nvme10/delete_controller=1",
  ]);
});

Deno.test("rescan() gives the new size, and the old one when nothing changed", async () => {
  const { kernel, host, controller } = await connected();
  const rescan = (): Promise<{ sizeBytes: number }> =>
    inFastTime(kernel, host.rescan(volume(1), NEVER));
  assert.equal((await rescan()).sizeBytes, 2048 * 512);
  kernel.grown.set("nvme110n1", 4096);
  assert.equal((await rescan()).sizeBytes, 4096 * 512);
  assert.deepEqual(new Set(kernel.written()), new Set([`${controller}/rescan_controller=1`]));
});

Deno.test("rescan() believes no size when the connection was lost on the way", async () => {
  const { kernel, host, controller } = await connected();
  kernel.instead = (call) => {
    if (call.kind !== "write-file") return undefined;
    kernel.tree.put(`/sys/class/nvme/${controller}/state`, "connecting");
    return undefined;
  };
  await assert.rejects(inFastTime(kernel, host.rescan(volume(1), NEVER)), {
    code: "unavailable",
    message: `Cannot rescan ${volume(1)}: the connection is lost (${controller} is connecting)`,
  });
});

Deno.test("an aborted call rejects with the caller's reason", async () => {
  const { kernel, host, controller } = await connected();
  const leaving = new AbortController();
  kernel.tree.put(`/sys/class/nvme/${controller}/state`, "connecting");
  const left = assert.rejects(host.connect(target(1), leaving.signal), /left/);
  await kernel.clock.advance(1000);
  leaving.abort(new Error("left"));
  await left;
  assert.equal(kernel.clock.sleeperCount, 0);
});
