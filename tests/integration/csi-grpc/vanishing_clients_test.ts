/**
 * Releases 2.9.4 to 2.9.6 of Deno were seen to abort the whole process, by an assertion in nghttp2,
 * when a client that had made many calls went away. These tests hold the promise in our own words:
 * clients come, call many times and vanish in every way, and the server answers the next one. They
 * pass on those releases too, so the refusal to start on them does not rest on this file alone.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Controller, Identity } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { call, connect, openHarness } from "./harness.ts";

const CLIENT_PROGRAM = fileURLToPath(new URL("./vanishing_client.ts", import.meta.url));
const { probe } = Identity.method;

/** Runs a client process that is killed in the middle of its calls. */
async function killedClient(socketPath: string, calls: number): Promise<void> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", CLIENT_PROGRAM, socketPath, String(calls)],
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  assert.equal(new TextDecoder().decode(value), "done\n");
  process.kill("SIGKILL");
  await process.status;
  await reader.cancel();
}

Deno.test("clients that make 15,000 calls and are killed leave a server that answers", async () => {
  await using harness = await openHarness();
  await Promise.all([
    killedClient(harness.server.path, 7500),
    killedClient(harness.server.path, 7500),
  ]);
  assert.ok(harness.events.length >= 15_000);
  const survivor = harness.client();
  assert.equal((await call(survivor, probe, {})).ready, true);
});

Deno.test("clients in the same process that are dropped after 10,000 calls leave it alive", async () => {
  await using harness = await openHarness();
  const clients = Array.from({ length: 20 }, () => connect(harness.server.path));
  await Promise.all(clients.map(async (client) => {
    for (let done = 0; done < 500; done++) await call(client, probe, {});
  }));
  clients.forEach((client) => client.close());
  assert.equal((await call(harness.client(), probe, {})).ready, true);
});

Deno.test("clients that leave with calls under way leave a server that answers", async () => {
  const leave = new AbortController();
  let aborted = 0;
  const allAborted = Promise.withResolvers<void>();
  const clients = 50;
  const started = Promise.withResolvers<void>();
  let running = 0;
  await using harness = await openHarness({
    createVolume: (_request, { signal }) => {
      if (++running === clients) started.resolve();
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          if (++aborted === clients) allAborted.resolve();
          reject(signal.reason);
        })
      );
    },
  });
  const leavers = Array.from({ length: clients }, () => connect(harness.server.path));
  const calls = leavers.map((client, index) =>
    call(client, Controller.method.createVolume, { name: `v-${index}` }, {
      signal: leave.signal,
    }).catch(() => "cancelled")
  );
  await started.promise;
  leavers.forEach((client) => client.close());
  leave.abort();
  await Promise.all(calls);
  await allAborted.promise;
  assert.equal((await call(harness.client(), probe, {})).ready, true);
});
