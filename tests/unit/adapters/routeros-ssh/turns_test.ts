/** Turns: in order, bounded, and nobody waits for ever. */
import assert from "node:assert/strict";
import { Turns } from "../../../../src/adapters/routeros-ssh/turns.ts";
import { StorageError } from "../../../../src/domain/errors.ts";
import { ManualClock } from "../../../fakes/manual_clock.ts";

const FOREVER = new AbortController().signal;
const LIMITS = { atOnce: 1, waitingMax: 2, waitMs: 1000 };

/** A turn that lasts until it is told to end. */
function held(turns: Turns, log: string[], name: string, signal: AbortSignal = FOREVER): {
  readonly end: () => void;
  readonly done: Promise<void>;
} {
  const gate = Promise.withResolvers<void>();
  const done = turns.take(signal, async () => {
    log.push(name);
    await gate.promise;
  });
  return { end: gate.resolve, done };
}

const isUnavailable = (error: unknown): boolean =>
  error instanceof StorageError && error.code === "unavailable";

Deno.test("turns come in the order they were asked for, one at a time", async () => {
  const turns = new Turns(LIMITS, new ManualClock());
  const log: string[] = [];
  const [first, second, third] = ["a", "b", "c"].map((name) => held(turns, log, name));
  first?.end();
  await first?.done;
  second?.end();
  await second?.done;
  third?.end();
  await third?.done;
  assert.deepEqual(log, ["a", "b", "c"]);
});

Deno.test("a full line refuses at once", async () => {
  const turns = new Turns(LIMITS, new ManualClock());
  const all = ["a", "b", "c"].map((name) => held(turns, [], name));
  await assert.rejects(turns.take(FOREVER, () => Promise.resolve()), isUnavailable);
  for (const one of all) one.end();
  await Promise.all(all.map(({ done }) => done));
});

Deno.test("who gives up leaves the line to the next", async () => {
  const turns = new Turns(LIMITS, new ManualClock());
  const log: string[] = [];
  const first = held(turns, log, "a");
  const caller = new AbortController();
  const leaving = held(turns, log, "b", caller.signal);
  const last = held(turns, log, "c");
  caller.abort();
  await assert.rejects(leaving.done, isUnavailable);
  first.end();
  last.end();
  await last.done;
  assert.deepEqual(log, ["a", "c"]);
});

Deno.test("nobody waits longer than the waiting time", async () => {
  const clock = new ManualClock();
  const turns = new Turns(LIMITS, clock);
  const first = held(turns, [], "a");
  const late = assert.rejects(turns.take(FOREVER, () => Promise.resolve()), /longer than 1000 ms/);
  await clock.advance(1000);
  await late;
  first.end();
  await first.done;
  assert.equal(await turns.take(FOREVER, () => Promise.resolve(7)), 7);
});

Deno.test("a turn that fails frees its place", async () => {
  const turns = new Turns(LIMITS, new ManualClock());
  await assert.rejects(turns.take(FOREVER, () => Promise.reject(new Error("x"))), /x/);
  assert.equal(await turns.take(FOREVER, () => Promise.resolve(7)), 7);
});

Deno.test("an aborted call takes no turn, even when a place is free", async () => {
  const turns = new Turns(LIMITS, new ManualClock());
  let ran = false;
  const work = (): Promise<void> => {
    ran = true;
    return Promise.resolve();
  };
  await assert.rejects(turns.take(AbortSignal.abort(), work), isUnavailable);
  assert.equal(ran, false);
});
