import assert from "node:assert/strict";
import fc from "fast-check";
import {
  CAPACITY_BYTES_MAX,
  CAPACITY_BYTES_MIN,
  capacityFor,
  GIB,
  MIB,
  satisfies,
  TIB,
} from "../../../src/domain/capacity.ts";
import type { CapacityRange } from "../../../src/domain/capacity.ts";
import { StorageError } from "../../../src/domain/errors.ts";

const CASES: { name: string; range: CapacityRange; contentBytes?: number; bytes: number }[] = [
  { name: "nothing said", range: { requiredBytes: 0, limitBytes: 0 }, bytes: GIB },
  { name: "less than the least", range: { requiredBytes: 1, limitBytes: 0 }, bytes: GIB },
  {
    name: "one byte above a mebibyte",
    range: { requiredBytes: GIB + 1, limitBytes: 0 },
    bytes: GIB + MIB,
  },
  {
    name: "1.5 TiB, to the byte",
    range: { requiredBytes: 1.5 * TIB, limitBytes: 0 },
    bytes: 1.5 * TIB,
  },
  {
    name: "exactly its limit",
    range: { requiredBytes: 5 * GIB, limitBytes: 5 * GIB },
    bytes: 5 * GIB,
  },
  {
    name: "a source that is larger",
    range: { requiredBytes: GIB, limitBytes: 0 },
    contentBytes: 3 * GIB - 1,
    bytes: 3 * GIB,
  },
  {
    name: "the largest",
    range: { requiredBytes: 16 * TIB, limitBytes: 0 },
    bytes: CAPACITY_BYTES_MAX,
  },
];

for (const { name, range, contentBytes, bytes } of CASES) {
  Deno.test(`capacityFor() of ${name} is ${bytes}`, () => {
    assert.equal(capacityFor(range, contentBytes), bytes);
  });
}

const REFUSED: { name: string; range: CapacityRange; contentBytes?: number; code: string }[] = [
  { name: "a negative size", range: { requiredBytes: -1, limitBytes: 0 }, code: "invalid" },
  { name: "half a byte", range: { requiredBytes: 0.5, limitBytes: 0 }, code: "invalid" },
  {
    name: "a size that no number holds exactly",
    range: { requiredBytes: 2 ** 53, limitBytes: 0 },
    code: "invalid",
  },
  {
    name: "a limit below what is required",
    range: { requiredBytes: 2 * GIB, limitBytes: GIB },
    code: "invalid",
  },
  {
    name: "a limit below the least",
    range: { requiredBytes: 0, limitBytes: GIB - 1 },
    code: "out-of-range",
  },
  {
    name: "a limit that falls into a mebibyte",
    range: { requiredBytes: GIB + 1, limitBytes: GIB + 2 },
    code: "out-of-range",
  },
  {
    name: "a source above the limit",
    range: { requiredBytes: 0, limitBytes: 2 * GIB },
    contentBytes: 3 * GIB,
    code: "out-of-range",
  },
  {
    name: "one byte above the most",
    range: { requiredBytes: 16 * TIB + 1, limitBytes: 0 },
    code: "out-of-range",
  },
];

for (const { name, range, contentBytes, code } of REFUSED) {
  Deno.test(`capacityFor() refuses ${name} with ${code}`, () => {
    assert.throws(() => capacityFor(range, contentBytes), { name: "StorageError", code });
  });
}

Deno.test("capacityFor() gives the smallest whole mebibyte in the range, or refuses", () => {
  const bytes = fc.oneof(fc.nat(4 * MIB), fc.integer({ min: 0, max: 20 * TIB }));
  fc.assert(fc.property(bytes, bytes, bytes, (requiredBytes, limitBytes, contentBytes) => {
    const range = { requiredBytes, limitBytes };
    try {
      const size = capacityFor(range, contentBytes);
      assert.equal(size % MIB, 0);
      assert.ok(satisfies(size, range) && size >= contentBytes);
      const smaller = size - MIB;
      assert.ok(
        smaller < CAPACITY_BYTES_MIN || smaller < requiredBytes || smaller < contentBytes,
      );
    } catch (error) {
      assert.ok(error instanceof StorageError);
      const least = Math.max(requiredBytes, contentBytes, CAPACITY_BYTES_MIN);
      const most = limitBytes === 0 ? CAPACITY_BYTES_MAX : Math.min(limitBytes, CAPACITY_BYTES_MAX);
      assert.ok(least > Math.floor(most / MIB) * MIB, error.message);
    }
  }));
});
