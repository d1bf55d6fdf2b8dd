import assert from "node:assert/strict";
import { judgeConnect } from "../../../../src/adapters/nvme/connect_failures.ts";

function refusal(errno: string): { code: string; message: string; isSlow: boolean } {
  const verdict = judgeConnect(errno, "VOLUME at BOX");
  assert.equal(verdict.kind, "refused");
  const { error: { code, message }, isSlow } = verdict;
  assert.match(message, new RegExp(`^Cannot connect to VOLUME at BOX: .+ \\(${errno}\\)$`));
  return { code, message, isSlow };
}

Deno.test("EALREADY is no failure: the connection is there or comes back by itself", () => {
  assert.deepEqual(judgeConnect("EALREADY", "x"), { kind: "present" });
});

for (
  const [errno, words] of [
    ["ECONNREFUSED", /nothing listens/],
    ["EHOSTUNREACH", /host's network/],
    ["ENETUNREACH", /host's network/],
    ["EIO", /does not export .*, or does not allow this host/],
    ["EBUSY", /being removed/],
  ] as const
) {
  Deno.test(`${errno} can be tried again, and does not speak against the address`, () => {
    const { code, message, isSlow } = refusal(errno);
    assert.equal(code, "unavailable");
    assert.match(message, words);
    assert.equal(isSlow, false);
  });
}

for (
  const [errno, words] of [["ETIMEDOUT", /firewall/], ["EAGAIN", /not be one for NVMe/]] as const
) {
  Deno.test(`${errno} can be tried again, but kept every connect of the node waiting`, () => {
    const { code, message, isSlow } = refusal(errno);
    assert.equal(code, "unavailable");
    assert.match(message, words);
    assert.equal(isSlow, true);
  });
}

for (
  const [errno, words] of [
    ["EINVAL", /host NQN with another host id.*Duplicate cntlid.*Invalid MNAN value/],
    ["EKEYREJECTED", /secret/],
    ["ENOKEY", /secret/],
    ["EADDRNOTAVAIL", /source address/],
  ] as const
) {
  Deno.test(`${errno} fails for good`, () => {
    const { code, message } = refusal(errno);
    assert.equal(code, "invalid");
    assert.match(message, words);
  });
}

for (const errno of ["ENOENT", "ENXIO", "ENODEV"]) {
  Deno.test(`${errno} says how the module is loaded`, () => {
    const { code, message } = refusal(errno);
    assert.equal(code, "not-ready");
    assert.match(message, /modprobe nvme-tcp/);
  });
}

for (const errno of ["ENOMEM", "ENOBUFS", "ECONNRESET"]) {
  Deno.test(`${errno} may go away with fewer queues`, () => {
    const verdict = judgeConnect(errno, "VOLUME");
    assert.equal(verdict.kind, "too-much");
    assert.equal(verdict.error.code, "unavailable");
  });
}

Deno.test("an error that nobody foresaw can be tried again and is named", () => {
  const { code, message } = refusal("ESTRANGE");
  assert.equal(code, "unavailable");
  assert.match(message, /ESTRANGE/);
});
