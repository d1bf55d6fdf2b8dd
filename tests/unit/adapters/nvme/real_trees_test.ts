import assert from "node:assert/strict";
import live61 from "../../../fixtures/sysfs/6.1_live.json" with { type: "json" };
import resetting61 from "../../../fixtures/sysfs/6.1_resetting.json" with { type: "json" };
import held61 from "../../../fixtures/sysfs/6.1_held.json" with { type: "json" };
import heldAgain61 from "../../../fixtures/sysfs/6.1_held_again.json" with { type: "json" };
import none612 from "../../../fixtures/sysfs/6.12_none.json" with { type: "json" };
import connecting612 from "../../../fixtures/sysfs/6.12_connecting.json" with { type: "json" };
import duplicate612 from "../../../fixtures/sysfs/6.12_duplicate.json" with { type: "json" };
import heldAgain612 from "../../../fixtures/sysfs/6.12_held_again.json" with { type: "json" };
import live72 from "../../../fixtures/sysfs/7.2_live.json" with { type: "json" };
import connecting72 from "../../../fixtures/sysfs/7.2_connecting.json" with { type: "json" };
import delayed72 from "../../../fixtures/sysfs/7.2_delayed.json" with { type: "json" };
import flat61 from "../../../fixtures/sysfs/6.1_no_multipath.json" with { type: "json" };
import flatHeld612 from "../../../fixtures/sysfs/6.12_no_multipath_held.json" with { type: "json" };
import flatHeldAgain612 from "../../../fixtures/sysfs/6.12_no_multipath_held_again.json" with {
  type: "json",
};
import flat72 from "../../../fixtures/sysfs/7.2_no_multipath.json" with { type: "json" };
import type { WrittenTree } from "../../../fixtures/sysfs_tree.ts";
import { FakeKernel, NEVER, openHost, volume } from "./fake_kernel.ts";

/** What a session is in a test: volume, state, controllers, device and its number. */
type Shown = readonly [
  volume: number,
  state: string,
  port: number | undefined,
  controllers: string,
  device: string | undefined,
];

const CASES: readonly (readonly [tree: WrittenTree, sessions: readonly Shown[]])[] = [
  [live61, [
    [1, "live", 4501, "nvme0", "/dev/nvme0n1 259:1 …501"],
    [2, "live", 4502, "nvme1", "/dev/nvme1n1 259:2 …502"],
  ]],
  [resetting61, [
    [1, "lost", 4501, "nvme0", "/dev/nvme0n1 259:1 …501"],
    [2, "live", 4502, "nvme1", "/dev/nvme1n1 259:2 …502"],
    [3, "live", 4503, "nvme2", "/dev/nvme2n1 259:5 …503"],
  ]],
  [held61, [
    [2, "closing", undefined, "", undefined],
    [3, "live", 4503, "nvme2", "/dev/nvme2n1 259:5 …503"],
  ]],
  [heldAgain61, [
    [2, "live", 4502, "nvme0", "/dev/nvme1n2 259:1 …502"],
    [3, "live", 4503, "nvme2", "/dev/nvme2n1 259:5 …503"],
  ]],
  [none612, []],
  [connecting612, [
    [1, "lost", 4501, "nvme0", "/dev/nvme0n1 259:0 …501"],
    [2, "lost", 4502, "nvme1", "/dev/nvme1n1 259:2 …502"],
    [3, "lost", 4503, "nvme2", "/dev/nvme2n1 259:5 …503"],
  ]],
  [duplicate612, [
    [1, "live", 4501, "nvme0", "/dev/nvme0n1 259:0 …501"],
    [2, "live", 4502, "nvme1", "/dev/nvme1n1 259:2 …502"],
    [5, "live", 4505, "nvme2", undefined],
  ]],
  [heldAgain612, [
    [2, "live", 4502, "nvme0", "/dev/nvme1n2 259:1 …502"],
    [3, "live", 4503, "nvme2", "/dev/nvme2n1 259:5 …503"],
  ]],
  [live72, [
    [1, "live", 4501, "nvme0", "/dev/nvme0n1 259:1 …501"],
    [2, "live", 4502, "nvme1", "/dev/nvme1n1 259:3 …502"],
  ]],
  [connecting72, [
    [1, "lost", 4501, "nvme0", "/dev/nvme0n1 259:1 …501"],
    [2, "lost", 4502, "nvme1", "/dev/nvme1n1 259:3 …502"],
    [3, "lost", 4503, "nvme2", "/dev/nvme2n1 259:5 …503"],
  ]],
  [delayed72, [
    [2, "closing", undefined, "", "/dev/nvme1n2 259:1 …502"],
    [3, "live", 4503, "nvme2", "/dev/nvme2n1 259:5 …503"],
  ]],
  [flat61, [
    [1, "live", 4501, "nvme0", "/dev/nvme0n1 259:0 …501"],
    [2, "live", 4502, "nvme1", "/dev/nvme1n1 259:1 …502"],
  ]],
  [flatHeld612, [[2, "closing", undefined, "", undefined]]],
  [flatHeldAgain612, [[2, "live", 4502, "nvme0", "/dev/nvme0n2 259:0 …502"]]],
  [flat72, [
    [1, "lost", 4501, "nvme0", "/dev/nvme0n1 259:0 …501"],
    [2, "lost", 4502, "nvme1", "/dev/nvme1n1 259:1 …502"],
  ]],
];

for (const [{ kernel, about, entries }, expected] of CASES) {
  Deno.test(`on ${kernel}, ${about}: every session and device is found`, async () => {
    const host = openHost(new FakeKernel(entries));
    const sessions = await host.sessions(NEVER);
    for (let index = 1; index <= 4; index++) {
      const one = sessions.find(({ nqn }) => nqn === volume(index));
      assert.deepEqual(await host.session(volume(index), NEVER), one);
    }
    const shown = sessions.map(({ nqn, state, at, controllers, device }) => [
      ...[Number(/pvc-0+(\d)/.exec(nqn)?.[1]), state, at?.port, controllers.join()],
      device && `${device.path} ${device.number} …${device.identity?.slice(-3)}`,
    ]);
    assert.deepEqual(shown.sort(), expected);
    for (const [index, , , , device] of expected) {
      const found = await host.find(volume(index), NEVER);
      assert.equal(found && `${found.path} ${found.number} …${found.identity?.slice(-3)}`, device);
      if (found !== undefined) assert.equal(found.sizeBytes, 64 * 1024 ** 2);
    }
  });
}

Deno.test("what another host NQN has connected is none of ours", async () => {
  const kernel = new FakeKernel(live61.entries);
  kernel.tree.put("/sys/class/nvme/nvme0/hostnqn", "nqn.2014-08.org.nvmexpress:uuid:other");
  const host = openHost(kernel);
  assert.deepEqual((await host.sessions(NEVER)).map(({ nqn }) => nqn), [volume(2)]);
  assert.equal(await host.find(volume(1), NEVER), undefined);
  assert.equal(await host.session(volume(1), NEVER), undefined);
});

Deno.test("session() reads of other volumes nothing but whose they are", async () => {
  const kernel = new FakeKernel(live61.entries);
  const { tree } = kernel;
  const read = tree.read.bind(tree);
  const paths: string[] = [];
  tree.read = (path) => {
    paths.push(path);
    return read(path);
  };
  const session = await openHost(kernel).session(volume(2), NEVER);
  assert.deepEqual(session?.controllers, ["nvme1"]);
  const others = paths.filter((path) => /\/(nvme0|nvme-subsys0)\//.test(path));
  assert.deepEqual(others.sort(), [
    "/sys/class/nvme-subsystem/nvme-subsys0/subsysnqn",
    "/sys/class/nvme/nvme0/subsysnqn",
  ]);
});

Deno.test("a controller that is only just being made is not taken for one", async () => {
  const kernel = new FakeKernel(live61.entries);
  kernel.tree.put("/sys/class/nvme/nvme0/subsysnqn", "(efault)");
  kernel.tree.remove("/sys/class/nvme-subsystem/nvme-subsys0");
  const shown = await openHost(kernel).sessions(NEVER);
  assert.deepEqual(shown.map(({ nqn }) => nqn), [volume(2)]);
});

Deno.test("an identity of zeros is none, and the NGUID stands in for a missing UUID", async () => {
  const kernel = new FakeKernel(live61.entries);
  const head = "/sys/class/block/nvme0n1";
  kernel.tree.put(`${head}/uuid`, "00000000-0000-0000-0000-000000000000");
  const host = openHost(kernel);
  assert.equal((await host.find(volume(1), NEVER))?.identity, undefined);
  kernel.tree.put(`${head}/nguid`, "AB12cd34-0000-0000-0000-000000000000");
  assert.equal(
    (await host.find(volume(1), NEVER))?.identity,
    "ab12cd34-0000-0000-0000-000000000000",
  );
});
