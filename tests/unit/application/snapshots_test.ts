import assert from "node:assert/strict";
import { MemoryRds } from "../../../src/adapters/memory/rds.ts";
import type { SnapshotFilter } from "../../../src/application/snapshots.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import type { Page } from "../../../src/domain/paging.ts";
import type { Snapshot } from "../../../src/domain/snapshot.ts";
import { secondOf, sourceOf } from "../../../src/domain/snapshot_id.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import {
  aBackend,
  aController,
  FOREVER,
  madeVolume,
  takenSnapshot,
} from "../../builders/controller.ts";
import type { Controller } from "../../builders/controller.ts";
import { answering, Faults } from "../../fakes/failing.ts";
import { ManualClock, START_MS } from "../../fakes/manual_clock.ts";

const ORIGIN = volumeIdForName("origin");

function list(
  { snapshots }: Controller,
  filter: Partial<SnapshotFilter> = {},
  page: { entriesMax?: number; startingToken?: string } = {},
): Promise<Page<Snapshot>> {
  return snapshots.list(
    { snapshotId: "", sourceVolumeId: "", ...filter },
    { entriesMax: 0, startingToken: "", ...page },
    FOREVER,
  );
}

Deno.test("create() takes a snapshot at the clock's time, in one store call", async () => {
  const faults = new Faults({ callNumber: 0, moment: "before" });
  const backend = aBackend("one");
  const controller = aController([{ ...backend, snapshots: faults.wrap(backend.snapshots) }]);
  await madeVolume(controller, "origin");
  const snapshot = await takenSnapshot(controller, "s", "origin");
  assert.equal(sourceOf(snapshot.id), ORIGIN);
  assert.equal(snapshot.takenAtMs, START_MS);
  await controller.snapshots.delete(snapshot.id, FOREVER);
  assert.deepEqual(faults.calls, ["create", "delete"]);
});

Deno.test("create() returns the same snapshot for the same name, across seconds and processes", async () => {
  const rds = new MemoryRds();
  const clock = new ManualClock();
  const first = aController([aBackend("one", rds)], clock);
  await madeVolume(first, "origin");
  const snapshot = await takenSnapshot(first, "s", "origin");
  await clock.advance(5000);
  const second = aController([aBackend("one", rds)], clock);
  assert.deepEqual(await takenSnapshot(second, "s", "origin"), snapshot);
  assert.equal((await list(second)).items.length, 1);
});

Deno.test("a repeated delete() does not meet a snapshot taken in the second of the deleted one", async () => {
  const controller = aController();
  await madeVolume(controller, "origin");
  const first = await takenSnapshot(controller, "s1", "origin");
  await controller.snapshots.delete(first.id, FOREVER);
  const second = await takenSnapshot(controller, "s2", "origin");
  assert.equal(secondOf(second.id), secondOf(first.id) + 1);
  await controller.snapshots.delete(first.id, FOREVER);
  assert.deepEqual((await list(controller)).items, [second]);
});

Deno.test("delete() of an id of the far future, which nobody was given, holds up no snapshot", async () => {
  const clock = new ManualClock();
  const controller = aController([aBackend("one")], clock);
  await madeVolume(controller, "origin");
  const guess = `snap-${ORIGIN.slice("pvc-".length)}-at-${START_MS / 1000 + 61}`;
  await controller.snapshots.delete(guess, FOREVER);
  assert.equal(secondOf((await takenSnapshot(controller, "s", "origin")).id), START_MS / 1000);
});

Deno.test("create() names snapshots by the clock again once a deleted one lies in the past", async () => {
  const clock = new ManualClock();
  const controller = aController([aBackend("one")], clock);
  await madeVolume(controller, "origin");
  await controller.snapshots.delete((await takenSnapshot(controller, "s1", "origin")).id, FOREVER);
  await clock.advance(1000);
  const second = await takenSnapshot(controller, "s2", "origin");
  assert.equal(secondOf(second.id), START_MS / 1000 + 1);
});

Deno.test("create() of two names in one second gives two snapshots in order", async () => {
  const controller = aController();
  await madeVolume(controller, "origin");
  const [first, second] = [
    await takenSnapshot(controller, "s1", "origin"),
    await takenSnapshot(controller, "s2", "origin"),
  ];
  assert.equal(secondOf(second.id), secondOf(first.id) + 1);
  assert.equal(second.takenAtMs, first.takenAtMs);
});

Deno.test("create() refuses a name that belongs to a snapshot of another volume", async () => {
  for (const all of [[aBackend("one")], [aBackend("one"), aBackend("two")]]) {
    const controller = aController(all);
    for (const name of ["origin", "other"]) await madeVolume(controller, name);
    await takenSnapshot(controller, "s", "origin");
    const isTaken = { code: "already-exists" };
    await assert.rejects(takenSnapshot(controller, "s", "other"), isTaken);
    await assert.rejects(takenSnapshot(controller, "s", "never-made"), isTaken);
  }
});

Deno.test("create() refuses a name that a snapshot on another array has", async () => {
  const controller = aController([aBackend("one"), aBackend("two")]);
  await madeVolume(controller, "origin");
  await madeVolume(controller, "other", { parameters: { backend: "two" } });
  await takenSnapshot(controller, "s", "origin");
  await assert.rejects(takenSnapshot(controller, "s", "other"), {
    code: "already-exists",
    message: /its name is in use on backend "one"/,
  });
});

Deno.test("create() finds the snapshot it took also when the source is gone since", async () => {
  for (const all of [[aBackend("one")], [aBackend("one"), aBackend("two")]]) {
    const controller = aController(all);
    await madeVolume(controller, "origin");
    const snapshot = await takenSnapshot(controller, "s", "origin");
    await controller.volumes.delete(ORIGIN, FOREVER);
    assert.deepEqual(await takenSnapshot(controller, "s", "origin"), snapshot);
  }
});

Deno.test("create() fails with not-found for a source that is unknown or cannot be ours", async () => {
  for (const all of [[aBackend("one")], [aBackend("one"), aBackend("two")]]) {
    const { snapshots } = aController(all);
    for (const sourceVolumeId of [ORIGIN, "fake-volume"]) {
      const taken = snapshots.create({ name: "s", sourceVolumeId, parameters: {} }, FOREVER);
      await assert.rejects(taken, { code: "not-found" });
    }
  }
});

Deno.test("create() refuses parameters, but not those of the sidecars", async () => {
  const controller = aController();
  await madeVolume(controller, "origin");
  const request = { name: "s", sourceVolumeId: ORIGIN };
  const wrong = { ...request, parameters: { speed: "fast" } };
  await assert.rejects(controller.snapshots.create(wrong, FOREVER), {
    code: "invalid",
    message: /Cannot use parameter speed "fast"/,
  });
  const parameters = { "csi.storage.k8s.io/volumesnapshot/name": "s" };
  await controller.snapshots.create({ ...request, parameters }, FOREVER);
});

Deno.test("create() says why when copies are not proved real", async () => {
  const copies = { result: "refused", reason: "a copy has the properties only" } as const;
  const controller = aController([aBackend("one", new MemoryRds({ copies }))]);
  await madeVolume(controller, "origin");
  await assert.rejects(takenSnapshot(controller, "s", "origin"), {
    code: "not-ready",
    message: /a copy has the properties only/,
  });
});

Deno.test("create() is refused while another operation on the name or the source runs", async () => {
  const controller = aController();
  await madeVolume(controller, "origin");
  const [first, ...others] = await Promise.allSettled<unknown>([
    takenSnapshot(controller, "s", "origin"),
    takenSnapshot(controller, "s", "other"),
    takenSnapshot(controller, "s2", "origin"),
    controller.volumes.delete(ORIGIN, FOREVER),
  ]);
  assert.equal(first?.status, "fulfilled");
  for (const other of others) {
    assert.ok(other.status === "rejected" && other.reason instanceof StorageError);
    assert.equal(other.reason.code, "busy");
  }
  assert.ok(controller.locks.isIdle);
});

Deno.test("delete() succeeds for an id that is unknown or cannot be ours", async () => {
  for (const all of [[aBackend("one")], [aBackend("one"), aBackend("two")]]) {
    const controller = aController(all);
    await madeVolume(controller, "origin");
    const { id } = await takenSnapshot(controller, "s", "origin");
    for (const each of [id, id, "reallyfakesnapshotid"]) {
      await controller.snapshots.delete(each, FOREVER);
    }
    assert.deepEqual((await list(controller)).items, []);
  }
});

Deno.test("get() gives the snapshot or fails with not-found", async () => {
  const controller = aController();
  await madeVolume(controller, "origin");
  const snapshot = await takenSnapshot(controller, "s", "origin");
  assert.deepEqual(await controller.snapshots.get(snapshot.id, FOREVER), snapshot);
  await controller.snapshots.delete(snapshot.id, FOREVER);
  await assert.rejects(controller.snapshots.get(snapshot.id, FOREVER), { code: "not-found" });
});

Deno.test("list() narrows by snapshot, by source, and by both", async () => {
  const controller = aController([aBackend("one"), aBackend("two")]);
  await madeVolume(controller, "origin");
  await madeVolume(controller, "other", { parameters: { backend: "two" } });
  const [first, second, third] = [
    await takenSnapshot(controller, "s1", "origin"),
    await takenSnapshot(controller, "s2", "origin"),
    await takenSnapshot(controller, "s3", "other"),
  ];
  const other = volumeIdForName("other");
  const cases: [Partial<SnapshotFilter>, Snapshot[]][] = [
    [{ snapshotId: first.id }, [first]],
    [{ sourceVolumeId: ORIGIN }, [first, second]],
    [{ sourceVolumeId: other }, [third]],
    [{ snapshotId: third.id, sourceVolumeId: other }, [third]],
    [{ snapshotId: third.id, sourceVolumeId: ORIGIN }, []],
    [{ snapshotId: "none-exist-id" }, []],
    [{ sourceVolumeId: "none-exist-id" }, []],
    [{ sourceVolumeId: volumeIdForName("never-made") }, []],
  ];
  for (const [filter, expected] of cases) {
    assert.deepEqual(await list(controller, filter), { items: expected, nextToken: "" });
  }
  assert.equal((await list(controller)).items.length, 3);
});

Deno.test("list() pages, and a token holds for its own filter only", async () => {
  const controller = aController();
  await madeVolume(controller, "origin");
  for (const name of ["s1", "s2", "s3"]) await takenSnapshot(controller, name, "origin");
  const first = await list(controller, {}, { entriesMax: 2 });
  assert.equal(first.items.length, 2);
  const rest = await list(controller, {}, { startingToken: first.nextToken });
  assert.equal(rest.items.length, 1);
  const startingToken = first.nextToken;
  const narrowed = list(controller, { sourceVolumeId: ORIGIN }, { startingToken });
  await assert.rejects(narrowed, { code: "stale-token" });
});

Deno.test("list() fails when the array fails, and is never empty instead", async () => {
  const backend = aBackend("one");
  const failing = answering(
    backend.snapshots,
    () => Promise.reject(new Error("the line is dead")),
  );
  const controller = aController([{ ...backend, snapshots: failing }]);
  await assert.rejects(list(controller), /the line is dead/);
});

Deno.test("list() refuses a bad token before it asks for anything", async () => {
  const faults = new Faults({ callNumber: 0, moment: "before" });
  const backend = aBackend("one");
  const controller = aController([{ ...backend, snapshots: faults.wrap(backend.snapshots) }]);
  const listed = list(controller, {}, { startingToken: "invalid-token" });
  await assert.rejects(listed, { code: "stale-token" });
  assert.deepEqual(faults.calls, []);
});
