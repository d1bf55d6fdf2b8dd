import assert from "node:assert/strict";
import { type LogFormat, openLog } from "../../../../src/adapters/logging/log.ts";
import type { LogLevel } from "../../../../src/adapters/logging/event_log.ts";
import { StorageError } from "../../../../src/domain/errors.ts";
import type { DriverEvent } from "../../../../src/ports/events.ts";

const STARTED: DriverEvent = {
  kind: "role-started",
  role: "controller",
  endpoint: "/run/csi.sock",
  version: "1.2.3",
};

function linesOf(
  events: readonly DriverEvent[],
  format: LogFormat,
  level: LogLevel = "debug",
): string[] {
  const lines: string[] = [];
  const observe = openLog({ level, format, write: (line) => lines.push(line) });
  for (const event of events) observe(event);
  return lines;
}

function failedCall(error: unknown, request?: unknown): DriverEvent {
  const call = { kind: "rpc-finished", method: "csi.v1.Controller/DeleteVolume" } as const;
  return { ...call, code: "UNAVAILABLE", durationMs: 12.6, volumeId: "pvc-1", error, request };
}

Deno.test("a JSON log holds one object per line, with the event's name and fields", () => {
  const [line = "", ...rest] = linesOf([STARTED], "json");
  assert.deepEqual(rest, []);
  assert.match(line, /^\{.*\}\n$/);
  const { "@timestamp": time, ...fields } = JSON.parse(line);
  assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(fields, {
    level: "INFO",
    logger: "rds-csi",
    message: "controller 1.2.3 serves CSI on /run/csi.sock",
    event: "role-started",
    role: "controller",
    endpoint: "/run/csi.sock",
    version: "1.2.3",
  });
});

Deno.test("a JSON log shows the whole chain of causes, outermost first", () => {
  const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  const lost = new Error("the connection broke", { cause: reset });
  const outer = new StorageError("unavailable", "Cannot delete volume", { cause: lost });
  const [line = ""] = linesOf([failedCall(outer)], "json");
  const chain: { message: string; code?: string; stack?: string }[] = JSON.parse(line).error;
  assert.deepEqual(chain.map(({ message }) => message), [
    "Cannot delete volume",
    "the connection broke",
    "read ECONNRESET",
  ]);
  assert.deepEqual(chain.map(({ code }) => code), ["unavailable", undefined, "ECONNRESET"]);
});

Deno.test("a failure on purpose is logged without a stack, a bug with one", () => {
  const lines = linesOf(
    [failedCall(new StorageError("busy", "x")), failedCall(new Error("y"))],
    "json",
  );
  const [purpose, bug] = lines.map((line) => JSON.parse(line).error[0].stack);
  assert.equal(purpose, undefined);
  assert.match(bug, /log_test/);
});

Deno.test("a chain of causes that bites its own tail ends", () => {
  const first = new Error("first");
  const second = new Error("second", { cause: first });
  first.cause = second;
  const [line = ""] = linesOf([failedCall(second)], "json");
  assert.equal(JSON.parse(line).error.length, 8);
});

Deno.test("a text log writes the sentence, and below it why", () => {
  const failure = new StorageError("unavailable", "Cannot reach it", { cause: new Error("why") });
  const [line = ""] = linesOf([failedCall(failure, { volumeId: "pvc-1", size: 5n })], "text");
  const [first = "", ...below] = line.trimEnd().split("\n");
  assert.match(
    first,
    /^\d\d:\d\d:\d\d\.\d+ warning csi\.v1\.Controller\/DeleteVolume of pvc-1 answered UNAVAILABLE in 13 ms$/,
  );
  assert.deepEqual(below, [
    "    error: Cannot reach it <- why",
    '    request: {"volumeId":"pvc-1","size":"5"}',
  ]);
});

Deno.test("a request with 64-bit numbers can be logged as JSON", () => {
  const [line = ""] = linesOf([failedCall(new Error("x"), { requiredBytes: 5n })], "json");
  assert.deepEqual(JSON.parse(line).request, { requiredBytes: "5" });
});

Deno.test("text with braces and line ends stays one line and is not taken for a placeholder", () => {
  const event: DriverEvent = {
    kind: "session-lost",
    array: "main",
    reason: "{array} said\n{oops}",
    retryInMs: 10,
  };
  const [line = ""] = linesOf([event], "json");
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.match(JSON.parse(line).message, /\(\{array\} said\n\{oops\}\)/);
});

const LEVELS: { name: string; level: LogLevel; lines: number }[] = [
  { name: "debug shows all", level: "debug", lines: 2 },
  { name: "info drops what is below", level: "info", lines: 1 },
  { name: "error drops them all", level: "error", lines: 0 },
];

for (const { name, level, lines } of LEVELS) {
  Deno.test(`the level bounds what is written: ${name}`, () => {
    const probe = { kind: "rpc-finished", method: "csi.v1.Identity/Probe" } as const;
    const events: DriverEvent[] = [{ ...probe, code: "OK", durationMs: 1 }, STARTED];
    assert.equal(linesOf(events, "json", level).length, lines);
  });
}
