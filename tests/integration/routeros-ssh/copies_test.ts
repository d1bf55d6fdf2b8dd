/** Copies are believed only after they were seen to be copies. */
import assert from "node:assert/strict";
import { GIB } from "../../../src/domain/capacity.ts";
import type { BoxOptions } from "../../../src/simulator/box/options.ts";
import { slotAliasOf } from "../../../src/domain/slot.ts";
import { aNewSnapshot, aNewVolume, aPublication } from "../../builders/stores.ts";
import { assertFails } from "../../contract/store_harness.ts";
import { RouterOsError } from "../../../src/simulator/menu.ts";
import { assertEmpty, contentsOf, type } from "./console_client.ts";
import { interpose } from "./interposed.ts";
import { soon, startRig } from "./rig.ts";

const BASE = "storage-pool/k8s/csi";

/** What the probe must find, by kind of box and strategy. */
const FOUND: readonly (readonly [
  string,
  Omit<BoxOptions, "directory">,
  "auto" | "copy-from" | "file-copy",
  RegExp,
])[] = [
  ["copies that share", { copyFrom: "independent-cow" }, "auto", /^independent-cow by copy-from$/],
  ["full copies", { copyFrom: "independent-full" }, "auto", /^independent-full by copy-from$/],
  ["copies of properties", { copyFrom: "property-only" }, "copy-from", /^refused$/],
  ["links", { copyFrom: "shared" }, "copy-from", /^refused$/],
  [
    "copies of properties, and reflinks of files",
    { copyFrom: "property-only", fileCopy: "reflink" },
    "auto",
    /^independent-cow by file-copy$/,
  ],
  [
    "links, and full copies of files",
    { copyFrom: "shared", fileCopy: "full" },
    "auto",
    /^independent-full by file-copy$/,
  ],
  [
    "copies of properties before /file/copy existed",
    { copyFrom: "property-only", version: "7.21.3" },
    "auto",
    /^refused$/,
  ],
  ["no /file/copy", { version: "7.21.3" }, "file-copy", /^refused$/],
];

for (const [name, box, strategy, expected] of FOUND) {
  Deno.test(`the probe of a box with ${name}, strategy ${strategy}, leaves nothing behind`, async () => {
    const options = { snapshots: { strategy, whileAttached: "refuse" } } as const;
    await using rig = await startRig({ box }, options);
    const probed = rig.events.flatMap((event) => event.kind === "copy-probed" ? [event] : []);
    assert.equal(probed.length, 1);
    assert.match(probed[0]?.result ?? "", expected);
    if (probed[0]?.result === "refused") assert.notEqual(probed[0].reason ?? "", "");
    await assertEmpty(rig.simulator, BASE);
  });
}

Deno.test("a box with links never makes a snapshot, and says what the probe saw", async () => {
  const options = { snapshots: { strategy: "copy-from", whileAttached: "refuse" } } as const;
  await using rig = await startRig({ box: { copyFrom: "shared" } }, options);
  await rig.array.volumes.create(aNewVolume("origin"), soon());
  const taken = rig.array.snapshots.create(aNewSnapshot("s", "origin"), soon());
  assert.match(await assertFails(taken, "not-ready"), /no real copies: copy-from: shared/);
  assert.deepEqual(await rig.array.snapshots.list(soon()), []);
});

Deno.test("a whole life works by file-copy, restores to a larger size included", async () => {
  const box = { copyFrom: "property-only", fileCopy: "full" } as const;
  await using rig = await startRig({ box });
  const { volumes, snapshots } = rig.array;
  const origin = await volumes.create(aNewVolume("origin"), soon());
  const snapshot = await snapshots.create(aNewSnapshot("s", "origin"), soon());
  await volumes.delete(origin.id, soon());
  const source = { kind: "snapshot", id: snapshot.id } as const;
  const wanted = aNewVolume("restored", { source, capacityBytes: 3 * GIB });
  const restored = await volumes.create(wanted, soon());
  assert.equal(restored.capacityBytes, 3 * GIB);
  assert.equal(restored.problem, undefined);
  await volumes.delete(restored.id, soon());
  await snapshots.delete(snapshot.id, soon());
  await assertEmpty(rig.simulator, BASE);
});

Deno.test("a clone inherits no list of hosts and no offset from its source", async () => {
  await using rig = await startRig();
  const { volumes } = rig.array;
  const origin = await volumes.create(aNewVolume("origin"), soon());
  await type(
    rig.simulator,
    `/disk/set ${slotAliasOf(origin.id)} nvme-tcp-server-allow-host-name=somebody`,
  );
  const source = { kind: "volume", id: origin.id } as const;
  const clone = await volumes.create(aNewVolume("clone", { source }), soon());
  const shown = `[/disk/get ${slotAliasOf(clone.id)} nvme-tcp-server-allow-host-name]`;
  assert.equal(await type(rig.simulator, `:put ("hosts=" . ${shown})`), "hosts=");
});

Deno.test("a full copy of a published volume is refused, unless fuzzy copies are allowed", async () => {
  const box = { copyFrom: "independent-full" } as const;
  await using rig = await startRig({ box });
  const origin = await rig.array.volumes.create(aNewVolume("origin"), soon());
  await rig.array.volumes.amend(origin, { publications: [aPublication()] }, soon());
  const wanted = aNewSnapshot("s", "origin");
  const message = await assertFails(rig.array.snapshots.create(wanted, soon()), "in-use");
  assert.match(message, /its source is published/);
  await using fuzzy = rig.open({ snapshots: { strategy: "auto", whileAttached: "allow-fuzzy" } });
  await fuzzy.snapshots.create(wanted, soon());
});

Deno.test("a full copy goes on when its caller leaves, and the retry finds it done", async () => {
  const sent = Promise.withResolvers<void>();
  await using rig = await startRig({ box: { copyFrom: "independent-full" } });
  await using array = rig.open({
    onExec: ({ line }) => {
      if (line.includes("/snap-")) sent.resolve();
    },
  });
  await array.volumes.create(aNewVolume("origin"), soon());
  await array.snapshots.copyProof(soon());
  rig.simulator.setLatency({ add: 200, change: 200 });
  const caller = new AbortController();
  const wanted = aNewSnapshot("s", "origin");
  const left = assertFails(array.snapshots.create(wanted, caller.signal), "unavailable");
  await sent.promise;
  caller.abort();
  await left;
  const snapshot = await array.snapshots.create(wanted, soon());
  assert.deepEqual(await array.snapshots.list(soon()), [snapshot]);
  const lost = ["outcome-unknown", "left-over-removed", "session-lost"];
  assert.deepEqual(rig.events.filter(({ kind }) => lost.includes(kind)), []);
});

Deno.test("what a probe that died left behind is removed by a later one, once it is old", async () => {
  await using rig = await startRig();
  const bornAt = Math.floor(Date.now() / 1000);
  const add = async (second: number, letter: string): Promise<string> => {
    const file = `${BASE}/csi-scratch-c1-${second}-${letter}k3x9.img`;
    const line = `/disk/add type=file slot=csi-x-c1-${letter}k3x9 file-path=${file}` +
      ` file-size=1048576 mount-filesystem=no comment="r1;k=x;i=c1;t=${second};w=;st=c";` +
      ` /file/add name=${BASE}/csi-scratch-c1-${second}-${letter}zzzz.img type=file contents="x"`;
    assert.equal(await type(rig.simulator, line), "");
    return file;
  };
  await add(bornAt - 3600, "a");
  const running = await add(bornAt - 60, "b");
  await type(rig.simulator, `/file/add name=${BASE}/csi-scratch-c1-a.img type=file contents="?"`);
  assert.equal((await contentsOf(rig.simulator, BASE)).length, 7);
  await using next = rig.open({});
  await next.prepare(soon());
  assert.deepEqual(
    await contentsOf(rig.simulator, BASE),
    [
      `disk csi-x-c1-bk3x9 r1;k=x;i=c1;t=${bornAt - 60};w=;st=c`,
      `file ${running.replace("k3x9", "zzzz")}`,
      `file ${running}`,
      `file ${BASE}/csi-scratch-c1-a.img`,
    ].sort(),
  );
});

Deno.test("two drivers that start at once do not spoil each other's probes", async () => {
  await using rig = await startRig({ box: { slotLimit: undefined } }, {}, false);
  let commands = 0;
  // Every command gives way to the other line, each time in another order.
  using _slow = interpose(rig.simulator, async (_word, call, run) => {
    for (let turn = 0; turn < (commands++ * 7) % 5; turn++) await Promise.resolve();
    return run(call);
  });
  await using other = rig.open({});
  await Promise.all([rig.array.prepare(soon()), other.prepare(soon())]);
  for (const { snapshots } of [rig.array, other]) {
    assert.deepEqual(await snapshots.copyProof(soon()), { result: "independent-cow" });
  }
  for (const array of [rig.array, other]) assert.equal(array.features()?.slotLengthMax, 55);
  await assertEmpty(rig.simulator, BASE);
});

Deno.test("an accident during the probe is no verdict about copies", async () => {
  await using rig = await startRig({}, {}, false);
  let isBroken = true;
  using _broken = interpose(rig.simulator, (word, call, run) => {
    if (word !== "/disk/add" || !isBroken || !call.named.has("copy-from")) return run(call);
    isBroken = false;
    throw new RouterOsError("failure: input/output error");
  });
  assert.deepEqual(await rig.array.snapshots.copyProof(soon()), { result: "independent-cow" });
  assert.equal(isBroken, false);
  await assertEmpty(rig.simulator, BASE);
});

Deno.test("space that somebody else takes during the probe is not taken for a full copy", async () => {
  await using rig = await startRig({}, {}, false);
  let isQuiet = false;
  let copies = 0;
  using _busy = interpose(rig.simulator, async (word, call, run) => {
    const value = await run(call);
    if (word === "/disk/add" && call.named.has("copy-from") && !isQuiet) {
      // The first copy is that of the text, the second the one whose space is measured.
      isQuiet = ++copies === 2;
      const file = "storage-pool/nixos/somebody.img";
      const line = `/disk/add type=file slot=somebody file-path=${file} file-size=1073741824`;
      if (isQuiet) assert.equal(await type(rig.simulator, line), "");
    }
    return value;
  });
  assert.deepEqual(await rig.array.snapshots.copyProof(soon()), { result: "independent-cow" });
  assert.equal(isQuiet, true);
});

Deno.test("the probe is made again when the box runs another version, and not before", async () => {
  await using rig = await startRig();
  const probes = (): number => rig.events.filter(({ kind }) => kind === "copy-probed").length;
  await rig.simulator.reboot(0);
  await rig.until(() => rig.events.some(({ kind }) => kind === "session-lost"));
  await rig.until(() => rig.array.isReachable());
  await rig.array.snapshots.copyProof(soon());
  assert.equal(probes(), 1);
});

Deno.test("no space for the probe is out-of-space, not a verdict about copies", async () => {
  await using rig = await startRig({ box: { poolSizeBytes: 512 * 1024 ** 2 } }, {}, false);
  await assertFails(rig.array.snapshots.copyProof(soon()), "out-of-space");
  assert.deepEqual(rig.events.filter(({ kind }) => kind === "copy-probed"), []);
});
