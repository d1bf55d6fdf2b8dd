import assert from "node:assert/strict";
import { systemClock } from "../../../../src/adapters/system/clock.ts";
import { systemRandom } from "../../../../src/adapters/system/random.ts";

Deno.test("sleep() ends no earlier than it was asked to", async () => {
  const before = systemClock.monotonicMs();
  await systemClock.sleep(5, new AbortController().signal);
  assert.ok(systemClock.monotonicMs() - before >= 4.5);
});

Deno.test("sleep() rejects with the signal's reason when it aborts first", async () => {
  const abort = new AbortController();
  const sleeping = systemClock.sleep(60_000, abort.signal);
  abort.abort(new Error("enough"));
  await assert.rejects(sleeping, /enough/);
});

Deno.test("sleep() rejects at once when the signal is aborted already", async () => {
  await assert.rejects(systemClock.sleep(60_000, AbortSignal.abort(new Error("late"))), /late/);
});

Deno.test("sleep() of a year does not end at once", async () => {
  const abort = new AbortController();
  const sleeping = systemClock.sleep(365 * 86_400_000, abort.signal).then(
    () => "woke",
    () => "cut",
  );
  await systemClock.sleep(5, new AbortController().signal);
  abort.abort();
  assert.equal(await sleeping, "cut");
});

Deno.test("wallMs() is the time of day and monotonicMs() never goes back", () => {
  assert.ok(Math.abs(systemClock.wallMs() - Date.now()) < 1000);
  assert.ok(systemClock.monotonicMs() <= systemClock.monotonicMs());
});

Deno.test("systemRandom() gives numbers in [0, 1) that differ", () => {
  const numbers = Array.from({ length: 100 }, () => systemRandom());
  assert.ok(numbers.every((number) => number >= 0 && number < 1));
  assert.ok(new Set(numbers).size > 50);
});
