import assert from "node:assert/strict";
import { AddressBreaker } from "../../../../src/adapters/nvme/address_breaker.ts";
import { ManualClock } from "../../../fakes/manual_clock.ts";

const LIMITS = { firstMs: 10_000, longestMs: 30_000 };

function isLeftAlone(breaker: AddressBreaker, address: string): boolean {
  try {
    breaker.check(address, "it");
    return false;
  } catch {
    return true;
  }
}

Deno.test("an address that kept the kernel waiting is left alone for a while, with the reason", async () => {
  const clock = new ManualClock();
  const breaker = new AddressBreaker(LIMITS, clock, () => 0);
  breaker.failed("10.0.0.1", "EAGAIN");
  assert.throws(
    () => breaker.check("10.0.0.1", "VOLUME"),
    /Cannot connect to VOLUME: 10\.0\.0\.1 is left alone for 10 s after 1 failure, lately: EAGAIN/,
  );
  assert.equal(isLeftAlone(breaker, "10.0.0.2"), false);
  await clock.advance(10_000);
  assert.equal(isLeftAlone(breaker, "10.0.0.1"), false);
});

Deno.test("each failure doubles the time, up to the limit", async () => {
  const clock = new ManualClock();
  const breaker = new AddressBreaker(LIMITS, clock, () => 0);
  for (const waitMs of [10_000, 20_000, 30_000, 30_000]) {
    breaker.failed("a", "EAGAIN");
    await clock.advance(waitMs - 1);
    assert.equal(isLeftAlone(breaker, "a"), true);
    await clock.advance(1);
    assert.equal(isLeftAlone(breaker, "a"), false);
  }
});

Deno.test("a success forgets the failures", async () => {
  const clock = new ManualClock();
  const breaker = new AddressBreaker(LIMITS, clock, () => 0);
  breaker.failed("a", "x");
  breaker.failed("a", "x");
  breaker.succeeded("a");
  assert.equal(isLeftAlone(breaker, "a"), false);
  breaker.failed("a", "x");
  await clock.advance(10_000);
  assert.equal(isLeftAlone(breaker, "a"), false);
});

Deno.test("chance adds a fifth at most", async () => {
  const clock = new ManualClock();
  const breaker = new AddressBreaker(LIMITS, clock, () => 0.999);
  breaker.failed("a", "x");
  await clock.advance(11_900);
  assert.equal(isLeftAlone(breaker, "a"), true);
  await clock.advance(100);
  assert.equal(isLeftAlone(breaker, "a"), false);
});

Deno.test("no more addresses are remembered than a limit; the oldest goes first", () => {
  const breaker = new AddressBreaker(LIMITS, new ManualClock(), () => 0);
  for (let index = 0; index <= 1024; index++) breaker.failed(`a${index}`, "x");
  assert.equal(isLeftAlone(breaker, "a0"), false);
  assert.equal(isLeftAlone(breaker, "a1"), true);
  assert.equal(isLeftAlone(breaker, "a1024"), true);
});
