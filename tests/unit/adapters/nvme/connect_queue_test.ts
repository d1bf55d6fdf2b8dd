import assert from "node:assert/strict";
import { ConnectQueue } from "../../../../src/adapters/nvme/connect_queue.ts";
import { ManualClock } from "../../../fakes/manual_clock.ts";

const NEVER = new AbortController().signal;

/** A queue, what ran in it in order, and work that waits for a word. */
function openQueue(waitMs = 60_000): {
  clock: ManualClock;
  order: string[];
  add: (lane: string, name: string, signal?: AbortSignal) => Promise<void>;
  finish: () => Promise<void>;
} {
  const clock = new ManualClock();
  const queue = new ConnectQueue(clock, waitMs);
  const order: string[] = [];
  let end = (): void => {};
  const add = (lane: string, name: string, signal: AbortSignal = NEVER): Promise<void> =>
    queue.run(lane, () => {
      order.push(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      end = resolve;
      return promise;
    }, signal);
  const finish = async (): Promise<void> => {
    end();
    await clock.advance(0);
  };
  return { clock, order, add, finish };
}

Deno.test("connects run one at a time", async () => {
  const { order, add, finish } = openQueue();
  const all = [add("a", "a1"), add("a", "a2"), add("b", "b1")];
  assert.deepEqual(order, ["a1"]);
  await finish();
  assert.deepEqual(order, ["a1", "a2"]);
  await finish();
  await finish();
  await Promise.all(all);
  assert.deepEqual(order, ["a1", "a2", "b1"]);
});

Deno.test("addresses take turns, however many wait for one of them", async () => {
  const { order, add, finish } = openQueue();
  const names = ["a1", "a2", "a3", "a4", "b1", "b2", "c1"];
  const all = names.map((name) => add(name.slice(0, 1), name));
  for (const _name of names) await finish();
  await Promise.all(all);
  assert.deepEqual(order, ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]);
});

Deno.test("one that fails passes the turn on", async () => {
  const clock = new ManualClock();
  const queue = new ConnectQueue(clock, 1000);
  const failing = queue.run("a", () => Promise.reject(new Error("no")), NEVER);
  const next = queue.run("a", () => Promise.resolve("done"), NEVER);
  await assert.rejects(failing, /no/);
  assert.equal(await next, "done");
  assert.equal(clock.sleeperCount, 0);
});

Deno.test("a caller that leaves the queue takes nobody's turn", async () => {
  const { order, add, finish } = openQueue();
  const leaving = new AbortController();
  const first = add("a", "a1");
  const left = add("a", "a2", leaving.signal);
  const last = add("a", "a3");
  leaving.abort(new Error("left"));
  await assert.rejects(left, /left/);
  await finish();
  await finish();
  await Promise.all([first, last]);
  assert.deepEqual(order, ["a1", "a3"]);
});

Deno.test("who leaves in the moment the turn comes passes it on", async () => {
  const { order, add, finish, clock } = openQueue();
  const leaving = new AbortController();
  const first = add("a", "a1");
  const left = add("a", "a2", leaving.signal);
  const last = add("b", "b1");
  leaving.abort(new Error("left"));
  const over = finish();
  await assert.rejects(left, /left/);
  await over;
  await clock.advance(0);
  assert.deepEqual(order, ["a1", "b1"]);
  await finish();
  await Promise.all([first, last]);
});

Deno.test("who waits too long is told so, and the queue goes on", async () => {
  const { order, add, finish, clock } = openQueue(5000);
  const first = add("a", "a1");
  const late = assert.rejects(
    add("b", "b1"),
    /Cannot connect to b: other connects of this node took 5 s/,
  );
  await clock.advance(5000);
  await late;
  await finish();
  await first;
  const again = add("b", "b2");
  await finish();
  await again;
  assert.deepEqual(order, ["a1", "b2"]);
});

Deno.test("the queue is bounded", async () => {
  const { add, finish } = openQueue();
  const waiting = Array.from({ length: 513 }, (_, index) => add("a", `a${index}`));
  await assert.rejects(add("a", "more"), /512 connects are waiting for their turn/);
  for (const _each of waiting) await finish();
  await Promise.all(waiting);
});
