import assert from "node:assert/strict";
import { Resolver } from "../../../../src/adapters/nvme/resolve.ts";
import { ManualClock } from "../../../fakes/manual_clock.ts";

const NEVER = new AbortController().signal;

Deno.test("a numeric address is taken as it is, and nothing is looked up", async () => {
  const resolver = new Resolver(() => assert.fail("looked up"), new ManualClock(), 5000);
  for (const address of ["10.0.0.1", "fd00::1"]) {
    const at = { address, port: 4420 };
    assert.deepEqual(await resolver.resolve(at, NEVER), [at]);
  }
});

Deno.test("a name gives all its addresses once, each with the port", async () => {
  const found = ["10.0.0.1", "10.0.0.1", "fd00::1"];
  const resolver = new Resolver(() => Promise.resolve(found), new ManualClock(), 5000);
  assert.deepEqual(await resolver.resolve({ address: "box", port: 9 }, NEVER), [
    { address: "10.0.0.1", port: 9 },
    { address: "fd00::1", port: 9 },
  ]);
});

Deno.test("a name without an address is unavailable", async () => {
  const clock = new ManualClock();
  const resolver = new Resolver(() => Promise.resolve([]), clock, 5000);
  await assert.rejects(resolver.resolve({ address: "box", port: 9 }, NEVER), {
    code: "unavailable",
    message: 'Cannot resolve host name "box": it has no address',
  });
  const failing = new Resolver(() => Promise.reject(new Error("ENOTFOUND")), clock, 5000);
  await assert.rejects(failing.resolve({ address: "box", port: 9 }, NEVER), {
    code: "unavailable",
    message: 'Cannot resolve host name "box": ENOTFOUND',
  });
  assert.equal(clock.sleeperCount, 0);
});

Deno.test("a resolver that hangs is given up, and asked no second time", async () => {
  const clock = new ManualClock();
  let asked = 0;
  const resolver = new Resolver(
    () => {
      asked++;
      return new Promise(() => {});
    },
    clock,
    5000,
  );
  for (let attempt = 0; attempt < 2; attempt++) {
    const late = assert.rejects(resolver.resolve({ address: "box", port: 9 }, NEVER), {
      code: "unavailable",
      message: 'Cannot resolve host name "box": no answer in 5 s',
    });
    await clock.advance(5000);
    await late;
  }
  assert.equal(asked, 1);
});

Deno.test("a caller that leaves is let go at once", async () => {
  const leaving = new AbortController();
  const resolver = new Resolver(() => new Promise(() => {}), new ManualClock(), 5000);
  const left = assert.rejects(
    resolver.resolve({ address: "box", port: 9 }, leaving.signal),
    /left/,
  );
  leaving.abort(new Error("left"));
  await left;
});
