import assert from "node:assert/strict";
import { isSmaller, mayGrowMounted } from "../../../../src/adapters/mount/growing_unmounted.ts";

const MIB = 1024 ** 2;

Deno.test("a file system is smaller than its device when a whole block is missing", () => {
  const header =
    "Filesystem UUID: x\nBlock count:              262144\nBlock size:               4096\n";
  assert.equal(isSmaller(header, 1024 * MIB), false);
  assert.equal(isSmaller(header, 1024 * MIB + 4095), false);
  assert.equal(isSmaller(header, 1024 * MIB + 4096), true);
});

Deno.test("a header that is not understood asks for nothing", () => {
  for (const header of ["", "Block count: 10\n", "Block size: 4096\n", "Block count: many\n"]) {
    assert.equal(isSmaller(header, 1024 * MIB), false, header);
  }
});

Deno.test("a mounted ext is grown by a process that has CAP_SYS_RESOURCE in effect", () => {
  assert.equal(mayGrowMounted("Name:\tdeno\nCapPrm:\t0\nCapEff:\t000001ffffffffff\n"), true);
  assert.equal(mayGrowMounted("CapPrm:\t000001ffffffffff\nCapEff:\t000001fffeffffff\n"), false);
  assert.equal(mayGrowMounted("Name:\tdeno\n"), false);
});
