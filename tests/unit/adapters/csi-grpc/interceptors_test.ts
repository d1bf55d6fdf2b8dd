import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  Controller,
  DeleteVolumeRequestSchema,
} from "../../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import {
  Calls,
  type CallsOptions,
  type Reply,
} from "../../../../src/adapters/csi-grpc/interceptors.ts";
import {
  type CallContext,
  type HandlersOf,
  offer,
} from "../../../../src/adapters/csi-grpc/service.ts";
import { statusName } from "../../../../src/adapters/csi-grpc/status.ts";
import { StorageError } from "../../../../src/domain/errors.ts";
import type { DriverEvent } from "../../../../src/ports/events.ts";
import { ManualClock, START_MS } from "../../../fakes/manual_clock.ts";

type DeleteVolume = NonNullable<HandlersOf<typeof Controller>["deleteVolume"]>;

/** One method, DeleteVolume, and a caller who can be made to leave. */
interface World {
  readonly clock: ManualClock;
  readonly events: DriverEvent[];
  readonly calls: Calls;
  leave(): void;
  run(callerDeadlineMs?: number, metadataBytes?: number): Promise<Reply>;
}

function open(handler: DeleteVolume, limits: Partial<CallsOptions> = {}): World {
  const clock = new ManualClock();
  const events: DriverEvent[] = [];
  const calls = new Calls({
    clock,
    observe: (event) => events.push(event),
    maxMetadataBytes: 100,
    maxConcurrentCalls: 2,
    longestCallMs: 60_000,
    ...limits,
  });
  const methods = offer(Controller, { deleteVolume: handler }).methods;
  const method = methods.find(({ descriptor }) => descriptor.name === "DeleteVolume");
  assert.ok(method !== undefined);
  const listeners: (() => void)[] = [];
  return {
    clock,
    events,
    calls,
    leave: () => listeners.forEach((listener) => listener()),
    run: (callerDeadlineMs = Infinity, metadataBytes = 0): Promise<Reply> =>
      calls.run({
        method,
        requestBytes: toBinary(
          DeleteVolumeRequestSchema,
          create(DeleteVolumeRequestSchema, { volumeId: "v" }),
        ),
        metadataBytes,
        callerDeadlineMs,
        onCancelled: (listener) => void listeners.push(listener),
      }),
  };
}

function codeOf(reply: Reply): string {
  return reply.kind === "response" ? "OK" : statusName(reply.status.code);
}

/** A handler that ends only when the test lets it, deaf to its signal. */
function deaf(): { handler: DeleteVolume; contexts: CallContext[]; end: () => void } {
  const gate = Promise.withResolvers<void>();
  const contexts: CallContext[] = [];
  return {
    contexts,
    end: gate.resolve,
    handler: async (_request, context) => {
      contexts.push(context);
      await gate.promise;
      return {};
    },
  };
}

Deno.test("run() gives the handler the earlier of the caller's deadline and the bound", async () => {
  const { handler, contexts, end } = deaf();
  const world = open(handler);
  const calls = [world.run(START_MS + 5000), world.run()];
  assert.deepEqual(contexts.map(({ deadlineMs }) => deadlineMs), [
    START_MS + 5000,
    START_MS + 60_000,
  ]);
  assert.equal(contexts[0]?.method, "csi.v1.Controller/DeleteVolume");
  end();
  assert.deepEqual((await Promise.all(calls)).map(codeOf), ["OK", "OK"]);
});

Deno.test("run() answers at the deadline although the handler is deaf, and reports it once", async () => {
  const { handler, contexts, end } = deaf();
  const world = open(handler);
  const running = world.run(START_MS + 5000);
  await world.clock.advance(5000);
  assert.equal(codeOf(await running), "DEADLINE_EXCEEDED");
  assert.equal(contexts[0]?.signal.aborted, true);
  end();
  await world.calls.idle();
  assert.deepEqual(world.events.map((event) => event.kind === "rpc-finished" && event.code), [
    "DEADLINE_EXCEEDED",
  ]);
  assert.equal(world.events[0]?.kind === "rpc-finished" && world.events[0].durationMs, 5000);
});

Deno.test("run() refuses above the bound until a handler has really ended", async () => {
  const { handler, end } = deaf();
  const world = open(handler, { maxConcurrentCalls: 1 });
  const first = world.run(START_MS + 10);
  await world.clock.advance(10);
  assert.equal(codeOf(await first), "DEADLINE_EXCEEDED");
  assert.equal(codeOf(await world.run()), "UNAVAILABLE");
  end();
  await world.calls.idle();
  assert.equal(codeOf(await world.run()), "OK");
});

const LEAVING: { name: string; afterMs: number; code: string }[] = [
  { name: "in the middle", afterMs: 2500, code: "CANCELLED" },
  { name: "a moment before its deadline, because of it", afterMs: 4990, code: "DEADLINE_EXCEEDED" },
];
for (const { name, afterMs, code } of LEAVING) {
  Deno.test(`run() reports ${code} when the caller leaves ${name}`, async () => {
    const { handler, end } = deaf();
    const world = open(handler);
    const running = world.run(START_MS + 5000);
    await world.clock.advance(afterMs);
    world.leave();
    assert.equal(codeOf(await running), code);
    end();
    await world.calls.idle();
  });
}

Deno.test("run() does not start the handler when the metadata is too large", async () => {
  const { handler, contexts } = deaf();
  const reply = await open(handler).run(Infinity, 101);
  assert.equal(codeOf(reply), "INVALID_ARGUMENT");
  assert.deepEqual(contexts, []);
});

Deno.test("abortAll() ends every call with the reason that it is given", async () => {
  const { handler, contexts, end } = deaf();
  const world = open(handler);
  const calls = [world.run(), world.run()];
  world.calls.abortAll(new StorageError("unavailable", "Cannot finish: stopping"));
  assert.deepEqual((await Promise.all(calls)).map(codeOf), ["UNAVAILABLE", "UNAVAILABLE"]);
  assert.ok(contexts.every(({ signal }) => signal.reason instanceof StorageError));
  end();
  await world.calls.idle();
});

Deno.test("a call that has ended ignores that its caller leaves", async () => {
  const signals: AbortSignal[] = [];
  const world = open((_request, { signal }) => {
    signals.push(signal);
    return Promise.resolve({});
  });
  assert.equal(codeOf(await world.run()), "OK");
  world.leave();
  assert.equal(signals[0]?.aborted, false);
  assert.equal(world.events.length, 1);
  assert.equal(world.clock.sleeperCount, 0);
});
