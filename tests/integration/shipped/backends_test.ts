/** Several boxes in one installation: each call finds its box, and none waits for another. */
import assert from "node:assert/strict";
import { Controller, Identity } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { install, type Installation, SOON_MS } from "./installation.ts";
import { refused } from "./refusals.ts";
import {
  createSnapshot,
  createVolume,
  deleteVolumes,
  fromSnapshot,
  fromVolume,
  mount,
  volumeRequest,
} from "./requests.ts";

const TWO = { boxes: { alpha: {}, beta: {} } };
const NODE = "worker-1@6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const ON_BETA = { parameters: { backend: "beta" } };

async function untilReady({ client }: Installation, ready: boolean): Promise<void> {
  const deadline = Date.now() + SOON_MS;
  while ((await client.call(Identity.method.probe, {})).ready !== ready) {
    assert.ok(Date.now() < deadline, `Probe does not say ready: ${ready}`);
  }
}

Deno.test("a class's backend says on which box a volume is made; without one it is the default", async () => {
  await using stack = new AsyncDisposableStack();
  const shipped = stack.use(await install({ boxes: { alpha: {}, beta: {}, gamma: {} } }));
  const { client } = shipped;
  const made = {
    alpha: await createVolume(client, "a"),
    beta: await createVolume(client, "b", ON_BETA),
    gamma: await createVolume(client, "c", { parameters: { backend: "gamma" } }),
  };
  for (const [name, { volumeId }] of Object.entries(made)) {
    assert.deepEqual(await shipped.box(name).items(), [volumeId]);
    const { publishContext } = await client.call(Controller.method.controllerPublishVolume, {
      volumeId,
      nodeId: NODE,
      volumeCapability: mount(),
      volumeContext: made.alpha.volumeContext,
    });
    assert.equal(publishContext["address"], `${name}.storage.example`);
    await client.call(Controller.method.controllerUnpublishVolume, { volumeId });
  }
  const listed = await client.call(Controller.method.listVolumes, {});
  assert.deepEqual(
    listed.entries.map(({ volume }) => volume?.volumeId),
    Object.values(made).map(({ volumeId }) => volumeId),
  );
  const unknown = volumeRequest("d", { parameters: { backend: "delta" } });
  await refused(
    client.call(Controller.method.createVolume, unknown),
    "INVALID_ARGUMENT",
    /Cannot use backend "delta": there is alpha, beta, gamma/,
  );
  const again = volumeRequest("a", ON_BETA);
  await refused(
    client.call(Controller.method.createVolume, again),
    "ALREADY_EXISTS",
    /its name is in use on backend "alpha"/,
  );
  await deleteVolumes(client, ...Object.values(made).map(({ volumeId }) => volumeId));
  for (const box of shipped.boxes.values()) assert.deepEqual(await box.files(), []);
});

Deno.test("a restarted controller finds volumes and snapshots on their boxes, and copies none across", async () => {
  await using stack = new AsyncDisposableStack();
  const shipped = stack.use(await install(TWO));
  const { client } = shipped;
  const { volumeId } = await createVolume(client, "b", ON_BETA);
  const { snapshotId } = await createSnapshot(client, "s", volumeId);
  await shipped.controller.end("SIGTERM");
  await shipped.startController();
  const got = await client.call(Controller.method.controllerGetVolume, { volumeId });
  assert.equal(got.volume?.volumeId, volumeId);
  for (const volumeContentSource of [fromSnapshot(snapshotId), fromVolume(volumeId)]) {
    const across = volumeRequest("copy", { volumeContentSource });
    await refused(
      client.call(Controller.method.createVolume, across),
      "INVALID_ARGUMENT",
      /on backend "alpha": its source, .* is on backend "beta"/,
    );
  }
  await client.call(Controller.method.deleteSnapshot, { snapshotId });
  await client.call(Controller.method.deleteVolume, { volumeId });
  // The proof makes files for a moment; nothing was asked of alpha that waits for it.
  await shipped.logged("copy-probed", ({ array }) => array === "alpha");
  assert.deepEqual(await shipped.box("alpha").files(), []);
  assert.deepEqual(await shipped.box("beta").files(), []);
});

Deno.test("a box that is down from the start stops nobody, and is used when it appears", async () => {
  await using stack = new AsyncDisposableStack();
  const shipped = stack.use(
    await install({
      boxes: { alpha: {}, beta: { flags: ["--fault", "refuse-connections:times=1000000"] } },
    }),
  );
  const { client } = shipped;
  const { volumeId } = await createVolume(client, "a");
  await refused(
    client.call(Controller.method.createVolume, volumeRequest("b", ON_BETA)),
    "UNAVAILABLE",
    /Cannot use array "beta" at 127\.0\.0\.1 port \d+: /,
  );
  await refused(
    client.call(Controller.method.listVolumes, {}),
    "UNAVAILABLE",
    /Cannot ask backend "beta": .*beta/,
  );
  assert.equal((await client.call(Identity.method.probe, {})).ready, true);
  await shipped.box("beta").control.clearFaults();
  await shipped.logged("session-opened", ({ array }) => array === "beta");
  const later = await createVolume(client, "b", ON_BETA);
  await deleteVolumes(client, volumeId, later.volumeId);
});

Deno.test("a controller whose only box is down serves, and is ready when the box appears", async () => {
  await using stack = new AsyncDisposableStack();
  const shipped = stack.use(
    await install({ boxes: { main: { flags: ["--fault", "refuse-connections:times=1000000"] } } }),
  );
  const { client } = shipped;
  assert.equal((await client.call(Identity.method.probe, {})).ready, false);
  await refused(
    client.call(Controller.method.getCapacity, {}),
    "UNAVAILABLE",
    /Cannot use array "main"/,
  );
  await shipped.box().control.clearFaults();
  await untilReady(shipped, true);
  await createVolume(client, "a");
});

Deno.test("a box that dies stops calls to it alone, and is used again when it is back", async () => {
  await using stack = new AsyncDisposableStack();
  const shipped = stack.use(await install(TWO));
  const { client } = shipped;
  const { volumeId } = await createVolume(client, "b", ON_BETA);
  await shipped.box("beta").die();
  const local = await createVolume(client, "a");
  await refused(
    client.call(Controller.method.controllerGetVolume, { volumeId }),
    "UNAVAILABLE",
    /Cannot ask backend "beta"/,
  );
  await refused(
    client.call(Controller.method.deleteVolume, { volumeId }),
    "UNAVAILABLE",
    /Cannot ask backend "beta"/,
  );
  await client.call(Controller.method.controllerGetVolume, { volumeId: local.volumeId });
  await shipped.box("beta").start();
  await shipped.logged("session-opened", ({ array, attempt }) => array === "beta" && attempt !== 1);
  await deleteVolumes(client, volumeId, local.volumeId);
  assert.deepEqual(await shipped.box("beta").items(), []);
});

for (const kind of ["half-open", "hang"] as const) {
  Deno.test(`a box whose link is stuck (${kind}) holds up no call to another`, async () => {
    await using stack = new AsyncDisposableStack();
    const shipped = stack.use(await install(TWO));
    const { client } = shipped;
    const stuckVolume = await createVolume(client, "b", ON_BETA);
    await shipped.box("beta").control.addFault({ kind, times: 1000 });
    const leaving = new AbortController();
    let isOver = false;
    const stuck = client.call(
      Controller.method.controllerGetVolume,
      { volumeId: stuckVolume.volumeId },
      { signal: leaving.signal },
    ).finally(() => isOver = true);
    stuck.catch(() => {});
    const names = ["a", "c", "d", "e", "f", "g"];
    const roundsMs: number[] = [];
    for (const name of names) {
      const started = performance.now();
      const { volumeId } = await createVolume(client, name);
      const found = await client.call(Controller.method.controllerGetVolume, { volumeId });
      assert.equal(found.volume?.volumeId, volumeId);
      await createSnapshot(client, `${name}-cut`, volumeId);
      await client.call(Controller.method.getCapacity, {});
      roundsMs.push(performance.now() - started);
    }
    const usualMs = roundsMs.sort((left, right) => left - right)[names.length >> 1] ?? Infinity;
    const longestMs = Math.max(...roundsMs);
    assert.equal(isOver, false, "the stuck call was to outlast the others");
    assert.ok(usualMs < 1000, `${usualMs} ms for the usual round beside a stuck box`);
    assert.ok(longestMs < 6000, `${longestMs} ms for the longest round beside a stuck box`);
    leaving.abort();
    await refused(stuck, "CANCELLED", /./);
  });
}
