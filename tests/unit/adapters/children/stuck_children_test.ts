/** Children that hang in the kernel: remembered, shown, bounded, and never waited for. */
import assert from "node:assert/strict";
import { ProgramRunner } from "../../../../src/adapters/children/program_runner.ts";
import { StuckChildren } from "../../../../src/adapters/children/stuck_children.ts";
import { StorageError } from "../../../../src/domain/errors.ts";
import type { ProgramCall } from "../../../../src/ports/programs.ts";
import { ManualClock } from "../../../fakes/manual_clock.ts";
import { FakeProcesses } from "./processes.ts";

const FOREVER = new AbortController().signal;
const DEADLINE_MS = 30_000;

interface Machine {
  readonly clock: ManualClock;
  readonly processes: FakeProcesses;
  readonly programs: ProgramRunner;
}

function aMachine(stuckMax = 16): Machine {
  const clock = new ManualClock();
  const processes = new FakeProcesses();
  const { launch, startOf } = processes;
  const stuck = new StuckChildren({ clock, startOf, stuckMax });
  return { clock, processes, programs: new ProgramRunner({ launch, stuck, clock }) };
}

function anUnmount(subject: string): ProgramCall {
  return { program: "/bin/umount", args: ["/mnt"], deadlineMs: DEADLINE_MS, subject };
}

/** Lets an unmount of the subject hang. */
async function hang(
  { clock, processes, programs }: Machine,
  subject: string,
): Promise<StorageError> {
  processes.temper = "hangs";
  const running = programs.run(anUnmount(subject), FOREVER).catch((error) => error);
  await clock.advance(DEADLINE_MS + 1000);
  processes.temper = "runs";
  const error = await running;
  assert.ok(error instanceof StorageError);
  return error;
}

Deno.test("a child that is killed and does not end is reported and shown, not waited for", async () => {
  const machine = aMachine();
  const error = await hang(machine, "259:3");
  assert.equal(error.code, "unavailable");
  assert.equal(
    error.message,
    "Cannot run umount for 259:3: it did not end in 30 s and hangs in the kernel (process 100)",
  );
  const shown = { pid: 100, what: "umount", subject: "259:3", ageMs: 31_000 };
  assert.deepEqual(machine.programs.stuck(), [shown]);
});

Deno.test("a subject with a stuck child gets no second one; other subjects go on", async () => {
  const machine = aMachine();
  const { processes, programs } = machine;
  await hang(machine, "259:3");
  await assert.rejects(programs.run(anUnmount("259:3"), FOREVER), {
    code: "unavailable",
    message: "Cannot run umount for 259:3: umount (process 100) hangs in the kernel for 31 s",
  });
  assert.equal(processes.all.length, 1, "none was started");
  const other = programs.run(anUnmount("259:4"), FOREVER);
  await machine.clock.advance(0);
  processes.all[1]?.end(0);
  assert.equal((await other).code, 0);
});

Deno.test("a stuck child that ends later leaves the list, and its subject is free again", async () => {
  const machine = aMachine();
  const { processes, programs } = machine;
  await hang(machine, "259:3");
  processes.all[0]?.end(137);
  await machine.clock.advance(0);
  assert.deepEqual(programs.stuck(), []);
  const again = programs.run(anUnmount("259:3"), FOREVER);
  await machine.clock.advance(0);
  processes.all[1]?.end(32);
  assert.equal((await again).code, 32);
});

Deno.test("a process id that another process has by now is not taken for the stuck child", async () => {
  const machine = aMachine();
  await hang(machine, "259:3");
  machine.processes.reusePids();
  assert.deepEqual(machine.programs.stuck(), []);
});

Deno.test("with as many stuck children as are allowed, no more are started", async () => {
  const machine = aMachine(3);
  for (const subject of ["259:1", "259:2", "259:3"]) await hang(machine, subject);
  assert.equal(machine.programs.stuck().length, 3);
  await assert.rejects(machine.programs.run(anUnmount("259:4"), FOREVER), {
    code: "unavailable",
    message: "Cannot run umount for 259:4: 3 children of this node hang in the kernel, and no " +
      "more are started",
  });
  assert.equal(machine.processes.all.length, 3);
});

Deno.test("the oldest stuck child is shown first", async () => {
  const machine = aMachine();
  await hang(machine, "259:1");
  await hang(machine, "259:2");
  assert.deepEqual(machine.programs.stuck().map(({ subject }) => subject), ["259:1", "259:2"]);
});

Deno.test("a caller that gives up on a child that hangs gets its reason, and the child counts", async () => {
  const machine = aMachine();
  machine.processes.temper = "hangs";
  const caller = new AbortController();
  const running = machine.programs.run(anUnmount("259:3"), caller.signal).catch((error) => error);
  await machine.clock.advance(10);
  caller.abort(new Error("the call was cancelled"));
  await machine.clock.advance(1000);
  assert.match((await running).message, /the call was cancelled/);
  assert.equal(machine.programs.stuck().length, 1);
});
