import assert from "node:assert/strict";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  Controller,
  GroupController,
  Identity,
  SnapshotMetadata,
} from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import type { CallContext } from "../../../src/adapters/csi-grpc/service.ts";
import { INTERNAL_DETAILS, STATUS } from "../../../src/adapters/csi-grpc/status.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import { call, callWithBytes, type CreateVolume, openHarness } from "./harness.ts";

const { createVolume, deleteVolume, createSnapshot, getCapacity } = Controller.method;
const { probe, getPluginInfo } = Identity.method;

/** Asserts how a call fails and gives the error. */
async function failure(
  running: Promise<unknown>,
  name: keyof typeof STATUS,
): Promise<ServiceError> {
  const error = await running.then(() => assert.fail("the call succeeded"), (reason) => reason);
  assert.equal(status[error.code], name, error.message);
  return error;
}

/** A handler that waits for its signal, and a promise of its context. */
function waiting(): {
  handler: CreateVolume;
  started: Promise<CallContext>;
  ended: Promise<unknown>;
} {
  const started = Promise.withResolvers<CallContext>();
  const ended = Promise.withResolvers<unknown>();
  return {
    started: started.promise,
    ended: ended.promise,
    handler: (_request, context) => {
      started.resolve(context);
      return new Promise((_, reject) => {
        context.signal.addEventListener("abort", () => {
          ended.resolve(context.signal.reason);
          reject(new Error("the session was closed"));
        });
      });
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

Deno.test("the status numbers are those of grpc-js", () => {
  for (const [name, code] of Object.entries(STATUS)) assert.equal(status[code], name);
  assert.equal(Object.keys(STATUS).length, Object.keys(status).length / 2);
});

Deno.test("a call reaches its handler and its answer comes back, with exact 64-bit numbers", async () => {
  await using harness = await openHarness({
    createVolume: (request) =>
      Promise.resolve({
        volume: {
          volumeId: `id of ${request.name}`,
          capacityBytes: request.capacityRange?.requiredBytes ?? 0n,
          volumeContext: request.parameters,
        },
      }),
  });
  const response = await call(harness.client(), createVolume, {
    name: "pvc-ä",
    capacityRange: { requiredBytes: 9007199254740993n },
    parameters: { backend: "one" },
  });
  assert.equal(response.volume?.volumeId, "id of pvc-ä");
  assert.equal(response.volume?.capacityBytes, 9007199254740993n);
  assert.deepEqual(response.volume?.volumeContext, { backend: "one" });
});

Deno.test("each call is one event with method, code, duration and volume", async () => {
  await using harness = await openHarness({
    createVolume: () => Promise.resolve({ volume: { volumeId: "made" } }),
    deleteVolume: () =>
      Promise.reject(new StorageError("in-use", "Cannot delete volume: published")),
    createSnapshot: () => Promise.resolve({}),
  });
  const client = harness.client();
  await call(client, createVolume, { name: "pvc-1", secrets: { password: "hunter2" } });
  await failure(
    call(client, deleteVolume, { volumeId: "gone", secrets: { password: "hunter2" } }),
    "FAILED_PRECONDITION",
  );
  await call(client, createSnapshot, { name: "s", sourceVolumeId: "source" });
  const seen = harness.events.map((event) =>
    event.kind === "rpc-finished" ? { ...event, durationMs: event.durationMs >= 0 } : event
  );
  assert.deepEqual(seen.map((event) => "error" in event ? { ...event, error: "some" } : event), [
    {
      kind: "rpc-finished",
      method: "csi.v1.Controller/CreateVolume",
      code: "OK",
      durationMs: true,
      volumeId: "made",
    },
    {
      kind: "rpc-finished",
      method: "csi.v1.Controller/DeleteVolume",
      code: "FAILED_PRECONDITION",
      durationMs: true,
      volumeId: "gone",
      error: "some",
      request: { volume_id: "gone", secrets: "[secret]" },
    },
    {
      kind: "rpc-finished",
      method: "csi.v1.Controller/CreateSnapshot",
      code: "OK",
      durationMs: true,
      volumeId: "source",
    },
  ]);
});

Deno.test("a message in any language reaches the caller as it was written", async () => {
  const text = 'Kann „pvc-1“ nicht löschen: 100 % belegt, 容量不足 🦀\n"quoted" %41';
  await using harness = await openHarness({
    deleteVolume: () => Promise.reject(new StorageError("in-use", text)),
  });
  const error = await failure(
    call(harness.client(), deleteVolume, { volumeId: "v" }),
    "FAILED_PRECONDITION",
  );
  assert.equal(error.details, text);
});

Deno.test("a bug answers INTERNAL with a fixed text, and the server lives on", async () => {
  await using harness = await openHarness({
    deleteVolume: () => {
      throw new TypeError("the password is hunter2");
    },
    createVolume: () => Promise.reject(new Error("the password is hunter2")),
  });
  const client = harness.client();
  const thrown = await failure(call(client, deleteVolume, { volumeId: "v" }), "INTERNAL");
  const rejected = await failure(call(client, createVolume, { name: "v" }), "INTERNAL");
  assert.deepEqual([thrown.details, rejected.details], [INTERNAL_DETAILS, INTERNAL_DETAILS]);
  assert.equal((await call(client, probe, {})).ready, true);
});

Deno.test("a failure carries no metadata of ours and no status details", async () => {
  await using harness = await openHarness({
    deleteVolume: () => Promise.reject(new StorageError("busy", "Cannot delete: busy")),
  });
  const error = await failure(call(harness.client(), deleteVolume, { volumeId: "v" }), "ABORTED");
  assert.deepEqual(error.metadata.get("grpc-status-details-bin"), []);
});

Deno.test("methods and services that are not offered answer UNIMPLEMENTED", async () => {
  await using harness = await openHarness();
  const client = harness.client();
  const error = await failure(call(client, getCapacity, {}), "UNIMPLEMENTED");
  assert.match(error.details, /csi\.v1\.Controller\/GetCapacity/);
  const group = GroupController.method.groupControllerGetCapabilities;
  await failure(call(client, group, {}), "UNIMPLEMENTED");
  await failure(call(client, SnapshotMetadata.method.getMetadataDelta, {}), "UNIMPLEMENTED");
});

Deno.test("bytes that are no message answer INVALID_ARGUMENT", async () => {
  await using harness = await openHarness({ createVolume: () => Promise.resolve({}) });
  const bytes = new Uint8Array([0x0a, 0xff, 0xff, 0xff]);
  const error = await failure(
    callWithBytes(harness.client(), createVolume, bytes),
    "INVALID_ARGUMENT",
  );
  assert.match(error.details, /4 bytes are not a csi\.v1\.CreateVolumeRequest/);
});

Deno.test("a field above the limit of the specification answers INVALID_ARGUMENT", async () => {
  await using harness = await openHarness({ createVolume: () => Promise.resolve({}) });
  const client = harness.client();
  const error = await failure(
    call(client, createVolume, { name: "n".repeat(129) }),
    "INVALID_ARGUMENT",
  );
  assert.match(error.details, /name has 129 bytes/);
});

Deno.test("a message above the limit is refused, and the connection lives on", async () => {
  await using harness = await openHarness({ createVolume: () => Promise.resolve({}) });
  const client = harness.client();
  const large = new Uint8Array(4 * 1024 * 1024 + 1);
  await failure(callWithBytes(client, createVolume, large), "RESOURCE_EXHAUSTED");
  assert.equal((await call(client, probe, {})).ready, true);
});

Deno.test("metadata above 16 KiB is refused, and the server lives on", async () => {
  await using harness = await openHarness();
  const metadata = new Metadata();
  metadata.set("x-large", "m".repeat(17 * 1024));
  const error = await failure(call(harness.client(), probe, {}, { metadata }), "INVALID_ARGUMENT");
  assert.match(error.details, /metadata has 17\d+ bytes, and at most 16384/);
  const huge = new Metadata();
  for (let index = 0; index < 40; index++) huge.set(`x-${index}`, "m".repeat(8 * 1024));
  await assert.rejects(call(harness.client(), probe, {}, { metadata: huge }));
  assert.equal((await call(harness.client(), probe, {})).ready, true);
});

Deno.test("a caller that cancels aborts the signal of its handler", async () => {
  const { handler, started, ended } = waiting();
  await using harness = await openHarness({ createVolume: handler });
  const cancel = new AbortController();
  const running = call(harness.client(), createVolume, { name: "v" }, { signal: cancel.signal });
  const failed = failure(running, "CANCELLED");
  await started;
  cancel.abort();
  await failed;
  assert.equal((await ended as DOMException).name, "AbortError");
});

Deno.test("the caller's deadline aborts the signal of its handler", async () => {
  const { handler, started, ended } = waiting();
  await using harness = await openHarness({ createVolume: handler });
  const client = harness.client();
  await call(client, probe, {});
  const deadlineMs = Date.now() + 1000;
  await failure(call(client, createVolume, { name: "v" }, { deadlineMs }), "DEADLINE_EXCEEDED");
  assert.equal((await ended as DOMException).name, "TimeoutError");
  const context = await started;
  assert.ok(Math.abs(context.deadlineMs - deadlineMs) < 500, `${context.deadlineMs - deadlineMs}`);
});

Deno.test("a caller without a deadline gets the server's bound", async () => {
  const { handler, ended } = waiting();
  await using harness = await openHarness({ createVolume: handler }, {
    limits: { longestCallMs: 50 },
  });
  await failure(call(harness.client(), createVolume, { name: "v" }), "DEADLINE_EXCEEDED");
  assert.equal((await ended as DOMException).name, "TimeoutError");
});

Deno.test("the bound of running calls holds per service and is given back", async () => {
  const gate = Promise.withResolvers<void>();
  const full = Promise.withResolvers<void>();
  let running = 0;
  await using harness = await openHarness({
    createVolume: async () => {
      if (++running === 2) full.resolve();
      await gate.promise;
      return {};
    },
  }, { limits: { maxConcurrentCalls: 2 } });
  const first = harness.client();
  const calls = ["a", "b"].map((name) => call(first, createVolume, { name }));
  await full.promise;
  const second = harness.client();
  const error = await failure(call(second, createVolume, { name: "c" }), "UNAVAILABLE");
  assert.match(error.details, /2 calls of this service are running; try again/);
  assert.equal((await call(second, getPluginInfo, {})).name, "rds.example.org");
  gate.resolve();
  await Promise.all(calls);
  await call(second, createVolume, { name: "c" });
});

Deno.test("close() waits for running calls, and their answers arrive", async () => {
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  await using harness = await openHarness({
    createVolume: async () => {
      started.resolve();
      await gate.promise;
      return { volume: { volumeId: "late" } };
    },
  });
  const running = call(harness.client(), createVolume, { name: "v" });
  await started.promise;
  let isClosed = false;
  const closed = harness.server.close().then(() => isClosed = true);
  while (await exists(harness.server.path)) assert.equal(isClosed, false);
  assert.equal(isClosed, false);
  gate.resolve();
  assert.equal((await running).volume?.volumeId, "late");
  await closed;
});

Deno.test("close() aborts calls that outlast the drain time, and tells their callers", async () => {
  const { handler, started, ended } = waiting();
  await using harness = await openHarness({ createVolume: handler }, { limits: { drainMs: 30 } });
  const failed = failure(call(harness.client(), createVolume, { name: "v" }), "UNAVAILABLE");
  await started;
  await harness.server.close();
  assert.match((await failed).details, /the driver is stopping; try again/);
  assert.ok(await ended instanceof StorageError);
});

Deno.test("close() ends although a handler never does", async () => {
  const started = Promise.withResolvers<void>();
  await using harness = await openHarness({
    createVolume: () => {
      started.resolve();
      return new Promise(() => {});
    },
  }, { limits: { drainMs: 10 } });
  const failed = failure(call(harness.client(), createVolume, { name: "v" }), "UNAVAILABLE");
  await started.promise;
  await harness.server.close();
  await failed;
});

Deno.test("close() with idle connections ends at once, and twice is once", async () => {
  await using harness = await openHarness();
  await call(harness.client(), probe, {});
  const startedMs = performance.now();
  await Promise.all([harness.server.close(), harness.server.close()]);
  assert.ok(performance.now() - startedMs < 5000);
});
