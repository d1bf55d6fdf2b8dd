/** Many calls at once, as sidecars make them when a cluster starts. */
import assert from "node:assert/strict";
import { status } from "@grpc/grpc-js";
import { Controller } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { codeOf } from "../../../tools/trial/csi_client.ts";
import { install } from "./installation.ts";
import { Sidecar } from "./sidecar.ts";
import { createSnapshot, createVolume } from "./requests.ts";

Deno.test("200 concurrent creates of 20 names end in exactly 20 volumes", async () => {
  await using shipped = await install();
  const { client } = shipped;
  const sidecar = new Sidecar();
  const names = Array.from({ length: 200 }, (_, index) => `claim-${index % 20}`);
  const made = await Promise.all(
    names.map((name) => sidecar.persist(() => createVolume(client, name))),
  );
  const ids = [...new Set(made.map(({ volumeId }) => volumeId))].sort();
  assert.equal(ids.length, 20);
  await shipped.logged("copy-probed");
  assert.deepEqual(await shipped.box().items(), ids);
  assert.deepEqual(await shipped.box().files(), ids.map((id) => `${id}.img`));
  const rows = await shipped.box().disks(`comment~"k=v;i=shipped;"`);
  assert.equal(new Set(rows.map((row) => row["nvme-tcp-server-port"])).size, 20);
  assert.deepEqual(await shipped.box().control.violations(), []);
});

Deno.test("a storm of creates, snapshots and deletes leaves no item and no file behind", async () => {
  await using shipped = await install();
  const { client } = shipped;
  const sidecar = new Sidecar();
  const { deleteVolume, deleteSnapshot } = Controller.method;
  const ignore = (error: unknown): void => {
    // A volume that is deleted by one caller is missing for the other.
    assert.ok(
      [status.ABORTED, status.NOT_FOUND].some((code) => code === codeOf(error)),
      String(error),
    );
  };
  const lives = Array.from({ length: 40 }, async (_, index) => {
    const name = `claim-${index % 10}`;
    const { volumeId } = await sidecar.persist(() => createVolume(client, name));
    const snapshot = createSnapshot(client, `cut-${index}`, volumeId);
    const deleted = sidecar.persist(() => client.call(deleteVolume, { volumeId }));
    const taken = await snapshot.catch((error) => void ignore(error));
    await deleted;
    if (taken === undefined) return;
    const { snapshotId } = taken;
    await sidecar.persist(() => client.call(deleteSnapshot, { snapshotId }));
  });
  await Promise.all(lives);
  // What a slower caller made again after a faster one had deleted it goes now.
  for (const { volume } of (await client.call(Controller.method.listVolumes, {})).entries) {
    await client.call(deleteVolume, { volumeId: volume?.volumeId ?? "" });
  }
  await shipped.logged("copy-probed");
  assert.deepEqual((await client.call(Controller.method.listSnapshots, {})).entries, []);
  assert.deepEqual(await shipped.box().disks(`comment~"i=shipped"`), []);
  assert.deepEqual(await shipped.box().files(), []);
  assert.deepEqual(await shipped.box().control.violations(), []);
  const failed = (await shipped.log()).filter(({ code }) => code === "INTERNAL");
  assert.deepEqual(failed, []);
});
