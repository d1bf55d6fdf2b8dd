/** Many calls at once, each tried again as a sidecar would, through gRPC and over SSH. */
import assert from "node:assert/strict";
import { Controller } from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { statusName } from "../../src/adapters/csi-grpc/status.ts";
import { codeOf } from "../../tools/trial/csi_client.ts";
import { openBoxWorld } from "./box_world.ts";
import { capabilityOf } from "./volume_calls.ts";
import type { World } from "./world.ts";

const NAMES = Array.from({ length: 20 }, (_, index) => `storm ${index}`);
const RETRYABLE = ["ABORTED", "UNAVAILABLE", "DEADLINE_EXCEEDED"];
const GIVE_UP_MS = 60_000;
const DEADLINE_MS = 30_000;

const { method } = Controller;

Deno.test("200 creates of 20 names at once end in exactly 20 volumes", async () => {
  await using world = await openStormWorld();
  const before = await world.inventory();
  const calls = Array.from({ length: 10 }, () => NAMES).flat();
  const ids = await Promise.all(calls.map((name) => create(world, name)));
  const made = [...new Set(ids)].sort();
  assert.equal(made.length, NAMES.length);
  for (const [index, id] of ids.entries()) {
    assert.equal(id, ids[index % NAMES.length], "one name, one id");
  }
  assert.deepEqual(await listed(world), made);
  const { items, files, foreign, violations } = await world.inventory();
  assert.deepEqual({ items, files, violations }, { items: made, files: made, violations: [] });
  assert.deepEqual(foreign, before.foreign);
  await Promise.all(made.map((id) => removeVolume(world, id)));
  assert.deepEqual(await world.inventory(), before);
});

Deno.test("200 creates at once over a link that loses replies end in exactly 20 volumes", async () => {
  await using world = await openStormWorld();
  await world.inflict({ kind: "lose-replies", percent: 10, seed: 7 });
  const calls = Array.from({ length: 10 }, () => NAMES).flat();
  const made = [...new Set(await Promise.all(calls.map((name) => create(world, name))))].sort();
  world.calm();
  assert.equal(made.length, NAMES.length);
  const { items, files, violations } = await world.inventory();
  assert.deepEqual({ items, files, violations }, { items: made, files: made, violations: [] });
});

Deno.test("a storm of creates and deletes leaves no item and no file", async () => {
  await using world = await openStormWorld();
  const before = await world.inventory();
  const lives = Array.from({ length: 4 }, () => NAMES).flat();
  await Promise.all(lives.map(async (name) => {
    await removeVolume(world, await create(world, name));
  }));
  assert.deepEqual(await listed(world), []);
  assert.deepEqual(await world.inventory(), before);
});

Deno.test("a storm of volumes, snapshots, restores and deletes leaves no item and no file", async () => {
  await using world = await openStormWorld();
  const before = await world.inventory();
  const names = NAMES.slice(0, 5);
  const sources = new Map(
    await Promise.all(names.map(async (name) => [name, await create(world, name)] as const)),
  );
  const lives = Array.from({ length: 4 }, () => names).flat();
  await Promise.all(lives.map((name, index) => liveOn(world, sources.get(name) ?? "", index)));
  await Promise.all([...sources.values()].map((id) => removeVolume(world, id)));
  assert.deepEqual(await listed(world), []);
  assert.deepEqual(await world.inventory(), before);
});

Deno.test("a storm of publishes gives a volume of one node to exactly one", async () => {
  await using world = await openStormWorld();
  const volumeId = await create(world, "wanted by many");
  const nodes = Array.from(
    { length: 20 },
    (_, index) => `worker-${index}@00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
  );
  const volumeCapability = capabilityOf("mount");
  const answers = await Promise.all(
    nodes.map((nodeId) =>
      insist(() =>
        world.client.call(method.controllerPublishVolume, { volumeId, nodeId, volumeCapability }, {
          deadlineMs: DEADLINE_MS,
        })
      ).then(() => "OK", (error: unknown) => statusName(codeOf(error) ?? -1))
    ),
  );
  assert.equal(answers.filter((answer) => answer === "OK").length, 1);
  assert.equal(answers.filter((answer) => answer === "FAILED_PRECONDITION").length, 19);
  await insist(() =>
    world.client.call(method.controllerUnpublishVolume, { volumeId }, { deadlineMs: DEADLINE_MS })
  );
  await removeVolume(world, volumeId);
});

function openStormWorld(): Promise<World> {
  return openBoxWorld({ copies: "cow", strategy: "auto", box: {}, haste: 1 });
}

/** One of several lives at once around one volume: snapshot, restore, delete both. */
async function liveOn(world: World, sourceVolumeId: string, index: number): Promise<void> {
  const name = `storm ${index}`;
  const { snapshot } = await insist(() =>
    world.client.call(method.createSnapshot, { name, sourceVolumeId }, { deadlineMs: DEADLINE_MS })
  );
  const snapshotId = snapshot?.snapshotId ?? "";
  const restored = await create(world, `restored ${index}`, snapshotId);
  const remove = (): Promise<unknown> =>
    insist(() =>
      world.client.call(method.deleteSnapshot, { snapshotId }, { deadlineMs: DEADLINE_MS })
    );
  await Promise.all([remove(), removeVolume(world, restored), remove()]);
}

/** Creates a volume. @returns its id */
async function create(world: World, name: string, snapshotId?: string): Promise<string> {
  const source = snapshotId === undefined ? {} : {
    volumeContentSource: { type: { case: "snapshot", value: { snapshotId } } },
  } as const;
  const { volume } = await insist(() =>
    world.client.call(
      method.createVolume,
      { name, volumeCapabilities: [capabilityOf("mount")], ...source },
      { deadlineMs: DEADLINE_MS },
    )
  );
  return volume?.volumeId ?? "";
}

async function removeVolume(world: World, volumeId: string): Promise<void> {
  await insist(() =>
    world.client.call(method.deleteVolume, { volumeId }, { deadlineMs: DEADLINE_MS })
  );
}

async function listed(world: World): Promise<string[]> {
  const { entries } = await insist(() => world.client.call(method.listVolumes, {}));
  return entries.map(({ volume }) => volume?.volumeId ?? "").sort();
}

/** Tries again while a sidecar would, with its kind of pauses, only shorter. */
async function insist<Reply>(call: () => Promise<Reply>): Promise<Reply> {
  const givesUpAtMs = performance.now() + GIVE_UP_MS;
  for (let attempt = 1;; attempt++) {
    try {
      return await call();
    } catch (error) {
      const isTransient = RETRYABLE.includes(statusName(codeOf(error) ?? -1));
      if (!isTransient || performance.now() > givesUpAtMs) throw error;
    }
    // With jitter, as sidecars have it: in step, all but one would be refused again.
    const pauseMs = Math.min(400, 20 * 2 ** attempt) * Math.random();
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
