import assert from "node:assert/strict";
import { afterFailure, FAILURES_MAX, isOpen, refusalOf } from "../../../src/domain/breaker.ts";
import type { Trouble } from "../../../src/domain/breaker.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;

function troubleAfter(failures: number): Trouble {
  let trouble = afterFailure(undefined, "it is broken", NOW_MS);
  for (let count = 1; count < failures; count++) {
    trouble = afterFailure(trouble, "it is broken", NOW_MS);
  }
  return trouble;
}

Deno.test("the breaker lets failures through until there were five in a row", () => {
  assert.equal(isOpen(undefined, NOW_MS), false);
  assert.equal(isOpen(troubleAfter(FAILURES_MAX - 1), NOW_MS), false);
  assert.equal(isOpen(troubleAfter(FAILURES_MAX), NOW_MS), true);
});

const PAUSES = [[5, 1], [6, 2], [7, 4], [8, 8], [9, 16], [10, 30], [1000, 30]] as const;
for (const [failures, minutes] of PAUSES) {
  Deno.test(`after ${failures} failures the breaker stays open for ${minutes} min`, () => {
    const trouble = troubleAfter(failures);
    const endMs = NOW_MS + minutes * MINUTE_MS;
    assert.equal(isOpen(trouble, endMs - 1), true);
    assert.equal(isOpen(trouble, endMs), false);
  });
}

Deno.test("a clock that was set back keeps no breaker open for longer than the longest pause", () => {
  assert.equal(isOpen(troubleAfter(5), NOW_MS - 60 * MINUTE_MS), false);
});

Deno.test("a refusal says why, until when, and how to end it", () => {
  const text = refusalOf(troubleAfter(5), "pvc-1");
  assert.match(text, /failed 5 times in a row/);
  assert.match(text, /2026-01-01T00:01:00.000Z/);
  assert.match(text, /it is broken/);
  assert.match(text, /rds-csi node reset-breaker pvc-1/);
});

Deno.test("the reason that is kept is bounded", () => {
  assert(afterFailure(undefined, "x".repeat(10_000), NOW_MS).reason.length <= 500);
});
