import assert from "node:assert/strict";
import {
  callerLeft,
  deadlineReached,
  INTERNAL_DETAILS,
  notOffered,
  statusName,
  statusOf,
} from "../../../../src/adapters/csi-grpc/status.ts";
import { StorageError, type StorageErrorCode } from "../../../../src/domain/errors.ts";

const CODES: { code: StorageErrorCode; name: string }[] = [
  { code: "invalid", name: "INVALID_ARGUMENT" },
  { code: "not-found", name: "NOT_FOUND" },
  { code: "already-exists", name: "ALREADY_EXISTS" },
  { code: "out-of-space", name: "RESOURCE_EXHAUSTED" },
  { code: "in-use", name: "FAILED_PRECONDITION" },
  { code: "not-ready", name: "FAILED_PRECONDITION" },
  { code: "busy", name: "ABORTED" },
  { code: "stale-token", name: "ABORTED" },
  { code: "out-of-range", name: "OUT_OF_RANGE" },
  { code: "unavailable", name: "UNAVAILABLE" },
];
const LIVE = new AbortController().signal;

for (const { code, name } of CODES) {
  Deno.test(`statusOf() answers ${name} for the code ${code}`, () => {
    const status = statusOf(new StorageError(code, "Cannot do it: 5 GiB"), LIVE);
    assert.equal(statusName(status.code), name);
    assert.equal(status.details, "Cannot do it: 5 GiB");
  });
}

Deno.test("statusOf() tells nothing of an error that is not a StorageError", () => {
  for (const error of [new TypeError("ssh key id_ed25519"), "ssh key", undefined, null, 5]) {
    assert.deepEqual(statusOf(error, LIVE), { code: 13, details: INTERNAL_DETAILS });
  }
});

Deno.test("statusOf() never sends the cause of a StorageError", () => {
  const error = new StorageError("busy", "Cannot wait", {
    cause: new Error("password is hunter2"),
  });
  assert.ok(!JSON.stringify(statusOf(error, LIVE)).includes("hunter2"));
});

Deno.test("statusOf() prefers a StorageError to the reason of the abort", () => {
  const signal = AbortSignal.abort(callerLeft());
  assert.equal(statusName(statusOf(new StorageError("not-found", "x"), signal).code), "NOT_FOUND");
});

const ABORTS: { name: string; reason: unknown; code: string }[] = [
  { name: "the deadline", reason: deadlineReached(), code: "DEADLINE_EXCEEDED" },
  { name: "the caller", reason: callerLeft(), code: "CANCELLED" },
  { name: "a reason of unknown kind", reason: "because", code: "CANCELLED" },
  {
    name: "a stopping driver",
    reason: new StorageError("unavailable", "Cannot finish: stopping"),
    code: "UNAVAILABLE",
  },
];
for (const { name, reason, code } of ABORTS) {
  Deno.test(`statusOf() answers ${code} for a foreign error after an abort by ${name}`, () => {
    const status = statusOf(new Error("socket closed"), AbortSignal.abort(reason));
    assert.equal(statusName(status.code), code);
    assert.notEqual(status.details, "");
    assert.ok(!status.details.includes("socket closed"));
  });
}

Deno.test("statusOf() gives details that can be percent-encoded, never empty and never huge", () => {
  const texts = [
    "",
    "  ",
    "half \ud83d pair",
    "x".repeat(100_000),
    "ä\n\u0000€ 100 %",
    "🦀".repeat(5000),
  ];
  for (const text of texts) {
    const { details } = statusOf(new StorageError("busy", text), LIVE);
    assert.notEqual(details.trim(), "");
    assert.ok(details.length <= 2050, `${details.length}`);
    assert.ok(encodeURI(details).length > 0);
  }
});

Deno.test("notOffered() names the method", () => {
  const status = notOffered("csi.v1.Controller/GetSnapshot");
  assert.equal(statusName(status.code), "UNIMPLEMENTED");
  assert.match(status.details, /csi\.v1\.Controller\/GetSnapshot/);
});
