import assert from "node:assert/strict";
import fc from "fast-check";
import { StorageError } from "../../../src/domain/errors.ts";
import {
  DEFAULT_RECONNECT_POLICY,
  effectivePolicyOf,
  parseReconnectChange,
  reconnectParameters,
  reconnectPolicyOf,
} from "../../../src/domain/reconnect_policy.ts";
import type { ReconnectChange } from "../../../src/domain/reconnect_policy.ts";

/** Any change that is allowed by itself, contradictions between its parts included. */
const changes = fc.record({
  ctrlLossTmo: fc.oneof(fc.constant(-1), fc.integer({ min: 1, max: 86_400 })),
  reconnectDelay: fc.integer({ min: 1, max: 60 }),
  keepAliveTmo: fc.integer({ min: 1, max: 120 }),
  fastIoFailTmo: fc.integer({ min: 0, max: 86_400 }),
  nrIoQueues: fc.integer({ min: 1, max: 64 }),
}, { requiredKeys: [] });

Deno.test("parseReconnectChange() is the inverse of reconnectParameters()", () => {
  fc.assert(fc.property(changes, (change) => {
    assert.deepEqual({ ...parseReconnectChange(reconnectParameters(change)) }, { ...change });
  }));
});

const REFUSED: Record<string, string[]> = {
  ctrlLossTmo: ["0", "-2", "86401", "", "1.5", "1e3", " 1", "never"],
  reconnectDelay: ["0", "61", "-1"],
  keepAliveTmo: ["0", "121"],
  fastIoFailTmo: ["-1", "86401"],
  nrIoQueues: ["0", "65"],
};

for (const [key, texts] of Object.entries(REFUSED)) {
  for (const text of texts) {
    Deno.test(`parseReconnectChange() refuses ${key} "${text}"`, () => {
      assert.throws(() => parseReconnectChange({ [key]: text }), {
        code: "invalid",
        message: new RegExp(`Cannot use ${key} "${text}"`),
      });
    });
  }
}

Deno.test("reconnectPolicyOf() of nothing never gives up", () => {
  assert.deepEqual(reconnectPolicyOf(), DEFAULT_RECONNECT_POLICY);
  assert.equal(DEFAULT_RECONNECT_POLICY.ctrlLossTmo, -1);
});

Deno.test("reconnectPolicyOf() lets later changes win", () => {
  const policy = reconnectPolicyOf({ keepAliveTmo: 20, nrIoQueues: 2 }, { keepAliveTmo: 30 });
  assert.deepEqual(policy, { ...DEFAULT_RECONNECT_POLICY, keepAliveTmo: 30, nrIoQueues: 2 });
});

Deno.test("reconnectPolicyOf() refuses parts that contradict each other", () => {
  const contradictions: ReconnectChange[] = [
    { ctrlLossTmo: 9 },
    { ctrlLossTmo: 60, reconnectDelay: 31 },
    { ctrlLossTmo: 60, fastIoFailTmo: 60 },
  ];
  for (const change of contradictions) {
    assert.throws(() => reconnectPolicyOf(change), { code: "invalid" });
  }
  reconnectPolicyOf({ ctrlLossTmo: 10 });
  reconnectPolicyOf({ ctrlLossTmo: 60, fastIoFailTmo: 59 });
  reconnectPolicyOf({ fastIoFailTmo: 86_400 });
});

Deno.test("effectivePolicyOf() never fails for a change that was accepted by itself", () => {
  fc.assert(fc.property(changes, changes, (ofClass, changed) => {
    fc.pre(isAccepted(changed));
    const policy = effectivePolicyOf(ofClass, changed);
    for (const [key, value] of Object.entries(changed)) {
      assert.equal(new Map<string, unknown>(Object.entries(policy)).get(key), value);
    }
  }));
});

function isAccepted(change: ReconnectChange): boolean {
  try {
    reconnectPolicyOf(change);
    return true;
  } catch (error) {
    assert.ok(error instanceof StorageError);
    return false;
  }
}
