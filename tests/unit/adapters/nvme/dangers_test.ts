import assert from "node:assert/strict";
import live72 from "../../../fixtures/sysfs/7.2_live.json" with { type: "json" };
import { FakeKernel, HOST_NQN, NEVER, openHost, volume } from "./fake_kernel.ts";

/** A machine without any danger, after a change. */
async function dangersAfter(change: (kernel: FakeKernel) => void): Promise<string[]> {
  const kernel = new FakeKernel(live72.entries);
  kernel.tree.add("module/nvme_fabrics/refcnt = 2");
  kernel.tree.put("/dev/nvme-fabrics", "");
  change(kernel);
  return await openHost(kernel).dangers(NEVER);
}

async function assertDanger(change: (kernel: FakeKernel) => void, words: RegExp): Promise<void> {
  const found = await dangersAfter(change);
  assert.equal(found.length, 1, found.join("\n"));
  assert.match(found[0] ?? "", words);
}

Deno.test("a node whose kernel is as it should be is in no danger", async () => {
  assert.deepEqual(await dangersAfter(() => {}), []);
});

Deno.test("native multipath that is off or not built in is a danger", async () => {
  const path = "/sys/module/nvme_core/parameters/multipath";
  await assertDanger(({ tree }) => tree.put(path, "N"), /native NVMe multipath is off/);
  await assertDanger(({ tree }) => tree.remove(path), /native NVMe multipath is off/);
});

Deno.test("a module that is not loaded is a danger, with the way to load it", async () => {
  await assertDanger(({ tree }) => tree.remove("/sys/module/nvme_fabrics"), /`modprobe nvme-tcp`/);
});

Deno.test("a container that is not shown the module's device is in danger", async () => {
  await assertDanger(({ tree }) => tree.remove("/dev/nvme-fabrics"), /needs the host's \/dev/);
});

Deno.test("a connection with our host NQN and another host id is a danger", async () => {
  await assertDanger(
    (kernel) => void kernel.addController("nqn.2020-01.org.example:other", { hostId: "f00" }),
    /nvme10 .* uses host NQN .* with host id f00.*newer kernels refuse every connect/,
  );
});

Deno.test("a connection with our host id and another host NQN is a danger", async () => {
  await assertDanger(
    (kernel) =>
      void kernel.addController("nqn.2020-01.org.example:other", { hostNqn: `${HOST_NQN}x` }),
    /nvme10 .* uses host id/,
  );
});

Deno.test("a volume that another host NQN has connected is a danger", async () => {
  await assertDanger(
    (kernel) => void kernel.addController(volume(9), { hostNqn: "nqn.x", hostId: "f00" }),
    /nvme10 is connected to volume .* as host nqn\.x.*left alone/,
  );
});

Deno.test("a discovery controller that stays is a danger", async () => {
  await assertDanger((kernel) => {
    const name = kernel.addController("nqn.2014-08.org.nvmexpress.discovery");
    kernel.tree.put(`/sys/class/nvme/${name}/cntrltype`, "discovery");
  }, /nvme10 is a discovery controller that stays connected to 10\.99\.0\.1/);
});

Deno.test("a file for connect-all that names addresses is a danger; comments are none", async () => {
  const put = (text: string) => ({ tree }: FakeKernel): void =>
    tree.put("/etc/nvme/discovery.conf", text);
  await assertDanger(
    put("# --traddr=10.0.0.9\n--transport=tcp --traddr=10.0.0.1\n-t tcp -a 10.0.0.2"),
    /discovery\.conf names 10\.0\.0\.1, 10\.0\.0\.2: /,
  );
  assert.deepEqual(await dangersAfter(put("# -a 10.0.0.1\n")), []);
});

Deno.test("a sysfs that cannot be written is a danger", async () => {
  const line = (place: string, options: string): string =>
    `22 1 0:21 / ${place} ${options} - sysfs sysfs rw`;
  await assertDanger(
    ({ tree }) => tree.put("/proc/self/mountinfo", line("/sys", "ro,nosuid")),
    /\/sys is mounted read-only/,
  );
  const over = `${line("/sys", "ro")}\n${line("/sys", "rw")}\n${line("/sys/fs", "ro")}`;
  assert.deepEqual(
    await dangersAfter(({ tree }) => tree.put("/proc/self/mountinfo", over)),
    [],
  );
});
