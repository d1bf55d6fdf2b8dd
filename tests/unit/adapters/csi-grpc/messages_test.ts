/** What a request says, as the domain reads it. */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { CapacityRangeSchema } from "../../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { capacityRangeOf } from "../../../../src/adapters/csi-grpc/messages.ts";
import { capacityFor, GIB } from "../../../../src/domain/capacity.ts";

const INT64_MAX = 2n ** 63n - 1n;

Deno.test("capacityRangeOf() takes absent sizes for zero", () => {
  assert.deepEqual(capacityRangeOf(undefined), { requiredBytes: 0, limitBytes: 0 });
  const empty = create(CapacityRangeSchema);
  assert.deepEqual(capacityRangeOf(empty), { requiredBytes: 0, limitBytes: 0 });
});

Deno.test("capacityRangeOf() takes the largest limit there is for no limit", () => {
  const range = create(CapacityRangeSchema, { limitBytes: INT64_MAX });
  assert.equal(capacityFor(capacityRangeOf(range)), GIB);
});

Deno.test("capacityRangeOf() refuses what no volume can have as out of range, and nonsense as invalid", () => {
  const of = (requiredBytes: bigint, limitBytes = 0n): () => void => () =>
    void capacityRangeOf(create(CapacityRangeSchema, { requiredBytes, limitBytes }));
  assert.throws(of(INT64_MAX), { code: "out-of-range", message: /9223372036854775807/ });
  assert.throws(of(2n ** 53n), { code: "out-of-range" });
  assert.throws(of(-1n), { code: "invalid", message: /required_bytes: -1/ });
  assert.throws(of(0n, -1n), { code: "invalid", message: /limit_bytes: -1/ });
});
