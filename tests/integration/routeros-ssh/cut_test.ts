/**
 * The power goes between any two changes of a line: the same call, made again, ends where an
 * undisturbed one does. And two drivers do the same thing at once, command by command.
 */
import assert from "node:assert/strict";
import { GIB } from "../../../src/domain/capacity.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import type { SnapshotId } from "../../../src/domain/snapshot_id.ts";
import { snapshotIdOf } from "../../../src/domain/snapshot_id.ts";
import type { Volume } from "../../../src/domain/volume.ts";
import type { BoxOptions } from "../../../src/simulator/box/options.ts";
import { aNewSnapshot, aNewVolume, aPublication } from "../../builders/stores.ts";
import { START_MS } from "../../fakes/manual_clock.ts";
import { contentsOf } from "./console_client.ts";
import { cutAfter, interpose } from "./interposed.ts";
import { soon, startRig } from "./rig.ts";
import type { Rig } from "./rig.ts";

const BASE = "storage-pool/k8s/csi";
const ORIGIN = aNewVolume("origin");
const SNAPSHOT: SnapshotId = snapshotIdOf(ORIGIN.id, START_MS / 1000);
const LARGER = { capacityBytes: 3 * GIB };
/** More changes than any line makes. */
const CHANGES_MAX = 20;

const BY_FILE_COPY = { copyFrom: "property-only", fileCopy: "full" } as const;
const BOXES: Readonly<Record<string, Omit<BoxOptions, "directory">>> = {
  "copy-from": {},
  "full copies, files going with disks": { copyFrom: "independent-full", removeKeepsFile: false },
  "file-copy": BY_FILE_COPY,
};

interface Step {
  /** Whether the origin and its snapshot are there before. */
  readonly needs: readonly ("origin" | "snapshot")[];
  readonly call: (rig: Rig) => Promise<unknown>;
  /** What the call adds to the box: items and files. */
  readonly adds: number;
}

const STEPS: Readonly<Record<string, Step>> = {
  "create()": { needs: [], adds: 2, call: ({ array }) => array.volumes.create(ORIGIN, soon()) },
  "a snapshot": {
    needs: ["origin"],
    adds: 2,
    call: ({ array }) => array.snapshots.create(aNewSnapshot("s", "origin"), soon()),
  },
  "a restore": {
    needs: ["origin", "snapshot"],
    adds: 2,
    call: ({ array }) => {
      const source = { kind: "snapshot", id: SNAPSHOT } as const;
      return array.volumes.create(aNewVolume("restored", { source, ...LARGER }), soon());
    },
  },
  "a clone": {
    needs: ["origin"],
    adds: 2,
    call: ({ array }) => {
      const source = { kind: "volume", id: ORIGIN.id } as const;
      return array.volumes.create(aNewVolume("cloned", { source, ...LARGER }), soon());
    },
  },
  "expand()": {
    needs: ["origin"],
    adds: 0,
    call: ({ array }) => array.volumes.expand(ORIGIN.id, 2 * GIB, soon()),
  },
  "amend()": {
    needs: ["origin"],
    adds: 0,
    call: async ({ array: { volumes } }) => {
      const volume: Volume | undefined = await volumes.find(ORIGIN.id, soon());
      assert.ok(volume);
      return await volumes.amend(volume, { publications: [aPublication()] }, soon());
    },
  },
  "delete()": {
    needs: ["origin"],
    adds: -2,
    call: ({ array }) => array.volumes.delete(ORIGIN.id, soon()),
  },
  "delete() of a snapshot": {
    needs: ["origin", "snapshot"],
    adds: -2,
    call: ({ array }) => array.snapshots.delete(SNAPSHOT, soon()),
  },
};

/** Calls until it works; only `unavailable` may come in between. */
async function untilDone({ array, until }: Rig, call: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      await call();
      return;
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== "unavailable") throw error;
      assert.ok(attempt < 5, `still failing: ${error.message}`);
      await until(() => array.isReachable());
    }
  }
}

async function setUp({ array }: Rig, needs: Step["needs"]): Promise<void> {
  if (needs.includes("origin")) await array.volumes.create(ORIGIN, soon());
  if (needs.includes("snapshot")) {
    await array.snapshots.create(aNewSnapshot("s", "origin"), soon());
  }
}

/** The call with a power cut after change number `at`; false when it makes fewer. */
async function survives(
  step: Step,
  box: Omit<BoxOptions, "directory">,
  at: number,
): Promise<boolean> {
  await using rig = await startRig({ box });
  await setUp(rig, step.needs);
  const before = await contentsOf(rig.simulator, BASE);
  using cut = cutAfter(rig.simulator, at);
  await untilDone(rig, () => step.call(rig));
  if (cut.struck() === "") return false;
  await rig.simulator.idle();
  const after = await contentsOf(rig.simulator, BASE);
  const where = `cut after change ${at}, ${cut.struck()}: ${after.join(", ")}`;
  assert.equal(after.length - before.length, step.adds, where);
  assert.deepEqual(after.filter((line) => line.startsWith("disk") && !line.endsWith("st=r")), []);
  assert.deepEqual(rig.simulator.violations(), []);
  return true;
}

for (const [boxName, box] of Object.entries(BOXES)) {
  for (const [name, step] of Object.entries(STEPS)) {
    Deno.test(`${name} ends as it should when the power goes after any change, by ${boxName}`, async () => {
      let cuts = 0;
      while (cuts < CHANGES_MAX && await survives(step, box, cuts + 1)) cuts++;
      assert.ok(cuts > 0 && cuts < CHANGES_MAX, `${cuts} cuts`);
    });
  }
}

for (const [boxName, box] of Object.entries({ "copy-from": {}, "file-copy": BY_FILE_COPY })) {
  Deno.test(`two drivers that take one snapshot at once end with one, by ${boxName}`, async () => {
    for (let order = 0; order < 12; order++) {
      await using rig = await startRig({ box });
      await using other = rig.open({});
      await setUp(rig, ["origin"]);
      await other.prepare(soon());
      let commands = 0;
      {
        using _slow = interpose(rig.simulator, async (_word, call, run) => {
          const turns = (commands++ * 7 + order * 3) % (3 + order % 4);
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          return run(call);
        });
        const both = [rig.array, other].map(({ snapshots }) =>
          snapshots.create(aNewSnapshot("s", "origin"), soon())
        );
        await Promise.allSettled(both);
      }
      const found = await Promise.all(
        [rig.array, other].map(({ snapshots }) =>
          snapshots.create(aNewSnapshot("s", "origin"), soon())
        ),
      );
      assert.equal(found[0]?.id, found[1]?.id);
      const left = await contentsOf(rig.simulator, BASE);
      assert.equal(left.length, 4, `order ${order}: ${left.join(", ")}`);
    }
  });
}

const WANTED = aNewVolume("restored", { source: { kind: "snapshot", id: SNAPSHOT } });
/** Who removes a copy that was cut short, when nobody asks for it again. */
const CLEANERS: Readonly<Record<string, (rig: Rig) => Promise<void>>> = {
  "delete()": ({ array }) => array.volumes.delete(WANTED.id, soon()),
  "a driver that starts": async (rig) => {
    await using next = rig.open({});
    await next.prepare(soon());
  },
};

for (const [name, clean] of Object.entries(CLEANERS)) {
  Deno.test(`a copy of files that was cut short is removed by ${name}`, async () => {
    await using rig = await startRig({ box: BY_FILE_COPY });
    await setUp(rig, ["origin", "snapshot"]);
    const before = await contentsOf(rig.simulator, BASE);
    // A full copy goes on without its caller, so it is the driver that has to end.
    const array = rig.open({
      observe: ({ kind }) => {
        if (kind === "outcome-unknown") ended.resolve(array[Symbol.asyncDispose]());
      },
    });
    const ended = Promise.withResolvers<void>();
    await array.prepare(soon());
    {
      using _cut = cutAfter(rig.simulator, 2);
      await assert.rejects(array.volumes.create(WANTED, soon()), StorageError);
      await ended.promise;
    }
    await rig.simulator.idle();
    await rig.until(() => rig.array.isReachable());
    assert.equal((await contentsOf(rig.simulator, BASE)).length, before.length + 3);
    await clean(rig);
    assert.deepEqual(await contentsOf(rig.simulator, BASE), before);
  });
}
