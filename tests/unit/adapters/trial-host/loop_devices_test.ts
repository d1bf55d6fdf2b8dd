import assert from "node:assert/strict";
import { labelOf, ownerOf, sizeLimitOf } from "../../../../src/adapters/trial-host/loop_devices.ts";

const HOST_IDS = [
  "00000000-0000-4000-8000-000000000000",
  "ffffffff-ffff-4fff-8fff-ffffffffffff",
  "0b5b2c6e-52a4-4a5c-8e55-9d1f4e8f0a11",
];

Deno.test("a size limit says owner and port, is whole sectors and above any file", () => {
  for (const hostId of HOST_IDS) {
    for (const port of [1, 4420, 65_535]) {
      const label = { owner: ownerOf(hostId), port };
      const limit = sizeLimitOf(label);
      assert.deepEqual(labelOf(limit), label);
      assert.equal(limit % 512n, 0n);
      // The kernel takes what fits into a signed number of 64 bits.
      assert.ok(limit >= 2n ** 61n && limit < 2n ** 63n);
    }
  }
});

Deno.test("a size limit that somebody else set is no label", () => {
  for (const limit of [0n, 512n, 2n ** 40n, 2n ** 61n + 1n, 2n ** 62n, 2n ** 63n - 1n]) {
    assert.equal(labelOf(limit), undefined, String(limit));
  }
});
