import assert from "node:assert/strict";
import { within } from "../../../src/application/deadline.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";

const FOREVER = new AbortController().signal;

/** Work that ends only when its signal aborts. */
function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

Deno.test("within() gives what the work gives, and lets its clock go", async () => {
  const clock = new ManualClock();
  assert.equal(await within(clock, 100, FOREVER, () => Promise.resolve(7)), 7);
  assert.equal(clock.sleeperCount, 0);
});

Deno.test("within() gives undefined when the work is late, and aborts it", async () => {
  const clock = new ManualClock();
  let given: AbortSignal | undefined;
  const result = within(clock, 100, FOREVER, (signal) => {
    given = signal;
    return hang(signal);
  });
  await clock.advance(99);
  assert.equal(given?.aborted, false);
  await clock.advance(1);
  assert.equal(await result, undefined);
  assert.equal(given?.aborted, true);
});

Deno.test("within() throws what the work throws", async () => {
  const failure = new Error("no");
  const late = within(new ManualClock(), 100, FOREVER, () => Promise.reject(failure));
  await assert.rejects(late, failure);
});

Deno.test("within() throws the caller's reason when the caller leaves", async () => {
  const caller = new AbortController();
  const result = within(new ManualClock(), 100, caller.signal, hang);
  caller.abort(new Error("left"));
  await assert.rejects(result, /left/);
});
