/** The model notices bugs: some are planted here, between the controller and an array in memory. */
import assert from "node:assert/strict";
import type { Backend } from "../../src/application/backends.ts";
import { explore, findFailure, replayCommand } from "./exploration.ts";
import type { Exploration } from "./exploration.ts";
import { openMemoryWorld } from "./memory_world.ts";

/** A backend with one method of its stores replaced. */
type Plant = (backend: Backend) => Backend;

const BUGS: Readonly<Record<string, Plant>> = {
  "an expansion that is answered and not made": (backend) => ({
    ...backend,
    volumes: replaced(backend.volumes, {
      expand: async (id, capacityBytes, signal) => {
        const volume = await backend.volumes.find(id, signal);
        if (volume === undefined) return await backend.volumes.expand(id, capacityBytes, signal);
        return { ...volume, capacityBytes: Math.max(volume.capacityBytes, capacityBytes) };
      },
    }),
  }),
  "a restored volume that is empty": (backend) => ({
    ...backend,
    volumes: replaced(backend.volumes, {
      create: async (wanted, signal) => {
        const made = await backend.volumes.create({ ...wanted, source: undefined }, signal);
        return { ...made, source: wanted.source };
      },
    }),
  }),
  "a deletion that leaves the snapshot": (backend) => ({
    ...backend,
    snapshots: replaced(backend.snapshots, { delete: () => Promise.resolve() }),
  }),
  "a second creation that fails": (backend) => ({
    ...backend,
    volumes: replaced(backend.volumes, {
      create: async (wanted, signal) => {
        const existing = await backend.volumes.find(wanted.id, signal);
        if (existing !== undefined) throw new Error("it is there");
        return await backend.volumes.create(wanted, signal);
      },
    }),
  }),
};

for (const [name, plant] of Object.entries(BUGS)) {
  Deno.test(`the model finds ${name}, in few steps, and again by its replay`, async () => {
    const exploration: Exploration = {
      name: "planted",
      open: () => openMemoryWorld("cow", plant),
      isBox: false,
      sequenceCount: 1000,
    };
    const found = await findFailure(exploration);
    assert.ok(found, "not found");
    assert.ok(found.story.length <= 6, found.story.join("\n"));
    const again = await findFailure({ ...exploration, replay: found.replay });
    assert.deepEqual(again?.story, found.story);
    assert.equal(messageOf(again?.cause), messageOf(found.cause));
    assert.equal(again?.replay, found.replay);
  });
}

Deno.test("a failure prints its steps and the one command that replays it", async () => {
  const [plant] = Object.values(BUGS);
  const exploration: Exploration = {
    name: "planted",
    open: () => openMemoryWorld("cow", plant),
    isBox: false,
    sequenceCount: 1000,
  };
  const error = await explore(exploration).then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof Error);
  const replay = /MODEL_REPLAY=(\S+)/.exec(error.message)?.[1];
  assert.ok(replay !== undefined);
  assert.ok(error.message.includes(replayCommand({ replay })));
  assert.match(error.message, /"call":"expand"/);
  await assert.rejects(explore({ ...exploration, replay }), { message: linesOf(error.message) });
});

Deno.test("a replay of another exploration is none of ours", async () => {
  const failure = await findFailure({
    name: "planted",
    open: () => Promise.reject(new Error("no world is needed")),
    isBox: false,
    sequenceCount: 1,
    replay: "box-1@42@0:0",
  });
  assert.equal(failure, undefined);
});

function replaced<Port extends object>(port: Port, methods: Partial<Port>): Port {
  return new Proxy(port, {
    get: (target, key): unknown => {
      const replacement: unknown = Reflect.get(methods, key);
      return replacement ?? Reflect.get(target, key, target);
    },
  });
}

/** A message without the moments in it, which differ between runs. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\d{10,}/g, "then");
}

/** Matches a message as far as its stack, whose lines differ between runs as moments do. */
function linesOf(message: string): RegExp {
  const told = message.split("\n    at ")[0] ?? "";
  const pattern = told.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&").replace(/\d{10,}/g, "\\d+");
  return new RegExp(`^${pattern}`);
}
