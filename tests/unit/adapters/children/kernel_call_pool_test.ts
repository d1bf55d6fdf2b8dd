/** The pool of workers for kernel calls: they are used again, hung ones cost the others nothing. */
import assert from "node:assert/strict";
import { KernelCallPool } from "../../../../src/adapters/children/kernel_call_pool.ts";
import { StuckChildren } from "../../../../src/adapters/children/stuck_children.ts";
import { StorageError } from "../../../../src/domain/errors.ts";
import type { KernelCall } from "../../../../src/ports/kernel_calls.ts";
import { ManualClock } from "../../../fakes/manual_clock.ts";
import { FakeProcesses } from "./processes.ts";

const FOREVER = new AbortController().signal;
const CALL = { kind: "measure-file-system", path: "/mnt" } as const;
const HANGING = { kind: "write-file", path: "/dead", text: "1" } as const;
const DEADLINE_MS = 5000;

interface Rig {
  readonly clock: ManualClock;
  readonly processes: FakeProcesses;
  readonly stuck: StuckChildren;
  readonly pool: KernelCallPool;
}

function aPool(): Rig {
  const clock = new ManualClock();
  const processes = new FakeProcesses();
  const { launch, startOf } = processes;
  const stuck = new StuckChildren({ clock, startOf, stuckMax: 16 });
  const pool = new KernelCallPool({ worker: ["rds-csi", "kernel-calls"], launch, stuck, clock });
  processes.answer = (line) =>
    line.includes("/dead") ? undefined : '{"isOk":true,"answer":{"type":1}}';
  return { clock, processes, stuck, pool };
}

function call(
  { pool }: Rig,
  what: KernelCall,
  subject = "259:1",
): Promise<unknown> {
  return pool.call(what, { deadlineMs: DEADLINE_MS, subject }, FOREVER);
}

Deno.test("calls one after another are made by one worker, and answers are passed on", async () => {
  const rig = aPool();
  for (let turn = 0; turn < 50; turn++) {
    assert.deepEqual(await call(rig, CALL), { isOk: true, answer: { type: 1 } });
  }
  assert.equal(rig.processes.all.length, 1);
  assert.deepEqual(rig.processes.all[0]?.launch, {
    program: "rds-csi",
    args: ["kernel-calls"],
    hasInput: true,
  });
});

Deno.test("an error of the kernel is a result, and the worker goes on", async () => {
  const rig = aPool();
  rig.processes.answer = () => '{"isOk":false,"errno":"EBUSY"}';
  assert.deepEqual(await call(rig, CALL), { isOk: false, errno: "EBUSY" });
  await call(rig, CALL);
  assert.equal(rig.processes.all.length, 1);
});

Deno.test("a worker that is not needed for three minutes ends", async () => {
  const rig = aPool();
  await call(rig, CALL);
  await rig.clock.advance(179_000);
  assert.equal(rig.processes.running.length, 1);
  await call(rig, CALL);
  await rig.clock.advance(179_000);
  assert.equal(rig.processes.running.length, 1, "a call begins the time anew");
  await rig.clock.advance(1000);
  assert.equal(rig.processes.running.length, 0);
  assert.equal(rig.clock.sleeperCount, 0);
});

Deno.test("calls that hang take nothing from others, whose worker is used again", async () => {
  const rig = aPool();
  rig.processes.temper = "hangs";
  const hung = Array.from(
    { length: 10 },
    (_, index) => call(rig, HANGING, `259:${index + 10}`).catch((error) => error),
  );
  for (let turn = 0; turn < 10; turn++) await rig.clock.advance(0);
  const waiting = call(rig, CALL);
  await rig.clock.advance(100);
  assert.deepEqual(await waiting, { isOk: true, answer: { type: 1 } });
  for (let turn = 0; turn < 20; turn++) await call(rig, CALL);
  assert.equal(rig.processes.all.length, 11);
  await rig.clock.advance(DEADLINE_MS + 1000);
  for (const error of await Promise.all(hung)) {
    assert.ok(error instanceof StorageError);
    assert.equal(error.code, "unavailable");
    assert.match(error.message, /it did not return in 5 s and hangs in the kernel$/);
  }
  assert.equal(rig.stuck.list().length, 10);
  await call(rig, CALL);
  assert.equal(rig.processes.all.length, 11);
});

Deno.test("a hung call's worker is not used again, and a call that waits starts another", async () => {
  const rig = aPool();
  const caller = new AbortController();
  const options = { deadlineMs: DEADLINE_MS, subject: "259:3" };
  const hung = rig.pool.call(HANGING, options, caller.signal).catch((error) => error);
  await rig.clock.advance(0);
  const other = call(rig, CALL);
  caller.abort(new Error("the call was cancelled"));
  assert.deepEqual(await other, { isOk: true, answer: { type: 1 } });
  assert.match((await hung).message, /the call was cancelled/);
  assert.deepEqual(rig.processes.all.map(({ isKilled }) => isKilled), [true, false]);
});

Deno.test("a call for a subject whose call hangs is refused, and no worker is started", async () => {
  const rig = aPool();
  rig.processes.temper = "hangs";
  const hung = call(rig, HANGING, "259:3").catch(() => {});
  await rig.clock.advance(DEADLINE_MS + 1000);
  await hung;
  await assert.rejects(call(rig, CALL, "259:3"), {
    code: "unavailable",
    message: "Cannot run measure-file-system for 259:3: write-file (process 100) hangs in the " +
      "kernel for 6 s",
  });
  assert.equal(rig.processes.all.length, 1);
});

Deno.test("sixteen calls are made at once; the next waits, and fails when none ends in time", async () => {
  const rig = aPool();
  const hung = Array.from(
    { length: 16 },
    (_, index) => call(rig, HANGING, `259:${index + 10}`).catch((error) => error),
  );
  await rig.clock.advance(1000);
  const waiting = call(rig, CALL);
  await rig.clock.advance(1000);
  assert.equal(rig.processes.all.length, 16);
  // At their deadline the sixteen are killed and end: the place is free before the wait is over.
  await rig.clock.advance(DEADLINE_MS);
  assert.deepEqual(await waiting, { isOk: true, answer: { type: 1 } });
  await Promise.all(hung);
});

Deno.test("more calls than can ever have their turn are refused at once", async () => {
  const rig = aPool();
  const calls = Array.from(
    { length: 16 + 256 + 1 },
    (_, index) => call(rig, HANGING, `259:${index}`).catch((error) => error),
  );
  const last = await calls.at(-1);
  assert.match((last as Error).message, /: 256 others wait already$/);
  await rig.clock.advance(60_000);
  await Promise.all(calls);
  assert.deepEqual(await call(rig, CALL), { isOk: true, answer: { type: 1 } });
});

Deno.test("a worker that does not start is killed, and its subject is not taken for hung", async () => {
  const rig = aPool();
  rig.processes.isSilent = true;
  rig.processes.temper = "hangs";
  const failed = call(rig, CALL).catch((error) => error);
  await rig.clock.advance(45_000);
  assert.equal(
    (await failed as Error).message,
    "Cannot run measure-file-system for 259:1: no worker started or became free in 45 s",
  );
  assert.deepEqual(rig.stuck.list().map(({ subject }) => subject), ["none", "none"]);
});

Deno.test("a worker that ends instead of answering fails the call with what it said last", async () => {
  const rig = aPool();
  const failed = call(rig, HANGING).catch((error) => error);
  await rig.clock.advance(0);
  rig.processes.all[0]?.complain("error: out of memory");
  rig.processes.all[0]?.end(134);
  await rig.clock.advance(0);
  assert.equal(
    (await failed as Error).message,
    "Cannot make a kernel call: its worker ended: error: out of memory",
  );
  assert.deepEqual(await call(rig, CALL), { isOk: true, answer: { type: 1 } });
});

Deno.test("a worker of another version than ours is not used", async () => {
  const rig = aPool();
  rig.processes.isSilent = true;
  const failed = call(rig, CALL).catch((error) => error);
  for (let start = 0; start < 3; start++) {
    await rig.clock.advance(0);
    rig.processes.all[start]?.say('{"protocol":2}');
  }
  await rig.clock.advance(0);
  assert.match((await failed as Error).message, /^Cannot start a worker .*protocol":2/);
});

Deno.test("windows that nobody should read are a bug, not an error of the device", async () => {
  const rig = aPool();
  const device = { path: "/dev/loop0", number: "7:0" as never };
  for (
    const window of [
      { offset: -1, length: 4096, want: "bytes" },
      { offset: 0, length: 0, want: "is-zero" },
      { offset: 0, length: 2 ** 30, want: "bytes" },
    ] as const
  ) {
    await assert.rejects(
      call(rig, { kind: "read-device", ...device, windows: [window] }),
      RangeError,
    );
  }
  assert.equal(rig.processes.all.length, 0);
});

Deno.test("disposing ends the idle workers, and none is kept afterwards", async () => {
  const rig = aPool();
  await Promise.all([call(rig, CALL), call(rig, CALL, "259:2")]);
  assert.equal(rig.processes.running.length, 2);
  await rig.pool[Symbol.asyncDispose]();
  assert.equal(rig.processes.running.length, 0);
  await call(rig, CALL);
  assert.equal(rig.processes.running.length, 0);
});
