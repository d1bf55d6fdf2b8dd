/** Bringing the kernel's exports to what is wanted, over a model with the kernel's rules. */
import assert from "node:assert/strict";
import { type Problems, Reconciler } from "../../../../src/simulator/nvmet/reconciler.ts";
import type { WantedExport } from "../../../../src/simulator/nvmet/wanted_export.ts";
import { ModelKernel } from "./model_kernel.ts";

const ADDRESS = "10.77.0.1";
const MARKER = "simulated RDS test";
const DIRECTORY = "/data/box";
const MIB = 2 ** 20;

function nqnOf(name: string): string {
  return `nqn.2000-02.com.mikrotik:${name}`;
}

function wanted(name: string, more: Partial<WantedExport> = {}): WantedExport {
  return {
    nqn: nqnOf(name),
    port: 4420,
    backingPath: `${DIRECTORY}/files/${name}.img`,
    offsetBytes: 0,
    sizeBytes: MIB,
    namespaceUuid: "11111111-2222-4333-8444-55555555550a",
    serial: "0123456789abcdef",
    allowedHosts: [],
    leastControllerId: undefined,
    isEnabled: true,
    isLinked: true,
    ...more,
  };
}

function aKernel(...names: string[]): ModelKernel {
  return new ModelKernel(
    new Map(names.map((name) => [`${DIRECTORY}/files/${name}.img`, MIB])),
  );
}

function reconciler(kernel: ModelKernel): Reconciler {
  return new Reconciler(kernel, { address: ADDRESS, marker: MARKER, directory: DIRECTORY });
}

function assertNone(problems: Problems): void {
  assert.deepEqual([...problems], []);
}

Deno.test("an export is a marked subsystem on a loop device with the disk's identity", async () => {
  const kernel = aKernel("a");
  assertNone(await reconciler(kernel).converge([wanted("a", { leastControllerId: 100 })]));
  assert.equal(kernel.connect(nqnOf("a"), 4420), "live");
  const attributes = kernel.subsystems.get(nqnOf("a"))?.attributes;
  assert.equal(attributes?.get("attr_serial"), "0123456789abcdef");
  assert.equal(attributes?.get("attr_cntlid_min"), "100");
  assert.equal(kernel.namespaceOf(nqnOf("a"), "device_uuid"), wanted("a").namespaceUuid);
  assert.equal(kernel.namespaceOf(nqnOf("a"), "device_nguid"), wanted("a").namespaceUuid);
  assert.equal(kernel.namespaceOf(nqnOf("a"), "device_path"), "/dev/loop0");
  assert.equal(kernel.ports.get("4420")?.attributes.get("addr_traddr"), ADDRESS);
});

Deno.test("every namespace is enabled before the first subsystem is on a port", async () => {
  const kernel = aKernel("a", "b");
  await reconciler(kernel).converge([wanted("a"), wanted("b")]);
  const firstLink = kernel.calls.findIndex((call) => call.startsWith("link subsystems/"));
  const lastEnable = kernel.calls.findLastIndex((call) => call.endsWith("enable=1"));
  assert.ok(lastEnable < firstLink, kernel.calls.join("\n"));
});

Deno.test("an export that ends is off its port before its namespace is disabled", async () => {
  const kernel = aKernel("a");
  const one = reconciler(kernel);
  await one.converge([wanted("a")]);
  kernel.calls.length = 0;
  assertNone(await one.converge([]));
  const unlinked = kernel.calls.findIndex((call) => call.startsWith("unlink ports/"));
  const disabled = kernel.calls.findIndex((call) => call.endsWith("enable=0"));
  assert.ok(unlinked >= 0 && unlinked < disabled, kernel.calls.join("\n"));
  assert.equal(kernel.subsystems.size + kernel.ports.size + kernel.loops.devices.size, 0);
});

Deno.test("a second pass over the same changes nothing, also of a new process", async () => {
  const kernel = aKernel("a", "b");
  const list = [wanted("a"), wanted("b", { port: 4501, allowedHosts: ["nqn.test:h"] })];
  const first = reconciler(kernel);
  await first.converge(list);
  kernel.connect(nqnOf("a"), 4420);
  kernel.calls.length = 0;
  assertNone(await first.converge(list));
  assert.deepEqual(kernel.calls, []);
  assertNone(await reconciler(kernel).converge(list));
  const revalidated = (call: string): boolean => call.endsWith("revalidate_size=1");
  assert.deepEqual(kernel.calls.filter((call) => !revalidated(call)), []);
  assert.equal(kernel.sessions(nqnOf("a")), 1);
});

Deno.test("a process that was killed at any call is finished by the next", async () => {
  const list = [wanted("a", { allowedHosts: ["nqn.test:h"] }), wanted("b", { port: 4501 })];
  const other = [wanted("b", { port: 4502, serial: "fedcba9876543210" })];
  const calls = await countCalls(list, other);
  assert.ok(calls > 30, String(calls));
  for (let dies = 0; dies < calls; dies++) {
    const kernel = aKernel("a", "b");
    await dyingAfter(kernel, dies, async () => {
      const one = reconciler(kernel);
      await one.converge(list);
      await one.converge(other);
    });
    assertNone(await reconciler(kernel).converge(other));
    assert.equal(kernel.connect(nqnOf("b"), 4502), "live", `after ${dies} calls`);
    assert.deepEqual(marked(kernel), ["4502", nqnOf("b")], `after ${dies} calls`);
    assert.equal(kernel.loops.devices.size, 1, `after ${dies} calls`);
  }
});

/**
 * Ports and subsystems without those of which a killed process had not yet said whose they are:
 * they are empty and do nothing.
 */
function marked(kernel: ModelKernel): string[] {
  const ports = [...kernel.ports].filter(([, { attributes, links }]) =>
    attributes.get("addr_trsvcid") !== "" || links.size > 0
  );
  const subsystems = [...kernel.subsystems].filter(([, { attributes, namespaces }]) =>
    attributes.get("attr_model") === MARKER || namespaces.size > 0
  );
  return [...ports, ...subsystems].map(([name]) => name).sort();
}

/** Runs `work` in a process that dies after so many changes: nothing it does later happens. */
async function dyingAfter(
  kernel: ModelKernel,
  count: number,
  work: () => Promise<void>,
): Promise<void> {
  let left = count;
  kernel.beforeCall = (): void => {
    if (left-- <= 0) throw new Error("killed");
  };
  await work();
  kernel.beforeCall = (): void => {};
}

async function countCalls(...lists: WantedExport[][]): Promise<number> {
  const kernel = aKernel("a", "b");
  const one = reconciler(kernel);
  for (const list of lists) await one.converge(list);
  return kernel.calls.length;
}

Deno.test("one shared port and a port for each disk both work, and an export may move", async () => {
  const kernel = aKernel("a", "b");
  const one = reconciler(kernel);
  await one.converge([wanted("a"), wanted("b")]);
  assert.deepEqual([...kernel.ports.keys()], ["4420"]);
  await one.converge([wanted("a"), wanted("b", { port: 4501 })]);
  assert.equal(kernel.connect(nqnOf("b"), 4420), "unknown");
  assert.equal(kernel.connect(nqnOf("b"), 4501), "live");
  await one.converge([wanted("a", { port: 4501 }), wanted("b", { port: 4501 })]);
  assert.deepEqual([...kernel.ports.keys()], ["4501"]);
});

Deno.test("an export that was off and on again loses its sessions", async () => {
  const kernel = aKernel("a");
  const one = reconciler(kernel);
  await one.converge([wanted("a")]);
  kernel.connect(nqnOf("a"), 4420);
  assertNone(await one.converge([wanted("a")], new Set([nqnOf("a")])));
  assert.equal(kernel.sessions(nqnOf("a")), 0);
  assert.equal(kernel.connect(nqnOf("a"), 4420), "live");
});

Deno.test("a larger file is taken over below live sessions", async () => {
  const kernel = aKernel("a");
  const one = reconciler(kernel);
  await one.converge([wanted("a")]);
  kernel.connect(nqnOf("a"), 4420);
  kernel.files.set(wanted("a").backingPath, 2 * MIB);
  kernel.calls.length = 0;
  assertNone(await one.converge([wanted("a", { sizeBytes: 2 * MIB })]));
  assert.equal((await kernel.loops.list())[0]?.sizeBytes, 2 * MIB);
  assert.deepEqual(kernel.calls, [
    `subsystems/${nqnOf("a")}/namespaces/1/revalidate_size=1`,
  ]);
  assert.equal(kernel.sessions(nqnOf("a")), 1);
});

Deno.test("other data or another identity makes the subsystem anew", async () => {
  for (
    const change of [
      { namespaceUuid: "99999999-2222-4333-8444-555555555501" },
      { serial: "ffffffffffffffff" },
      { backingPath: `${DIRECTORY}/files/b.img` },
    ]
  ) {
    const kernel = aKernel("a", "b");
    const one = reconciler(kernel);
    await one.converge([wanted("a")]);
    kernel.connect(nqnOf("a"), 4420);
    assertNone(await one.converge([wanted("a", change)]));
    assert.equal(kernel.sessions(nqnOf("a")), 0, JSON.stringify(change));
    assert.equal(kernel.connect(nqnOf("a"), 4420), "live");
    assert.equal(kernel.loops.devices.size, 1);
  }
});

Deno.test("a file that is renamed stays exported below live sessions", async () => {
  const kernel = aKernel("a");
  const one = reconciler(kernel);
  await one.converge([wanted("a")]);
  kernel.connect(nqnOf("a"), 4420);
  const backingPath = `${DIRECTORY}/detached/1`;
  const device = kernel.loops.devices.get("/dev/loop0");
  assert.ok(device !== undefined);
  // The loop device has the file itself open and shows what it is called now.
  kernel.loops.devices.set("/dev/loop0", { ...device, file: backingPath });
  assertNone(await one.converge([wanted("a", { backingPath })]));
  assert.equal(kernel.sessions(nqnOf("a")), 1);
  assert.deepEqual([...kernel.loops.devices.keys()], ["/dev/loop0"]);
});

Deno.test("a loop device over this box's files that no export uses is removed, others stay", async () => {
  const kernel = aKernel("a", "b");
  kernel.files.set("/data/box-of-others/files/b.img", MIB);
  await kernel.loops.attach(`${DIRECTORY}/files/b.img`, 0);
  await kernel.loops.attach("/data/box-of-others/files/b.img", 0);
  assertNone(await reconciler(kernel).converge([wanted("a")]));
  const files = (await kernel.loops.list()).map(({ backingPath }) => backingPath);
  assert.deepEqual(files.sort(), [
    "/data/box-of-others/files/b.img",
    `${DIRECTORY}/files/a.img`,
  ]);
});

Deno.test("who may connect is changed below live sessions", async () => {
  const kernel = aKernel("a");
  const one = reconciler(kernel);
  await one.converge([wanted("a")]);
  kernel.connect(nqnOf("a"), 4420, "nqn.test:old");
  assertNone(await one.converge([wanted("a", { allowedHosts: ["nqn.test:x", "nqn.test:y"] })]));
  assert.equal(kernel.sessions(nqnOf("a")), 1);
  assert.equal(kernel.connect(nqnOf("a"), 4420, "nqn.test:new"), "unknown");
  assert.equal(kernel.connect(nqnOf("a"), 4420, "nqn.test:y"), "live");
  assertNone(await one.converge([wanted("a", { allowedHosts: ["nqn.test:x"] })]));
  assert.equal(kernel.connect(nqnOf("a"), 4420, "nqn.test:y"), "unknown");
  assertNone(await one.converge([wanted("a")]));
  assert.equal(kernel.connect(nqnOf("a"), 4420, "nqn.test:new"), "live");
});

Deno.test("a late export and a late namespace come when their time does", async () => {
  const kernel = aKernel("a", "b");
  const one = reconciler(kernel);
  await one.converge([wanted("a", { isLinked: false }), wanted("b", { isEnabled: false })]);
  assert.equal(kernel.connect(nqnOf("a"), 4420), "unknown");
  assert.equal(kernel.connect(nqnOf("b"), 4420), "live");
  assert.equal(kernel.namespaceOf(nqnOf("b"), "enable"), "0");
  assertNone(await one.converge([wanted("a"), wanted("b")]));
  assert.equal(kernel.connect(nqnOf("a"), 4420), "live");
  assert.equal(kernel.namespaceOf(nqnOf("b"), "enable"), "1");
  assert.equal(kernel.sessions(nqnOf("b")), 1);
});

Deno.test("what others have in the kernel is neither changed nor removed", async () => {
  const kernel = aKernel("a", "b");
  const others = new Reconciler(kernel, {
    address: "10.77.0.9",
    marker: "somebody else's",
    directory: "/elsewhere",
  });
  kernel.files.set("/elsewhere/x.img", MIB);
  const theirs = [wanted("a", { backingPath: "/elsewhere/x.img" })];
  await others.converge(theirs);
  kernel.connect(nqnOf("a"), 4420);
  kernel.calls.length = 0;
  const problems = await reconciler(kernel).converge([wanted("a"), wanted("b")]);
  assert.match(problems.get(nqnOf("a")) ?? "", /somebody else exports that name/);
  assert.match(problems.get(nqnOf("b")) ?? "", /the port 4420 of nvmet is at 10\.77\.0\.9/);
  assertNone(await reconciler(kernel).converge([]));
  assertNone(await others.converge(theirs));
  assert.equal(kernel.sessions(nqnOf("a")), 1);
  assert.ok(!kernel.calls.some((call) => call.includes("unlink ports/")), kernel.calls.join("\n"));
});

Deno.test("a problem with one export keeps no other from being made, and goes with its cause", async () => {
  const kernel = aKernel("b");
  const one = reconciler(kernel);
  const list = [wanted("a"), wanted("b")];
  const problems = await one.converge(list);
  assert.deepEqual([...problems.keys()], [nqnOf("a")]);
  assert.equal(kernel.connect(nqnOf("b"), 4420), "live");
  kernel.files.set(wanted("a").backingPath, MIB);
  assertNone(await one.converge(list));
  assert.equal(kernel.connect(nqnOf("a"), 4420), "live");
  assert.equal(kernel.sessions(nqnOf("b")), 1);
});
