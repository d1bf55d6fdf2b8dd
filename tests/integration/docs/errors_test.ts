/** The page on errors has every code with the status it becomes. */
import assert from "node:assert/strict";
import {
  callerLeft,
  deadlineReached,
  notOffered,
  STATUS_OF,
  statusName,
  statusOf,
} from "../../../src/adapters/csi-grpc/status.ts";
import { rowsOf, section } from "./page.ts";

const PAGE = "reference/errors.md";

Deno.test("errors.md has the status, a meaning and advice for every code", async () => {
  const rows = rowsOf(await section(PAGE, "Codes"));
  const shown = rows.map(([code = "", status]) => [code.replaceAll("`", ""), status]);
  const expected = Object.entries(STATUS_OF).map(([code, status]) => [code, statusName(status)]);
  assert.deepEqual(shown, expected);
  for (const [code, , meaning = "", advice = ""] of rows) {
    assert.ok(meaning.length > 0 && advice.length > 0, code);
  }
});

Deno.test("errors.md has the statuses that come of no code", async () => {
  const aborted = (reason: unknown): number =>
    statusOf(new Error("foreign"), AbortSignal.abort(reason)).code;
  const expected = [
    statusName(aborted(deadlineReached())),
    statusName(aborted(callerLeft())),
    statusName(notOffered("AnyCall").code),
    statusName(statusOf(new Error("a bug"), new AbortController().signal).code),
  ];
  const shown = rowsOf(await section(PAGE, "Other statuses")).map(([status]) => status);
  assert.deepEqual(shown, expected);
});
