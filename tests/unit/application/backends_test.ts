import assert from "node:assert/strict";
import { MemoryRds } from "../../../src/adapters/memory/rds.ts";
import { Backends } from "../../../src/application/backends.ts";
import type { Backend } from "../../../src/application/backends.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import { aBackend, FOREVER } from "../../builders/controller.ts";
import { aNewSnapshot, aNewVolume } from "../../builders/stores.ts";
import { answering, Faults } from "../../fakes/failing.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";

const V = volumeIdForName("v");

/** An array whose calls are counted. */
function aCounted(name: string): { backend: Backend; rds: MemoryRds; faults: Faults } {
  const rds = new MemoryRds();
  const faults = new Faults({ callNumber: 0, moment: "before" });
  const backend = aBackend(name, rds);
  const { volumes, snapshots } = backend;
  return {
    rds,
    faults,
    backend: { ...backend, volumes: faults.wrap(volumes), snapshots: faults.wrap(snapshots) },
  };
}

/** An array that answers nothing: every call fails as `answer` does. */
function aSilent(name: string, answer: () => Promise<never>): Backend {
  const backend = aBackend(name);
  return {
    ...backend,
    volumes: answering(backend.volumes, answer),
    snapshots: answering(backend.snapshots, answer),
  };
}

const refuse = (): Promise<never> =>
  Promise.reject(new StorageError("unavailable", "Cannot reach 192.0.2.7: no answer"));
const hang = (): Promise<never> => new Promise(() => {});

function backendsOf(...all: readonly Backend[]): Backends {
  return new Backends(all, all[0]?.name ?? "", new ManualClock());
}

Deno.test("named() gives the default backend for no name, and refuses one that is not there", () => {
  const [one, two] = [aBackend("one"), aBackend("two")];
  const backends = new Backends([one, two], "two", new ManualClock());
  assert.equal(backends.named(undefined), two);
  assert.equal(backends.named("one"), one);
  assert.throws(() => backends.named("three"), /Cannot use backend "three": there is one, two/);
});

Deno.test("Backends refuses two of one name, and a default that is not there", () => {
  assert.throws(() => backendsOf(aBackend("one"), aBackend("one")), /two have the same name/);
  assert.throws(() => new Backends([], "one", new ManualClock()), /there is none/);
});

Deno.test("locate() asks nobody when there is one array", async () => {
  const { backend, faults } = aCounted("one");
  assert.equal(await backendsOf(backend).locate(V, FOREVER), backend);
  assert.deepEqual(faults.calls, []);
});

Deno.test("find() gives the array that has the volume, though another never answers", async () => {
  const { backend, rds } = aCounted("one");
  const volume = await rds.volumes.create(aNewVolume("v"), FOREVER);
  for (const answer of [refuse, hang]) {
    const found = await backendsOf(aSilent("down", answer), backend).find(V, FOREVER);
    assert.deepEqual(found, { backend, item: volume });
  }
});

Deno.test("find() gives undefined when all arrays answered and none has the volume", async () => {
  assert.equal(await backendsOf(aBackend("one"), aBackend("two")).find(V, FOREVER), undefined);
});

Deno.test("find() never takes silence for absence: it names the array that did not answer", async () => {
  const found = backendsOf(aBackend("one"), aSilent("down", refuse)).find(V, FOREVER);
  await assert.rejects(found, {
    code: "unavailable",
    message: `Cannot ask backend "down": Cannot reach 192.0.2.7: no answer`,
  });
});

Deno.test("find() asks the array where a volume was seen, and no other", async () => {
  const [one, two] = [aCounted("one"), aCounted("two")];
  await two.rds.volumes.create(aNewVolume("v"), FOREVER);
  const backends = backendsOf(one.backend, two.backend);
  await backends.find(V, FOREVER);
  await backends.find(V, FOREVER);
  assert.deepEqual(one.faults.calls, ["find"]);
  assert.deepEqual(two.faults.calls, ["find", "find"]);
});

Deno.test("find() believes the arrays, not what it remembers", async () => {
  const [one, two] = [aCounted("one"), aCounted("two")];
  await two.rds.volumes.create(aNewVolume("v"), FOREVER);
  const backends = backendsOf(one.backend, two.backend);
  backends.remember(V, one.backend);
  assert.equal((await backends.find(V, FOREVER))?.backend, two.backend);
  await two.rds.volumes.delete(V, FOREVER);
  assert.equal(await backends.find(V, FOREVER), undefined);
});

Deno.test("find() asks the others when the array where a volume was seen is down", async () => {
  const { backend, rds } = aCounted("one");
  await rds.volumes.create(aNewVolume("v"), FOREVER);
  const down = aSilent("down", refuse);
  const unreachable = { ...aSilent("gone", hang), isReachable: () => false };
  for (const remembered of [down, unreachable]) {
    const backends = backendsOf(backend, remembered);
    backends.remember(V, remembered);
    assert.equal((await backends.find(V, FOREVER))?.backend, backend);
  }
});

Deno.test("find() lets a bug through as it is", async () => {
  const broken = aSilent("broken", () => Promise.reject(new TypeError("a bug")));
  await assert.rejects(backendsOf(aBackend("one"), broken).find(V, FOREVER), TypeError);
});

Deno.test("find() gives the caller's reason when the caller leaves", async () => {
  const signal = AbortSignal.abort(new Error("left"));
  await assert.rejects(backendsOf(aBackend("one"), aBackend("two")).find(V, signal), /left/);
});

Deno.test("find() gives the caller's reason also when an array says something else then", async () => {
  const caller = new AbortController();
  const leaving = aSilent("one", () => {
    caller.abort(new Error("left"));
    return refuse();
  });
  await assert.rejects(backendsOf(leaving, aBackend("two")).find(V, caller.signal), /left/);
});

Deno.test("lists are complete or fail naming the array that is missing", async () => {
  const [one, two] = [aCounted("one"), aCounted("two")];
  for (const { rds } of [one, two]) {
    await rds.volumes.create(aNewVolume("v"), FOREVER);
    await rds.snapshots.create(aNewSnapshot("s", "v"), FOREVER);
  }
  const whole = backendsOf(one.backend, two.backend);
  assert.equal((await whole.listVolumes(FOREVER)).length, 2);
  assert.equal((await whole.listSnapshots(FOREVER)).length, 2);
  const part = backendsOf(one.backend, aSilent("down", refuse));
  const isNamed = { code: "unavailable", message: /backend "down"/ };
  await assert.rejects(part.listVolumes(FOREVER), isNamed);
  await assert.rejects(part.listSnapshots(FOREVER), isNamed);
});

Deno.test("checkNotElsewhere() refuses a name that another array has", async () => {
  const [one, two] = [aCounted("one"), aCounted("two")];
  await two.rds.volumes.create(aNewVolume("v"), FOREVER);
  await two.rds.snapshots.create(aNewSnapshot("s", "v"), FOREVER);
  const backends = backendsOf(one.backend, two.backend);
  const isNamed = { code: "already-exists", message: /on backend "two"$/ };
  await assert.rejects(backends.checkNotElsewhere(one.backend, V, FOREVER), isNamed);
  const { nameDigest } = aNewSnapshot("s", "v");
  const check = backends.checkSnapshotNotElsewhere(one.backend, nameDigest, FOREVER);
  await assert.rejects(check, isNamed);
  await backends.checkNotElsewhere(two.backend, V, FOREVER);
  await backends.checkSnapshotNotElsewhere(two.backend, nameDigest, FOREVER);
});

Deno.test("checkNotElsewhere() passes over an array that is down, and over one that is slow", async () => {
  const chosen = aBackend("one");
  const clock = new ManualClock();
  const unreachable = { ...aSilent("gone", hang), isReachable: () => false };
  const all = [chosen, aSilent("down", refuse), aSilent("slow", hang), unreachable];
  let isDone = false;
  const check = new Backends(all, "one", clock).checkNotElsewhere(chosen, V, FOREVER)
    .then(() => isDone = true);
  await clock.advance(1_999);
  assert.equal(isDone, false);
  await clock.advance(1);
  await check;
});

Deno.test("checkNotElsewhere() waits for a stuck array once, and asks it again when it is back", async () => {
  const { backend: chosen } = aCounted("one");
  const { backend: well, rds } = aCounted("two");
  await rds.volumes.create(aNewVolume("v"), FOREVER);
  const clock = new ManualClock();
  let isStuck = true;
  let asked = 0;
  const find: Backend["volumes"]["find"] = (id, signal) => {
    asked += 1;
    return isStuck ? hang() : well.volumes.find(id, signal);
  };
  const stuck = { ...well, volumes: { ...aSilent("two", hang).volumes, find } };
  const backends = new Backends([chosen, stuck], "one", clock);
  const first = backends.checkNotElsewhere(chosen, V, FOREVER);
  await clock.advance(2_000);
  await first;
  await backends.checkNotElsewhere(chosen, V, FOREVER);
  assert.equal(asked, 1, "no call is to wait for it again");
  await clock.advance(10_000);
  await backends.checkNotElsewhere(chosen, V, FOREVER);
  await backends.checkNotElsewhere(chosen, V, FOREVER);
  assert.equal(asked, 2, "one call asks it again, and none waits");
  isStuck = false;
  await clock.advance(12_000);
  await backends.checkNotElsewhere(chosen, V, FOREVER);
  await clock.advance(0);
  await assert.rejects(backends.checkNotElsewhere(chosen, V, FOREVER), { code: "already-exists" });
});

Deno.test("checkNotElsewhere() does not even wait for an array that is known to be down", async () => {
  const chosen = aBackend("one");
  const unreachable = { ...aSilent("gone", hang), isReachable: () => false };
  await backendsOf(chosen, unreachable).checkNotElsewhere(chosen, V, FOREVER);
});
