import assert from "node:assert/strict";
import { KeyedLock } from "../../../src/application/keyed_lock.ts";
import { StorageError } from "../../../src/domain/errors.ts";

const isBusy = (error: unknown): boolean => error instanceof StorageError && error.code === "busy";

Deno.test("take() refuses a key that is taken, naming it, and frees it at the end of the scope", () => {
  const lock = new KeyedLock();
  {
    using _turn = lock.take("a");
    assert.throws(() => lock.take("a"), /another operation on "a" is running/);
    assert.throws(() => lock.take("a"), isBusy);
  }
  using _again = lock.take("a");
});

Deno.test("take() of several keys takes all or none", () => {
  const lock = new KeyedLock();
  using _held = lock.take("b");
  assert.throws(() => lock.take("a", "b", "c"), isBusy);
  using _free = lock.take("a", "c");
});

Deno.test("take() accepts the same key twice in one call", () => {
  const lock = new KeyedLock();
  lock.take("a", "a")[Symbol.dispose]();
  assert.ok(lock.isIdle);
});

Deno.test("a lock that is disposed twice frees nothing of the next holder", () => {
  const lock = new KeyedLock();
  const first = lock.take("a");
  first[Symbol.dispose]();
  using _second = lock.take("a");
  first[Symbol.dispose]();
  assert.throws(() => lock.take("a"), isBusy);
});

Deno.test("work that can wait is told when it is wanted, and gone when the other comes again", () => {
  const locks = new KeyedLock();
  let asked = 0;
  const turn = locks.takeYielding("v", () => {
    asked++;
    turn[Symbol.dispose]();
  });
  assert.throws(() => locks.take("v"), isBusy);
  assert.equal(asked, 1);
  using _other = locks.take("v");
  assert.throws(() => locks.takeYielding("v", () => {}), isBusy);
});
