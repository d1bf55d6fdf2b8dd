import assert from "node:assert/strict";
import { policyAttributes } from "../../../../src/adapters/nvme/policy_update.ts";
import { reconnectPolicyOf } from "../../../../src/domain/reconnect_policy.ts";

Deno.test("the delay is written before the time it divides, and off is -1", () => {
  assert.deepEqual(policyAttributes(reconnectPolicyOf()), [
    { name: "reconnect_delay", write: "5", shown: "5" },
    { name: "ctrl_loss_tmo", write: "-1", shown: "off" },
    { name: "fast_io_fail_tmo", write: "-1", shown: "off" },
  ]);
});

Deno.test("the kernel shows whole attempts: 25 s with a delay of 10 s are 30 s", () => {
  const policy = reconnectPolicyOf({ ctrlLossTmo: 25, reconnectDelay: 10, fastIoFailTmo: 0 });
  assert.deepEqual(policyAttributes(policy).slice(1), [
    { name: "ctrl_loss_tmo", write: "25", shown: "30" },
    { name: "fast_io_fail_tmo", write: "0", shown: "0" },
  ]);
});
