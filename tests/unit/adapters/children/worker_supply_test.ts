/** Workers for calls: whichever comes first, in the order of the calls, few starts at a time. */
import assert from "node:assert/strict";
import { GREETING } from "../../../../src/adapters/children/kernel_protocol.ts";
import type { KernelWorker } from "../../../../src/adapters/children/kernel_worker.ts";
import { StuckChildren } from "../../../../src/adapters/children/stuck_children.ts";
import { WorkerSupply } from "../../../../src/adapters/children/worker_supply.ts";
import { ManualClock } from "../../../fakes/manual_clock.ts";
import { FakeProcesses } from "./processes.ts";

const FOREVER = new AbortController().signal;

/** A supply whose workers start when the test says so. */
class Rig {
  readonly clock = new ManualClock();
  readonly processes = new FakeProcesses();
  readonly supply: WorkerSupply;
  /** The calls that were given a worker, in that order, with the number of its process. */
  readonly served: [call: string, process: number][] = [];
  readonly #workers = new Map<string, KernelWorker>();

  constructor() {
    const { clock, processes: { launch, startOf } } = this;
    const stuck = new StuckChildren({ clock, startOf, stuckMax: 128 });
    this.supply = new WorkerSupply({ worker: ["rds-csi"], launch, stuck, clock });
    this.processes.isSilent = true;
  }

  /** A call asks for a worker. */
  async take(call: string, signal: AbortSignal = FOREVER): Promise<void> {
    const worker = await this.supply.take(call, signal);
    this.#workers.set(call, worker);
    this.served.push([call, worker.child.pid - 100]);
  }

  /** Calls ask for a worker, one after another. @returns what became of each, in time */
  async takeAll(...calls: readonly string[]): Promise<{ readonly outcome: Promise<string> }[]> {
    const taken = calls.map((call) => ({
      outcome: this.take(call).then(() => "served", (error: Error) => error.message),
    }));
    await this.settle();
    return taken;
  }

  /** The worker of that number takes calls from now on. */
  async greet(process: number): Promise<void> {
    this.processes.all[process]?.say(GREETING);
    await this.settle();
  }

  /** The worker of that number ends with a complaint. */
  async fail(process: number): Promise<void> {
    this.processes.all[process]?.complain(`no memory for ${process}`);
    this.processes.all[process]?.end(1);
    await this.settle();
  }

  /** A call is done with its worker. */
  async done(call: string): Promise<void> {
    await this.supply.giveBack(this.#workerOf(call));
    await this.settle();
  }

  /** A call's worker can make no more calls. */
  async writeOff(call: string): Promise<void> {
    await this.supply.writeOff(this.#workerOf(call));
    await this.settle();
  }

  /** So long that none who waits counts on a worker that another call has. */
  async waitForFreed(): Promise<void> {
    await this.clock.advance(100);
    await this.settle();
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn++) await this.clock.advance(0);
  }

  get startCount(): number {
    return this.processes.all.length;
  }

  #workerOf(call: string): KernelWorker {
    const worker = this.#workers.get(call);
    assert.ok(worker !== undefined, `${call} has no worker`);
    return worker;
  }
}

Deno.test("a call takes a worker that is freed before the one started for it is ready", async () => {
  const rig = new Rig();
  await rig.takeAll("a");
  await rig.greet(0);
  await rig.takeAll("b");
  await rig.clock.advance(99);
  assert.equal(rig.startCount, 1, "it first waits for one in use as long as a start takes");
  await rig.clock.advance(1);
  assert.equal(rig.startCount, 2);
  await rig.done("a");
  assert.deepEqual(rig.served, [["a", 0], ["b", 0]]);
  await rig.greet(1);
  await rig.takeAll("c");
  assert.deepEqual(rig.served.at(-1), ["c", 1], "what was started is there for the next");
  assert.equal(rig.startCount, 2);
});

Deno.test("a call takes a worker that was started for another, and first come is first served", async () => {
  const rig = new Rig();
  await rig.takeAll("a", "b", "c");
  await rig.greet(1);
  await rig.greet(0);
  await rig.done("a");
  assert.deepEqual(rig.served, [["a", 1], ["b", 0], ["c", 1]]);
});

Deno.test("two workers are being started at a time, and no more than calls wait", async () => {
  const rig = new Rig();
  await rig.takeAll("a");
  assert.equal(rig.startCount, 1);
  await rig.takeAll("b", "c", "d", "e");
  assert.equal(rig.startCount, 2);
  await rig.waitForFreed();
  assert.equal(rig.startCount, 2);
  for (const [process, count] of [[0, 3], [1, 4], [2, 5], [3, 5], [4, 5]] as const) {
    await rig.greet(process);
    assert.equal(rig.startCount, count, `after ${process + 1} have started`);
  }
  assert.deepEqual(rig.served.map(([call]) => call), ["a", "b", "c", "d", "e"]);
});

Deno.test("a burst of short calls starts no more workers than it finds none in use", async () => {
  const rig = new Rig();
  const calls = Array.from("abcdefghijkl");
  await rig.takeAll(...calls);
  await rig.greet(0);
  for (const call of calls) {
    await rig.clock.advance(8);
    await rig.done(call);
  }
  assert.deepEqual(rig.served, calls.map((call) => [call, 0]));
  assert.equal(rig.startCount, 2);
});

Deno.test("a worker that is written off is replaced at once when it was the only one", async () => {
  const rig = new Rig();
  await rig.takeAll("a");
  await rig.greet(0);
  await rig.takeAll("b");
  assert.equal(rig.startCount, 1);
  await rig.writeOff("a");
  assert.equal(rig.startCount, 2);
  assert.ok(rig.processes.all[0]?.hasEnded);
});

Deno.test("no call fails because no worker starts, as long as one is freed again and again", async () => {
  const rig = new Rig();
  const calls = Array.from("abcdefghijklmnop");
  const taken = await rig.takeAll(...calls);
  await rig.greet(0);
  for (const call of calls) {
    await rig.clock.advance(15_000);
    await rig.done(call);
  }
  assert.equal(rig.served.length, 16);
  for (const { outcome } of taken) assert.equal(await outcome, "served");
});

Deno.test("a start that hangs is written off, and leaves time for another", async () => {
  const rig = new Rig();
  rig.processes.temper = "hangs";
  await rig.takeAll("a");
  await rig.clock.advance(20_999);
  assert.equal(rig.startCount, 1);
  await rig.clock.advance(1);
  assert.equal(rig.startCount, 2);
  assert.ok(rig.processes.all[0]?.isKilled);
  await rig.greet(1);
  assert.deepEqual(rig.served, [["a", 1]]);
});

Deno.test("calls fail when for 45 s nobody is given a worker", async () => {
  const rig = new Rig();
  await rig.clock.advance(3_600_000);
  const taken = await rig.takeAll("a", "b");
  await rig.clock.advance(10_000);
  await rig.greet(0);
  await rig.clock.advance(44_999);
  await rig.takeAll("c");
  await rig.clock.advance(1);
  assert.deepEqual(await Promise.all(taken.map(({ outcome }) => outcome)), [
    "served",
    "Cannot b: no worker started or became free in 45 s",
  ]);
  await rig.done("a");
  assert.deepEqual(rig.served, [["a", 0], ["c", 0]], "its own time counts for each");
});

Deno.test("three starts that fail in a row give all who wait the reason at once", async () => {
  const rig = new Rig();
  const taken = await rig.takeAll("a", "b", "c");
  for (let start = 0; start < 3; start++) await rig.fail(start);
  const reason = "Cannot make a kernel call: its worker ended: no memory for 2";
  for (const { outcome } of taken) assert.equal(await outcome, reason);
  assert.equal(rig.startCount, 4, "the last was on its way already");
  await rig.greet(3);
  await rig.takeAll("d");
  assert.deepEqual(rig.served, [["d", 3]]);
});

Deno.test("a machine that refuses to start processes is asked three times", async () => {
  const clock = new ManualClock();
  const stuck = new StuckChildren({ clock, startOf: () => undefined, stuckMax: 128 });
  let count = 0;
  const launch = (): never => {
    count++;
    throw new TypeError("Cannot allocate memory");
  };
  const supply = new WorkerSupply({ worker: ["rds-csi"], launch, stuck, clock });
  await assert.rejects(supply.take("run it", FOREVER), {
    code: "unavailable",
    message: "Cannot start a worker for kernel calls: Cannot allocate memory",
  });
  assert.equal(count, 3);
});

Deno.test("failures before a worker came, to whomever, and before a call waited do not count", async () => {
  const rig = new Rig();
  const [, second] = await rig.takeAll("a", "b", "c");
  await rig.waitForFreed();
  await rig.fail(0);
  await rig.fail(1);
  await rig.greet(2);
  await rig.fail(3);
  await rig.takeAll("d");
  await rig.fail(4);
  assert.deepEqual(rig.served, [["a", 2]]);
  await rig.fail(5);
  assert.match(await second?.outcome ?? "", /no memory for 5$/);
  await rig.greet(6);
  assert.deepEqual(rig.served, [["a", 2], ["d", 6]]);
});

Deno.test("a caller that gives up gets its reason, and leaves its worker to the next", async () => {
  const rig = new Rig();
  const caller = new AbortController();
  const given = rig.take("a", caller.signal).catch((error) => error);
  await rig.takeAll("b");
  caller.abort(new Error("the call was cancelled"));
  assert.match((await given).message, /the call was cancelled/);
  await rig.greet(0);
  assert.deepEqual(rig.served, [["b", 0]]);
});

Deno.test("a worker that comes in the turn in which its caller gives up goes to the next", async () => {
  const rig = new Rig();
  await rig.takeAll("a");
  await rig.greet(0);
  const caller = new AbortController();
  const given = rig.take("b", caller.signal).catch((error) => error);
  await rig.takeAll("c");
  caller.abort(new Error("the call was cancelled"));
  await rig.done("a");
  assert.match((await given).message, /the call was cancelled/);
  assert.deepEqual(rig.served, [["a", 0], ["c", 0]]);
});

Deno.test("a freed worker that has ended is given to nobody", async () => {
  const rig = new Rig();
  await rig.takeAll("a");
  await rig.greet(0);
  await rig.takeAll("b");
  await rig.fail(0);
  await rig.done("a");
  assert.deepEqual(rig.served, [["a", 0]]);
  await rig.greet(1);
  assert.deepEqual(rig.served, [["a", 0], ["b", 1]]);
});

/** Calls that had a worker each, all done. */
async function aBusyHour(calls: string): Promise<Rig> {
  const rig = new Rig();
  rig.processes.isSilent = false;
  await rig.takeAll(...calls);
  await rig.waitForFreed();
  assert.equal(rig.served.length, calls.length);
  for (const call of calls) await rig.done(call);
  return rig;
}

Deno.test("four idle workers are kept, and none for longer than three minutes", async () => {
  const rig = await aBusyHour("abcdef");
  assert.equal(rig.processes.running.length, 4);
  await rig.clock.advance(179_999);
  assert.equal(rig.processes.running.length, 4);
  await rig.clock.advance(1);
  assert.equal(rig.processes.running.length, 0);
  assert.equal(rig.clock.sleeperCount, 0);
});

Deno.test("calls one after another keep one worker, and the others come to their end", async () => {
  const rig = await aBusyHour("abcd");
  for (let turn = 0; turn < 3; turn++) {
    await rig.clock.advance(75_000);
    await rig.takeAll(`later ${turn}`);
    await rig.done(`later ${turn}`);
  }
  assert.equal(rig.processes.running.length, 1);
  assert.equal(rig.startCount, 4);
  assert.equal(rig.clock.sleeperCount, 1, "the time of the one");
});

Deno.test("an idle worker that has ended is not given out", async () => {
  const rig = await aBusyHour("ab");
  await rig.fail(1);
  await rig.takeAll("c");
  assert.deepEqual(rig.served.at(-1), ["c", 0]);
});

Deno.test("closing waits for workers that are idle or being started, and keeps none", async () => {
  const rig = new Rig();
  await rig.takeAll("a");
  await rig.greet(0);
  await rig.takeAll("b");
  await rig.waitForFreed();
  await rig.done("a");
  let isClosed = false;
  const closed = rig.supply.close().then(() => isClosed = true);
  await rig.settle();
  assert.equal(isClosed, false);
  await rig.greet(1);
  await closed;
  assert.deepEqual(rig.processes.running.map(({ pid }) => pid), [100], "b has it");
  await rig.done("b");
  assert.equal(rig.processes.running.length, 0);
});
