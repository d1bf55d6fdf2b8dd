import assert from "node:assert/strict";
import {
  DEFAULT_STATE_DIRECTORY,
  parseAttachment,
  stateDirectoryFor,
} from "../../../src/cli/attach.ts";

for (const kind of ["loop", "trial"] as const) {
  Deno.test(`parseAttachment() takes the directory of a simulator after ${kind}:`, () => {
    const directory = "/var/tmp/rds";
    assert.deepEqual(parseAttachment(`${kind}:${directory}`), { kind, directory });
  });
}

Deno.test("parseAttachment() takes the kernel, which needs no directory", () => {
  assert.deepEqual(parseAttachment("kernel"), { kind: "kernel" });
});

for (const text of ["trial:", "trial:rds", "loop:", "loop:rds", "loop", "kernel:/x", "nvme", ""]) {
  Deno.test(`parseAttachment() refuses "${text}" and says what is allowed`, () => {
    const says = /--attach is ".*"; allowed: kernel, or loop:DIRECTORY or trial:DIRECTORY/;
    assert.throws(() => parseAttachment(text), says);
  });
}

Deno.test("a state directory is what the flag says, and has a usual place for the kernel only", () => {
  const trial = parseAttachment("trial:/var/tmp/rds");
  assert.equal(stateDirectoryFor(trial, "/x"), "/x");
  assert.equal(stateDirectoryFor({ kind: "kernel" }, "/x"), "/x");
  assert.equal(stateDirectoryFor({ kind: "kernel" }, undefined), DEFAULT_STATE_DIRECTORY);
  assert.throws(() => stateDirectoryFor(trial, undefined), /--state-directory is ""; allowed/);
});
