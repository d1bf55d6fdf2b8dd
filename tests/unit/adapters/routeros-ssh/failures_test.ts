/** What the box says, in the domain's words; what nobody knows is never guessed. */
import assert from "node:assert/strict";
import {
  failureOf,
  guardRefusalOf,
  isFailureText,
  refusalKindOf,
} from "../../../../src/adapters/routeros-ssh/failures.ts";
import type { StorageErrorCode } from "../../../../src/domain/errors.ts";
import { WORDINGS } from "../../../../src/simulator/box/wordings.ts";

const WHAT = 'Cannot create volume "v"';

const CODES: readonly (readonly [string, StorageErrorCode])[] = [
  ["csi-no-space 4096 (:error; line 1)", "out-of-space"],
  ["csi-too-many 256 (:error; line 1)", "out-of-space"],
  ["csi-foreign s-x (:error; line 1) (:error; line 1)", "in-use"],
  ["csi-published", "in-use"],
  ["csi-source-published (:error; line 1)", "in-use"],
  ["csi-missing (:error; line 1)", "not-found"],
  ["csi-source-missing", "not-found"],
  ["csi-changed r1;k=v;i=c1;st=r (:error; line 1)", "busy"],
  ["csi-out-of-range 1073741824", "out-of-range"],
  ["csi-pool-missing storage-pool (:error; line 1)", "unavailable"],
  ["csi-copy-differs 4096", "not-ready"],
  ["csi-mismatch slot s-", "not-ready"],
  ["not enough permissions (9) (/disk/add; line 1)", "not-ready"],
  ["expected end of command (line 1 column 29)", "not-ready"],
  ["failure: not enough space (/disk/add; line 1)", "unavailable"],
  ["no such item (/disk/get; line 1)", "unavailable"],
  ["", "unavailable"],
];

Deno.test("every refusal has its code, and the message says what could not be done", () => {
  for (const [text, code] of CODES) {
    const error = failureOf(text, WHAT);
    assert.equal(error.code, code, text);
    assert.ok(error.message.startsWith(`${WHAT}: `), error.message);
    assert.doesNotMatch(error.message, /:error|csi-/);
  }
});

Deno.test("both wordings of what nobody knows give the same code", () => {
  for (const name of Object.keys(WORDINGS.plain) as (keyof typeof WORDINGS.plain)[]) {
    const [plain, other] = [WORDINGS.plain, WORDINGS.alternate].map((words) => {
      return failureOf(`${words[name]} (/disk/add; line 1)`, WHAT).code;
    });
    // A value that is refused by its length reads like one that is not understood.
    if (!WORDINGS.alternate[name].startsWith("value of")) assert.equal(plain, other, name);
  }
});

Deno.test("a guard's detail is what the guard appended", () => {
  assert.deepEqual(guardRefusalOf("csi-later-second 1763690000 (:error; line 1)\r\n"), {
    code: "csi-later-second",
    detail: "1763690000",
  });
  assert.deepEqual(guardRefusalOf("csi-published"), { code: "csi-published", detail: "" });
  for (const text of ["csi-unheard-of", "xcsi-published", "failure: csi-published", "toString"]) {
    assert.equal(guardRefusalOf(text), undefined);
  }
});

Deno.test("kinds of refusals are told apart by what all versions word alike", () => {
  assert.equal(refusalKindOf("not enough permissions (9)"), "permission");
  assert.equal(refusalKindOf("bad command name disk (line 1 column 2)"), "unknown-words");
  assert.equal(refusalKindOf("no such item (4)"), "no-such-item");
  assert.equal(refusalKindOf("failure: disk is in use"), "other");
});

Deno.test("failures without a marker are recognised at the beginning of a line only", () => {
  assert.ok(isFailureText("failure: not allowed by device-mode (/disk/add; line 1)"));
  assert.ok(isFailureText("interrupted"));
  assert.ok(!isFailureText('{"slot":"failure: x"}'));
  assert.ok(!isFailureText("@ok syntax error"));
});
