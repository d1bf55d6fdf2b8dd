/** One line, three results; anything that is not certain is unknown. */
import assert from "node:assert/strict";
import type { ExecEnd } from "../../../../src/adapters/routeros-ssh/connection.ts";
import { envelope, runStatements } from "../../../../src/adapters/routeros-ssh/console.ts";
import type { Outcome } from "../../../../src/adapters/routeros-ssh/console.ts";
import { script } from "../../../../src/adapters/routeros-ssh/syntax.ts";
import { ManualClock } from "../../../fakes/manual_clock.ts";

const FOREVER = new AbortController().signal;

/** What becomes of a line whose connection ends as `end`; `dropped` says why it was dropped. */
async function outcomeOf(end: ExecEnd): Promise<{ outcome: Outcome; dropped: string[] }> {
  const dropped: string[] = [];
  const connection = {
    exec: () => Promise.resolve(end),
    drop: (reason: string) => void dropped.push(reason),
  };
  const limits = { deadlineMs: 1000, bytesMax: 1000 };
  const statements = script`:put ${"x"}`;
  const clock = new ManualClock();
  const outcome = await runStatements(connection, statements, "n.1", limits, clock, FOREVER);
  return { outcome, dropped };
}

const closed = (output: string): ExecEnd => ({ kind: "closed", output });

Deno.test("a line runs in one envelope on one line", () => {
  assert.equal(
    envelope(script`:put ${"x"}`, "n.1"),
    ':onerror e in={ :put "x"; :put "@ok n.1" } do={ :put ("@err n.1 " . $e) }',
  );
});

Deno.test("the marker of success makes it done, with what was printed before", async () => {
  const { outcome } = await outcomeOf(closed('{"a":1}\r\n@ok n.1\r\n'));
  assert.deepEqual(outcome, { kind: "done", lines: ['{"a":1}'] });
});

Deno.test("success stands also when the connection was lost after its marker", async () => {
  const { outcome } = await outcomeOf({ kind: "lost", output: "@ok n.1\r\n", reason: "reset" });
  assert.deepEqual(outcome, { kind: "done", lines: [] });
});

Deno.test("the marker of failure makes it refused, with the text", async () => {
  const text = "failure: not enough space (/disk/add; line 1)";
  const { outcome } = await outcomeOf(closed(`half\r\n@err n.1 ${text}\r\n`));
  assert.deepEqual(outcome, { kind: "refused", text });
});

Deno.test("a line that was not understood is refused, though it has no marker", async () => {
  for (
    const text of [
      "expected end of command (line 1 column 29)",
      "bad command name onerror (line 1 column 2)",
      "syntax error (line 1 column 7)",
      "not enough permissions (9)",
    ]
  ) {
    const { outcome, dropped } = await outcomeOf(closed(`${text}\r\n`));
    assert.deepEqual(outcome, { kind: "refused", text });
    assert.deepEqual(dropped, []);
  }
});

Deno.test("a reply that was cut anywhere is unknown, and its connection is dropped", async () => {
  const whole = '{"a":1}\r\n@ok n.1';
  for (let length = 0; length < whole.length; length++) {
    const { outcome, dropped } = await outcomeOf(closed(whole.slice(0, length)));
    assert.equal(outcome.kind, "unknown", whole.slice(0, length));
    assert.equal(dropped.length, 1);
  }
  const failed = "@err n.1 csi-later-second 17636900\r\n";
  for (let length = 0; length <= failed.length - 2; length++) {
    const { outcome } = await outcomeOf(closed(failed.slice(0, length)));
    assert.equal(outcome.kind, "unknown", failed.slice(0, length));
  }
});

Deno.test("the marker of another line is no marker", async () => {
  for (const output of ["@ok n.2\r\n", "@ok n.11\r\n", "@err n.2 failure: x\r\n", " @ok n.1\r\n"]) {
    assert.equal((await outcomeOf(closed(output))).outcome.kind, "unknown");
  }
});

Deno.test("a lost connection without a marker is unknown, whatever arrived", async () => {
  const end: ExecEnd = { kind: "lost", output: "syntax error (line 1 column 7)", reason: "reset" };
  assert.deepEqual((await outcomeOf(end)).outcome, { kind: "unknown", reason: "reset" });
});

Deno.test("the deadline of a command aborts it", async () => {
  const clock = new ManualClock();
  const connection = {
    exec: (_line: string, _bytesMax: number, signal: AbortSignal) =>
      new Promise<ExecEnd>((resolve) => {
        signal.addEventListener("abort", () => {
          resolve({ kind: "lost", output: "", reason: String(signal.reason) });
        });
      }),
    drop: () => {},
  };
  const limits = { deadlineMs: 1000, bytesMax: 1000 };
  const running = runStatements(connection, script`:put 1`, "n", limits, clock, FOREVER);
  await clock.advance(1000);
  const outcome = await running;
  assert.ok(outcome.kind === "unknown" && /longer than 1000 ms/.test(outcome.reason));
});
