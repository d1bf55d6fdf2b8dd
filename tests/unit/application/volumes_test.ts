import assert from "node:assert/strict";
import { MemoryRds } from "../../../src/adapters/memory/rds.ts";
import type { VolumeRequest } from "../../../src/application/volumes.ts";
import { GIB, MIB, TIB } from "../../../src/domain/capacity.ts";
import type { StorageErrorCode } from "../../../src/domain/errors.ts";
import { snapshotIdOf } from "../../../src/domain/snapshot_id.ts";
import { nameDigestOf, volumeIdForName } from "../../../src/domain/volume_id.ts";
import {
  aBackend,
  aController,
  aPublishRequest,
  aVolumeRequest,
  FOREVER,
  madeVolume,
  MOUNT,
  SHARED_BLOCK,
  takenSnapshot,
} from "../../builders/controller.ts";
import { Faults } from "../../fakes/failing.ts";
import { START_MS } from "../../fakes/manual_clock.ts";

const V = volumeIdForName("v");
const FIRST_PAGE = { entriesMax: 0, startingToken: "" };

/** A controller over one array, whose store calls are counted. */
function aCounted(): { controller: ReturnType<typeof aController>; calls: readonly string[] } {
  const faults = new Faults({ callNumber: 0, moment: "before" });
  const backend = aBackend("one");
  const { volumes, snapshots } = backend;
  const counted = {
    ...backend,
    volumes: faults.wrap(volumes),
    snapshots: faults.wrap(snapshots),
  };
  return { controller: aController([counted]), calls: faults.calls };
}

Deno.test("create() makes the smallest volume that fits, and says where it is", async () => {
  const { volumes } = aController();
  const request = aVolumeRequest("v", { range: { requiredBytes: 1.5 * GIB + 1, limitBytes: 0 } });
  const { volume, backend } = await volumes.create(request, FOREVER);
  assert.equal(volume.id, V);
  assert.equal(volume.nameDigest, nameDigestOf("v"));
  assert.equal(volume.capacityBytes, 1537 * MIB);
  assert.equal(volume.createdAtMs, START_MS);
  assert.equal(backend, "one");
});

Deno.test("create() costs one store call: empty, cloned, restored and repeated", async () => {
  const { controller, calls } = aCounted();
  await madeVolume(controller, "origin");
  const snapshot = await takenSnapshot(controller, "s", "origin");
  const sources: VolumeRequest["source"][] = [
    { kind: "volume", id: volumeIdForName("origin") },
    { kind: "snapshot", id: snapshot.id },
  ];
  for (const source of sources) {
    for (let time = 0; time < 2; time++) {
      await madeVolume(controller, `of-${source?.kind}`, { source });
    }
  }
  assert.deepEqual(calls, Array.from({ length: 6 }, () => "create"));
});

Deno.test("delete(), expand() and capacity() cost one store call, modify() two", async () => {
  const { controller: { volumes, ...rest }, calls } = aCounted();
  await madeVolume({ volumes, ...rest }, "v");
  await volumes.expand(V, { requiredBytes: 2 * GIB, limitBytes: 0 }, FOREVER);
  await volumes.modify(V, { keepAliveTmo: "20" }, FOREVER);
  await volumes.delete(V, FOREVER);
  await volumes.capacity({}, [], FOREVER);
  assert.deepEqual(calls, ["create", "expand", "find", "amend", "delete", "capacity"]);
});

Deno.test("create() gives back what later calls need of the class, and nothing else", async () => {
  const parameters = {
    backend: "one",
    nvmeAddress: "192.0.2.9",
    basePath: "/storage-pool/metal-csi/fast",
    ctrlLossTmo: "600",
    mkfsOptions: "-m 1, -i 8192",
    fsckPolicy: "off",
    "csi.storage.k8s.io/fstype": "xfs",
  };
  const { volumes } = aController();
  const { context } = await volumes.create(aVolumeRequest("v", { parameters }), FOREVER);
  assert.deepEqual(context, {
    nvmeAddress: "192.0.2.9",
    ctrlLossTmo: "600",
    mkfsOptions: "-m 1,-i 8192",
    fsckPolicy: "off",
    migrationTimeoutSeconds: "300",
  });
});

Deno.test("create() records the mutable parameters with the volume", async () => {
  const { volumes } = aController();
  const mutableParameters = { keepAliveTmo: "20" };
  const request = aVolumeRequest("v", { mutableParameters });
  assert.deepEqual((await volumes.create(request, FOREVER)).volume.reconnect, { keepAliveTmo: 20 });
});

const REFUSED: {
  name: string;
  request: Partial<VolumeRequest>;
  code: StorageErrorCode;
  message: RegExp;
}[] = [
  {
    name: "a file system for several nodes",
    request: {
      capabilities: [{ ...MOUNT, mode: "MULTI_NODE_MULTI_WRITER" }],
    },
    code: "invalid",
    message: /raw block volumes only/,
  },
  {
    name: "a parameter that is unknown",
    request: { parameters: { colour: "blue" } },
    code: "invalid",
    message: /Cannot use parameter colour "blue"/,
  },
  {
    name: "a backend that is not there",
    request: { parameters: { backend: "three" } },
    code: "invalid",
    message: /backend "three"/,
  },
  {
    name: "a parameter that cannot change among the mutable ones",
    request: { mutableParameters: { basePath: "/storage-pool" } },
    code: "invalid",
    message: /only ctrlLossTmo/,
  },
  {
    name: "a class and mutable parameters that contradict each other",
    request: { parameters: { ctrlLossTmo: "30" }, mutableParameters: { reconnectDelay: "60" } },
    code: "invalid",
    message: /at least twice/,
  },
  {
    name: "a size above the largest",
    request: { range: { requiredBytes: 16 * TIB + 1, limitBytes: 0 } },
    code: "out-of-range",
    message: /the most is/,
  },
  {
    name: "a limit below the smallest",
    request: { range: { requiredBytes: 0, limitBytes: GIB - 1 } },
    code: "out-of-range",
    message: /limit_bytes/,
  },
  {
    name: "a source that is not there",
    request: { source: { kind: "snapshot", id: snapshotIdOf(V, 1_767_225_600) } },
    code: "not-found",
    message: /Cannot copy snapshot/,
  },
];

for (const { name, request, code, message } of REFUSED) {
  Deno.test(`create() refuses ${name} with ${code}, and makes nothing`, async () => {
    const rds = new MemoryRds();
    const { volumes, locks } = aController([aBackend("one", rds)]);
    const made = volumes.create(aVolumeRequest("v", request), FOREVER);
    await assert.rejects(made, { code, message });
    assert.equal(rds.itemCount, 0);
    assert.ok(locks.isIdle);
  });
}

Deno.test("create() of a source above the limit fails with out-of-range and makes nothing", async () => {
  const controller = aController();
  await madeVolume(controller, "origin", { range: { requiredBytes: 3 * GIB, limitBytes: 0 } });
  const snapshot = await takenSnapshot(controller, "s", "origin");
  for (const source of [{ kind: "snapshot", id: snapshot.id }] as const) {
    const range = { requiredBytes: 0, limitBytes: 2 * GIB };
    const made = madeVolume(controller, "v", { source, range });
    await assert.rejects(made, { code: "out-of-range" });
    await assert.rejects(controller.volumes.get(V, FOREVER), { code: "not-found" });
  }
});

Deno.test("create() returns the existing volume with its source, also when that is gone", async () => {
  const controller = aController();
  await madeVolume(controller, "origin");
  const source = { kind: "volume", id: volumeIdForName("origin") } as const;
  const made = await madeVolume(controller, "v", { source });
  await controller.volumes.delete(source.id, FOREVER);
  const again = await madeVolume(controller, "v", { source });
  assert.deepEqual(again, made);
  assert.deepEqual(again.source, source);
});

Deno.test("create() refuses a name whose volume differs in size or source", async () => {
  const controller = aController();
  await madeVolume(controller, "origin");
  await madeVolume(controller, "v");
  const differing: Partial<VolumeRequest>[] = [
    { range: { requiredBytes: 2 * GIB, limitBytes: 0 } },
    { source: { kind: "volume", id: volumeIdForName("origin") } },
  ];
  for (const request of differing) {
    const made = madeVolume(controller, "v", request);
    await assert.rejects(made, { code: "already-exists", message: new RegExp(V) });
  }
});

Deno.test("create() refuses an id that was asked for under another name", async () => {
  const controller = aController();
  const { volume } = await controller.volumes.create(aVolumeRequest("some name"), FOREVER);
  const made = madeVolume(controller, volume.id);
  await assert.rejects(made, { code: "already-exists", message: /another name/ });
});

Deno.test("create() refuses a second call for one name while the first runs", async () => {
  const controller = aController();
  const first = madeVolume(controller, "v");
  await assert.rejects(madeVolume(controller, "v"), { code: "busy" });
  await first;
  await madeVolume(controller, "v");
});

Deno.test("create() refuses a name that another array has", async () => {
  const controller = aController([aBackend("one"), aBackend("two")]);
  await madeVolume(controller, "v", { parameters: { backend: "two" } });
  const message = /on backend "one": its name is in use on backend "two"/;
  await assert.rejects(madeVolume(controller, "v"), { code: "already-exists", message });
});

Deno.test("create() says so when the source is on another array", async () => {
  const controller = aController([aBackend("one"), aBackend("two")]);
  await madeVolume(controller, "origin");
  const source = { kind: "volume", id: volumeIdForName("origin") } as const;
  const made = madeVolume(controller, "v", { source, parameters: { backend: "two" } });
  const message = /on backend "two": its source, volume "pvc-.*", is on backend "one"/;
  await assert.rejects(made, { code: "invalid", message });
});

Deno.test("delete() succeeds for an id that is unknown or cannot be ours", async () => {
  for (const all of [[aBackend("one")], [aBackend("one"), aBackend("two")]]) {
    const { volumes } = aController(all);
    for (const id of [V, "reallyfakevolumeid", ""]) await volumes.delete(id, FOREVER);
  }
});

Deno.test("delete() asks every array to clear up when none shows the volume", async () => {
  // A delete that failed half-way can leave a file without its item, which no listing shows.
  const faults = new Faults({ callNumber: 0, moment: "before" });
  const all = ["one", "two"].map((name) => {
    const backend = aBackend(name);
    return { ...backend, volumes: faults.wrap(backend.volumes) };
  });
  await aController(all).volumes.delete(V, FOREVER);
  assert.deepEqual(faults.calls, ["find", "find", "delete", "delete"]);
});

Deno.test("delete() fails with in-use while the volume is published", async () => {
  const controller = aController();
  await madeVolume(controller, "v");
  await controller.publications.publish(aPublishRequest("v"), FOREVER);
  await assert.rejects(controller.volumes.delete(V, FOREVER), {
    code: "in-use",
    message: /published to "worker-1"/,
  });
});

Deno.test("expand() grows, and leaves a volume alone that is large enough", async () => {
  const controller = aController();
  await madeVolume(controller, "v");
  const range = { requiredBytes: 2 * GIB - 1, limitBytes: 0 };
  const volume = await controller.volumes.expand(V, range, FOREVER);
  assert.equal(volume.capacityBytes, 2 * GIB);
  const smaller = { requiredBytes: GIB, limitBytes: 0 };
  assert.deepEqual(await controller.volumes.expand(V, smaller, FOREVER), volume);
});

Deno.test("expand() fails with out-of-range when the volume is above the limit already", async () => {
  const controller = aController();
  await madeVolume(controller, "v", { range: { requiredBytes: 3 * GIB, limitBytes: 0 } });
  const range = { requiredBytes: GIB, limitBytes: 2 * GIB };
  await assert.rejects(controller.volumes.expand(V, range, FOREVER), { code: "out-of-range" });
});

Deno.test("get(), expand(), validate() and modify() fail with not-found for no volume", async () => {
  const { volumes } = aController();
  const range = { requiredBytes: GIB, limitBytes: 0 };
  const calls: (() => Promise<unknown>)[] = [
    () => volumes.get(V, FOREVER),
    () => volumes.expand(V, range, FOREVER),
    () => volumes.validate(V, [MOUNT], {}, FOREVER),
    () => volumes.modify(V, { keepAliveTmo: "20" }, FOREVER),
    () => volumes.modify(V, {}, FOREVER),
  ];
  for (const call of calls) await assert.rejects(call, { code: "not-found" });
});

Deno.test("list() pages through the volumes of all arrays, with the nodes that have them", async () => {
  const controller = aController([aBackend("one"), aBackend("two")]);
  const names = ["a", "b", "c", "d", "e"];
  for (const [index, name] of names.entries()) {
    await madeVolume(controller, name, { parameters: { backend: index % 2 ? "one" : "two" } });
  }
  await controller.publications.publish(aPublishRequest("c"), FOREVER);
  const first = await controller.volumes.list({ entriesMax: 2, startingToken: "" }, FOREVER);
  assert.equal(first.items.length, 2);
  const rest = await controller.volumes.list(
    { entriesMax: 0, startingToken: first.nextToken },
    FOREVER,
  );
  assert.equal(rest.nextToken, "");
  const ids = [...first.items, ...rest.items].map(({ id }) => id);
  assert.deepEqual(ids.sort(), names.map((name) => volumeIdForName(name)).sort());
  const published = [...first.items, ...rest.items].filter((each) => each.publications.length > 0);
  assert.deepEqual(published.map(({ id }) => id), [volumeIdForName("c")]);
});

Deno.test("list() refuses a bad token before it asks for anything", async () => {
  const { controller: { volumes }, calls } = aCounted();
  const page = { ...FIRST_PAGE, startingToken: "invalid-token" };
  await assert.rejects(volumes.list(page, FOREVER), { code: "stale-token" });
  assert.deepEqual(calls, []);
});

Deno.test("validate() confirms what can be used and says why something cannot", async () => {
  const controller = aController();
  await madeVolume(controller, "v");
  const { volumes } = controller;
  assert.equal(await volumes.validate(V, [MOUNT, SHARED_BLOCK], {}, FOREVER), undefined);
  const many = { ...MOUNT, mode: "MULTI_NODE_MULTI_WRITER" } as const;
  assert.match(await volumes.validate(V, [MOUNT, many], {}, FOREVER) ?? "", /raw block/);
  assert.match(await volumes.validate(V, [MOUNT], { colour: "blue" }, FOREVER) ?? "", /colour/);
});

Deno.test("capacity() is that of the array the class names, and none for what we do not offer", async () => {
  const small = aBackend("small", new MemoryRds({ poolBytes: 10 * GIB, reservedBytes: GIB }));
  const { volumes } = aController([aBackend("one"), small]);
  const parameters = { backend: "small" };
  const { availableBytes } = await volumes.capacity(parameters, [MOUNT], FOREVER);
  assert.equal(availableBytes, 9 * GIB);
  const many = { ...MOUNT, mode: "MULTI_NODE_READER_ONLY" } as const;
  assert.equal((await volumes.capacity(parameters, [many], FOREVER)).availableBytes, 0);
});

Deno.test("modify() lays the change over what was changed before", async () => {
  const controller = aController();
  await madeVolume(controller, "v", { mutableParameters: { keepAliveTmo: "20" } });
  await controller.volumes.modify(V, { ctrlLossTmo: "600" }, FOREVER);
  const { reconnect } = await controller.volumes.get(V, FOREVER);
  assert.deepEqual(reconnect, { keepAliveTmo: 20, ctrlLossTmo: 600 });
});

Deno.test("modify() refuses what does not fit the rest, and changes nothing", async () => {
  const controller = aController();
  await madeVolume(controller, "v", { mutableParameters: { ctrlLossTmo: "30" } });
  for (const change of [{ reconnectDelay: "60" }, { nvmePort: "1" }, { keepAliveTmo: "0" }]) {
    const modified = controller.volumes.modify(V, change, FOREVER);
    await assert.rejects(modified, { code: "invalid" });
  }
  assert.deepEqual((await controller.volumes.get(V, FOREVER)).reconnect, { ctrlLossTmo: 30 });
});

Deno.test("modify() that changes nothing costs no change", async () => {
  const { controller, calls } = aCounted();
  await madeVolume(controller, "v", { mutableParameters: { keepAliveTmo: "20" } });
  await controller.volumes.modify(V, { keepAliveTmo: "20" }, FOREVER);
  assert.deepEqual(calls, ["create", "find"]);
});
