/** Numbers of the kernel's interface, which nothing but a table can be wrong about. */
import assert from "node:assert/strict";
import { constants } from "node:os";
import { errnoName } from "../../../../src/adapters/children/errno.ts";
import { openBits } from "../../../../src/adapters/children/libc.ts";
import { WORKER_V8_FLAGS } from "../../../../src/adapters/children/own_program.ts";
import { NODE_V8_FLAGS } from "../../../../tools/bundle.ts";

Deno.test("errnoName() knows every error that the platform knows", () => {
  const aliases: Record<string, string> = {
    EWOULDBLOCK: "EAGAIN",
    EDEADLOCK: "EDEADLK",
    ENOTSUP: "EOPNOTSUPP",
  };
  const known = Object.entries(constants.errno);
  assert.ok(known.length > 70);
  for (const [name, number] of known) assert.equal(errnoName(number), aliases[name] ?? name);
});

const ERRORS: [number, string][] = [
  [16, "EBUSY"],
  [28, "ENOSPC"],
  [101, "ENETUNREACH"],
  [114, "EALREADY"],
  [117, "EUCLEAN"],
  [121, "EREMOTEIO"],
  [126, "ENOKEY"],
  [129, "EKEYREJECTED"],
  [133, "EHWPOISON"],
  [999, "E999"],
];

for (const [number, name] of ERRORS) {
  Deno.test(`errnoName() calls ${number} ${name}`, () => assert.equal(errnoName(number), name));
}

Deno.test("openBits() differs between architectures where the kernel does", () => {
  const direct = { access: "read", isDirect: true } as const;
  assert.equal(openBits(direct, "x86_64"), 0x8_4000);
  assert.equal(openBits(direct, "aarch64"), 0x9_0000);
  const exclusive = { access: "both", isExclusive: true } as const;
  assert.equal(openBits(exclusive, "x86_64"), 0x8_0082);
  assert.equal(openBits(exclusive, "aarch64"), 0x8_0082);
  assert.throws(() => openBits(exclusive, "riscv64"), RangeError);
});

Deno.test("a worker has the flags of V8 that a node is run with", () => {
  assert.equal(WORKER_V8_FLAGS, NODE_V8_FLAGS);
});
