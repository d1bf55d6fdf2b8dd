import assert from "node:assert/strict";
import { splitNumber } from "../../../../src/adapters/nvme/kernel_files.ts";

Deno.test("device numbers are taken apart as the kernel puts them together", () => {
  // As stat(2) shows them: eight bits of the minor, twelve of the major, the minor's other twelve.
  assert.equal(splitNumber(0x10300), "259:0");
  assert.equal(splitNumber(0x10303), "259:3");
  assert.equal(splitNumber(0x800), "8:0");
  assert.equal(splitNumber(0xfff00000 + 0x103ff), "259:1048575");
});
