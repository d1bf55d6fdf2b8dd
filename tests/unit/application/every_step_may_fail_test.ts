/**
 * Every step may fail: for every use case of the controller, with one array and with two, the n-th
 * call of a port fails before or after its effect, for every n; a retry by a new process then ends
 * where an undisturbed run ends, with nothing left over.
 */
import assert from "node:assert/strict";
import { MemoryRds } from "../../../src/adapters/memory/rds.ts";
import type { Backend } from "../../../src/application/backends.ts";
import { GIB } from "../../../src/domain/capacity.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import type { ContentSource } from "../../../src/domain/volume.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import {
  aBackend,
  aController,
  aPublishRequest,
  aVolumeRequest,
  FOREVER,
  madeVolume,
  SHARED_BLOCK,
  takenSnapshot,
} from "../../builders/controller.ts";
import type { Controller } from "../../builders/controller.ts";
import { aNodeId } from "../../builders/stores.ts";
import { Faults } from "../../fakes/failing.ts";
import type { FaultPlan } from "../../fakes/failing.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";

interface UseCase {
  readonly name: string;
  arrange(controller: Controller): Promise<unknown>;
  act(controller: Controller): Promise<unknown>;
}

const V = volumeIdForName("v");
const ORIGIN: ContentSource = { kind: "volume", id: volumeIdForName("origin") };
const BIG = { requiredBytes: 2 * GIB, limitBytes: 0 };

async function arrangeSource(controller: Controller): Promise<void> {
  await madeVolume(controller, "origin");
  await takenSnapshot(controller, "s", "origin");
}

async function snapshotSource({ snapshots }: Controller): Promise<ContentSource> {
  const everything = { snapshotId: "", sourceVolumeId: "" };
  const page = await snapshots.list(everything, { entriesMax: 1, startingToken: "" }, FOREVER);
  const [snapshot] = page.items;
  assert.ok(snapshot);
  return { kind: "snapshot", id: snapshot.id };
}

async function arrangePublished(controller: Controller): Promise<void> {
  await madeVolume(controller, "v");
  await controller.publications.publish(aPublishRequest("v"), FOREVER);
}

const USE_CASES: readonly UseCase[] = [
  {
    name: "create",
    arrange: (controller) => madeVolume(controller, "other"),
    act: ({ volumes }) => volumes.create(aVolumeRequest("v", { range: BIG }), FOREVER),
  },
  {
    name: "create on the array that is named",
    arrange: (controller) => madeVolume(controller, "other"),
    act: ({ backends, volumes }) => {
      const backend = backends.all.at(-1)?.name ?? "";
      return volumes.create(aVolumeRequest("v", { parameters: { backend } }), FOREVER);
    },
  },
  {
    name: "clone",
    arrange: arrangeSource,
    act: ({ volumes }) =>
      volumes.create(aVolumeRequest("v", { range: BIG, source: ORIGIN }), FOREVER),
  },
  {
    name: "restore",
    arrange: arrangeSource,
    act: async (controller) => {
      const source = await snapshotSource(controller);
      return await controller.volumes.create(aVolumeRequest("v", { source }), FOREVER);
    },
  },
  {
    name: "delete",
    arrange: (controller) => madeVolume(controller, "v"),
    act: ({ volumes }) => volumes.delete(V, FOREVER),
  },
  {
    name: "delete of what is not there",
    arrange: (controller) => madeVolume(controller, "other"),
    act: ({ volumes }) => volumes.delete(V, FOREVER),
  },
  {
    name: "expand",
    arrange: (controller) => madeVolume(controller, "v"),
    act: ({ volumes }) => volumes.expand(V, BIG, FOREVER),
  },
  {
    name: "modify",
    arrange: (controller) => madeVolume(controller, "v"),
    act: ({ volumes }) => volumes.modify(V, { keepAliveTmo: "20" }, FOREVER),
  },
  {
    name: "publish",
    arrange: (controller) => madeVolume(controller, "v"),
    act: ({ publications }) => publications.publish(aPublishRequest("v"), FOREVER),
  },
  {
    name: "publish to a second node",
    arrange: async (controller) => {
      await madeVolume(controller, "v", { capabilities: [SHARED_BLOCK] });
      const request = aPublishRequest("v", { capability: SHARED_BLOCK });
      await controller.publications.publish(request, FOREVER);
    },
    act: ({ publications }) => {
      const nodeId = aNodeId("worker-2", "2");
      const request = aPublishRequest("v", { capability: SHARED_BLOCK, nodeId });
      return publications.publish(request, FOREVER);
    },
  },
  {
    name: "unpublish",
    arrange: arrangePublished,
    act: ({ publications }) => publications.unpublish(V, aNodeId("worker-1"), FOREVER),
  },
  {
    name: "create snapshot",
    arrange: (controller) => madeVolume(controller, "origin"),
    act: (controller) => takenSnapshot(controller, "s", "origin"),
  },
  {
    name: "delete snapshot",
    arrange: arrangeSource,
    act: async ({ snapshots }) => {
      // Its id is known, for the clock of the test stands still.
      const id = `snap-${ORIGIN.id.slice("pvc-".length)}-at-1767225600`;
      await snapshots.delete(id, FOREVER);
    },
  },
  {
    name: "a whole life",
    arrange: arrangeSource,
    act: async (controller) => {
      const { volumes, publications, snapshots } = controller;
      await madeVolume(controller, "v", { range: BIG, source: ORIGIN });
      await publications.publish(aPublishRequest("v"), FOREVER);
      await publications.unpublish(V, "", FOREVER);
      const taken = await takenSnapshot(controller, "of-v", "v");
      await volumes.expand(V, { requiredBytes: 3 * GIB, limitBytes: 0 }, FOREVER);
      await snapshots.delete(taken.id, FOREVER);
    },
  },
];

/** One array or two, of which each process gets its own view. */
class World {
  readonly #arrays: readonly MemoryRds[];
  readonly #clock = new ManualClock();

  constructor(arrayCount: number) {
    this.#arrays = Array.from({ length: arrayCount }, () => new MemoryRds());
  }

  /** A controller as a new process has it, over ports that fail as `faults` says. */
  controller(faults: Faults): Controller {
    const backends = this.#arrays.map((rds, index): Backend => {
      const backend = aBackend(`array-${index + 1}`, rds);
      return {
        ...backend,
        volumes: faults.wrap(backend.volumes),
        snapshots: faults.wrap(backend.snapshots),
      };
    });
    return aController(backends, this.#clock);
  }

  /** Everything there is, and everything that is taken. */
  async state(): Promise<unknown[]> {
    return await Promise.all(this.#arrays.map(async ({ volumes, snapshots, itemCount }) => ({
      // A retry may go a longer way, so how often a record was changed is no part of the end.
      volumes: new Set((await volumes.list(FOREVER)).map((volume) => ({ ...volume, revision: 0 }))),
      snapshots: new Set(await snapshots.list(FOREVER)),
      capacity: await volumes.capacity(FOREVER),
      itemCount,
    })));
  }
}

const UNDISTURBED: FaultPlan = { callNumber: 0, moment: "before" };

async function arranged(useCase: UseCase, arrayCount: number): Promise<World> {
  const world = new World(arrayCount);
  await useCase.arrange(world.controller(new Faults(UNDISTURBED)));
  return world;
}

async function checkFault(
  useCase: UseCase,
  arrayCount: number,
  plan: FaultPlan,
  expected: { readonly state: unknown; readonly result: unknown },
): Promise<void> {
  const world = await arranged(useCase, arrayCount);
  const faults = new Faults(plan);
  const disturbed = world.controller(faults);
  const outcome = await useCase.act(disturbed).then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );
  const where = `call ${plan.callNumber} (${faults.calls.at(plan.callNumber - 1)}), ${plan.moment}`;
  assert.ok(faults.hasStruck, where);
  assert.ok(disturbed.locks.isIdle, `${where}: a lock is still held`);
  if ("error" in outcome) {
    assert.ok(outcome.error instanceof StorageError, where);
    assert.equal(outcome.error.code, "unavailable", where);
  }
  const retried = await useCase.act(world.controller(new Faults(UNDISTURBED)));
  assert.deepEqual(retried, expected.result, where);
  assert.deepEqual(await world.state(), expected.state, where);
}

async function checkEveryFault(useCase: UseCase, arrayCount: number): Promise<void> {
  const world = await arranged(useCase, arrayCount);
  const faults = new Faults(UNDISTURBED);
  const result = await useCase.act(world.controller(faults));
  const expected = { state: await world.state(), result };
  assert.ok(faults.calls.length > 0, "the use case calls no port");
  for (let callNumber = 1; callNumber <= faults.calls.length; callNumber++) {
    for (const moment of ["before", "after"] as const) {
      await checkFault(useCase, arrayCount, { callNumber, moment }, expected);
    }
  }
}

for (const arrayCount of [1, 2]) {
  for (const useCase of USE_CASES) {
    const arrays = arrayCount === 1 ? "one array" : "two arrays";
    Deno.test(`${useCase.name} over ${arrays} ends the same whichever step fails`, async () => {
      await checkEveryFault(useCase, arrayCount);
    });
  }
}
