/** How calls and the process itself end: deadlines, callers who leave, signals, crashes. */
import assert from "node:assert/strict";
import { Controller, Identity } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import type { Fault } from "../../../src/simulator/faults.ts";
import { install, type Installation, SOON_MS } from "./installation.ts";
import { refused } from "./refusals.ts";
import {
  createSnapshot,
  createVolume,
  deleteVolumes,
  fromSnapshot,
  fromVolume,
  volumeRequest,
} from "./requests.ts";
import { Sidecar } from "./sidecar.ts";

const { createVolume: create, getCapacity, listVolumes } = Controller.method;

/** The line that makes a thing may begin with the removal of a half-made one. */
const WRITING = ["add", "change", "remove"] as const;

/** Starts an installation whose box has been looked at, so that the next command is a call's. */
async function prepared(flags: readonly string[] = []): Promise<Installation> {
  const shipped = await install({ boxes: { main: { flags } } });
  await shipped.logged("copy-probed");
  await shipped.client.call(listVolumes, {});
  return shipped;
}

for (const kind of ["hang", "hang-after", "half-open"] as const) {
  Deno.test(`the caller's deadline ends a command that does not (${kind}), and the next call works`, async () => {
    await using shipped = await prepared();
    const { client } = shipped;
    const { control } = shipped.box();
    await control.addFault({ kind, times: 1, on: WRITING });
    const late = client.call(create, volumeRequest("a"), { deadlineMs: 400 });
    await refused(late, "DEADLINE_EXCEEDED", /./);
    const { volumeId } = await createVolume(client, "b");
    const again = await createVolume(client, "a");
    await control.addFault({ kind, times: 1, on: ["read"] });
    await refused(client.call(getCapacity, {}, { deadlineMs: 400 }), "DEADLINE_EXCEEDED", /./);
    await client.call(getCapacity, {});
    assert.deepEqual(await shipped.box().items(), [volumeId, again.volumeId].sort());
    const ends = (await shipped.log()).filter(({ event }) => event === "rpc-finished");
    // On a busy machine the caller's own end of the call can come first.
    const left = ends.filter(({ code }) => code === "DEADLINE_EXCEEDED" || code === "CANCELLED");
    assert.equal(left.length, 2, "the driver itself ended both calls");
    const isKnown = left.some(({ code }) => code === "DEADLINE_EXCEEDED");
    assert.ok(isKnown, "the driver itself knew of the deadline");
  });
}

Deno.test("a caller who leaves frees its place, and its name", async () => {
  await using shipped = await prepared();
  const { client } = shipped;
  await shipped.box().control.addFault({ kind: "hang", times: 1, on: WRITING });
  const leaving = new AbortController();
  const left = client.call(create, volumeRequest("a"), { signal: leaving.signal });
  left.catch(() => {});
  await until(async () => (await shipped.box().control.status()).struck.hang === 1);
  leaving.abort();
  await refused(left, "CANCELLED", /./);
  await shipped.logged("rpc-finished", ({ code }) => code === "CANCELLED");
  const { volumeId } = await new Sidecar().persist(() => createVolume(client, "a"));
  assert.deepEqual(await shipped.box().items(), [volumeId]);
});

Deno.test("SIGTERM lets a running create end, and then the controller ends with code 0", async () => {
  await using shipped = await prepared();
  const { client, controller } = shipped;
  await shipped.box().control.setLatency({ add: 500, remove: 500 });
  const running = createVolume(client, "a");
  await client.call(Identity.method.probe, {});
  controller.kill("SIGTERM");
  const [{ volumeId }, { code }] = await Promise.all([running, controller.ended()]);
  assert.equal(code, 0);
  assert.deepEqual(await shipped.box().items(), [volumeId]);
  const last = (await shipped.log()).slice(-2);
  assert.deepEqual(last.map(({ event }) => event), ["rpc-finished", "role-stopped"]);
  await assert.rejects(Deno.lstat(shipped.socket), Deno.errors.NotFound);
});

Deno.test("a second SIGTERM ends the controller at once", async () => {
  await using shipped = await prepared();
  const { client, controller } = shipped;
  await shipped.box().control.addFault({ kind: "hang", times: 1, on: WRITING });
  const running = client.call(create, volumeRequest("a"));
  running.catch(() => {});
  await client.call(Identity.method.probe, {});
  controller.kill("SIGTERM");
  // The first thing that ending does is to give up the socket.
  await until(async () => !await exists(shipped.socket));
  controller.kill("SIGTERM");
  assert.equal((await controller.ended()).code, 143);
  // Whichever way the client's library puts a connection that is gone.
  await assert.rejects(running);
});

const CRASHES: { name: string; fault: Fault | undefined }[] = [
  { name: "before the box runs it", fault: { kind: "hang", times: 1, on: WRITING } },
  { name: "while the box runs it", fault: undefined },
  { name: "after the box ran it", fault: { kind: "hang-after", times: 1, on: WRITING } },
];

for (const { name, fault } of CRASHES) {
  Deno.test(`a controller killed in a create, snapshot, clone or restore ${name} converges`, async () => {
    // Where no fault holds the command up, long enough for the kill to come within it.
    const latencyMs = fault === undefined ? 600 : 150;
    const latency = `add=${latencyMs},remove=${latencyMs}`;
    await using shipped = await prepared(["--latency", latency]);
    const { client } = shipped;
    const box = shipped.box();
    /** Makes a call, kills the controller under it, and repeats the call to a new one. */
    const killed = async <Result>(call: () => Promise<Result>): Promise<Result> => {
      if (fault !== undefined) await box.control.addFault(fault);
      const { count } = await box.control.commands();
      const lost = call();
      lost.catch(() => {});
      await client.call(Identity.method.probe, {});
      // The box has the command: it strikes at once, or runs into its latency.
      await until(async () => (await box.control.status()).faults.length === 0);
      await shipped.controller.end("SIGKILL");
      await assert.rejects(lost);
      await shipped.startController();
      const made = await call();
      assert.ok((await box.control.commands()).count > count);
      return made;
    };
    const source = await killed(() => createVolume(client, "a"));
    await shipped.logged("copy-probed");
    const cut = await killed(() => createSnapshot(client, "s", source.volumeId));
    await shipped.logged("copy-probed");
    const restored = await killed(() =>
      createVolume(client, "r", { volumeContentSource: fromSnapshot(cut.snapshotId) })
    );
    await shipped.logged("copy-probed");
    const clone = await killed(() =>
      createVolume(client, "c", { volumeContentSource: fromVolume(source.volumeId) })
    );
    const ids = [source.volumeId, restored.volumeId, clone.volumeId];
    const all = [...ids, cut.snapshotId].sort();
    await shipped.logged("copy-probed");
    assert.deepEqual(await box.items(), all);
    assert.deepEqual(await box.files(), all.map((id) => `${id}.img`));
    await client.call(Controller.method.deleteSnapshot, { snapshotId: cut.snapshotId });
    await deleteVolumes(client, ...ids);
    assert.deepEqual(await box.files(), []);
    assert.deepEqual(await box.disks(`comment~"i=shipped"`), []);
    assert.deepEqual(await box.control.violations(), []);
  });
}

/** Asks again until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + SOON_MS;
  while (!await isSo()) assert.ok(Date.now() < deadline, "it has not happened in time");
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
