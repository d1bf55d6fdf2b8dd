/** What is not ours on a box stays as it is, whatever is asked of us under its name. */
import assert from "node:assert/strict";
import { Controller } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import { BASE_PATH } from "../../../tools/trial/processes.ts";
import type { CsiClient } from "../../../tools/trial/csi_client.ts";
import { install } from "./installation.ts";
import { refused, type StatusName } from "./refusals.ts";
import { block, createVolume, deleteVolumes, fromVolume, GIB, volumeRequest } from "./requests.ts";

const NODE = "worker-1@6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const ID = volumeIdForName("claim");
const RECORD = `r1;k=v;i=other;n=${"A".repeat(22)};s=-;t=l9k2m3n4;p=-;a=-;st=r`;
const EXPORT = `nvme-tcp-export=yes nvme-tcp-server-port=4420 ` +
  `nvme-tcp-server-nqn="nqn.2000-02.com.mikrotik:${ID}"`;

const FOREIGN: { name: string; line: string }[] = [
  {
    name: "a volume of another cluster",
    line: `/file/add name=storage-pool/other type=directory; ` +
      `/disk/add type=file slot="${ID}" file-path="/storage-pool/other/${ID}.img" ` +
      `file-size=1073741824 mount-filesystem=no comment="${RECORD}" ${EXPORT}`,
  },
  {
    name: "a volume of the original driver, where ours would be",
    line: `/file/add name=storage-pool/trial type=directory; ` +
      `/disk/add type=file slot="${ID}" file-path="${BASE_PATH}/${ID}.img" ` +
      `file-size=1073741824 mount-filesystem=no ${EXPORT}`,
  },
  {
    name: "an item whose record is cut off",
    line: `/file/add name=storage-pool/trial type=directory; ` +
      `/disk/add type=file slot="${ID}" file-path="${BASE_PATH}/${ID}.img" ` +
      `file-size=1073741824 mount-filesystem=no comment="r1;k=v;i=shippe"`,
  },
];

/** Every call that would change the volume, and its refusal. */
function callsFor(client: CsiClient): [() => Promise<unknown>, StatusName, RegExp][] {
  const call = Controller.method;
  const named = { volumeId: ID };
  const capacityRange = { requiredBytes: 2n * GIB };
  const publish = { ...named, nodeId: NODE, volumeCapability: block() };
  const modify = { ...named, mutableParameters: { reconnectDelay: "3" } };
  const clone = volumeRequest("clone", { volumeContentSource: fromVolume(ID) });
  const snapshot = { name: "s", sourceVolumeId: ID };
  const foreign = /disk "pvc-.*" does not belong to this cluster/;
  return [
    [() => client.call(call.createVolume, volumeRequest("claim")), "FAILED_PRECONDITION", foreign],
    [() => client.call(call.deleteVolume, named), "FAILED_PRECONDITION", foreign],
    [
      () => client.call(call.controllerExpandVolume, { ...named, capacityRange }),
      "FAILED_PRECONDITION",
      foreign,
    ],
    [() => client.call(call.controllerPublishVolume, publish), "NOT_FOUND", /"pvc-/],
    [() => client.call(call.controllerGetVolume, named), "NOT_FOUND", /"pvc-/],
    [() => client.call(call.controllerModifyVolume, modify), "NOT_FOUND", /"pvc-/],
    [() => client.call(call.createSnapshot, snapshot), "NOT_FOUND", /its source is not/],
    [() => client.call(call.createVolume, clone), "NOT_FOUND", /its source is not/],
  ];
}

for (const { name, line } of FOREIGN) {
  Deno.test(`no call changes ${name}, and the log says what stands there`, async () => {
    const flags = ["--slot-limit", "none"];
    await using shipped = await install({ boxes: { main: { flags } }, startsController: false });
    const { client } = shipped;
    const box = shipped.box();
    assert.equal(await box.run(line), "");
    await Deno.writeTextFile(fileOfForeign(name, box), "their bytes");
    const before = await box.disks(`type="file"`);
    await shipped.startController();
    await shipped.logged("copy-probed");
    for (const [call, code, says] of callsFor(client)) await refused(call(), code, says);
    assert.deepEqual(await box.disks(`type="file"`), before);
    assert.equal(await Deno.readTextFile(fileOfForeign(name, box)), "their bytes");
    assert.deepEqual((await client.call(Controller.method.listVolumes, {})).entries, []);
    const event = await shipped.logged("foreign-item");
    assert.equal(event.level, "ERROR");
    assert.equal(event["item"], ID);
  });
}

Deno.test("a file where a volume's would be is neither overwritten nor removed", async () => {
  await using shipped = await install({ startsController: false });
  const { client } = shipped;
  const box = shipped.box();
  await box.run(
    `/file/add name=storage-pool/trial type=directory; ` +
      `/file/add name="storage-pool/trial/${ID}.img" contents="their bytes"`,
  );
  await shipped.startController();
  await refused(
    client.call(Controller.method.createVolume, volumeRequest("claim")),
    "FAILED_PRECONDITION",
    /file "storage-pool\/trial\/pvc-.*\.img" is there and belongs to no disk of ours/,
  );
  assert.equal(await Deno.readTextFile(box.fileOf(`${ID}.img`)), "their bytes");
});

Deno.test("two clusters on one box see, count and delete only what is theirs", async () => {
  await using shipped = await install();
  const { client } = shipped;
  const box = shipped.box();
  const mine = await createVolume(client, "claim");
  await shipped.logged("copy-probed");
  await shipped.controller.end("SIGTERM");
  const rows = await box.disks(`type="file"`);
  const config = JSON.parse(await Deno.readTextFile(`${shipped.directory}/config.yaml`));
  config.clusterId = "second";
  config.backends[0].basePath = "/storage-pool/second";
  await Deno.writeTextFile(`${shipped.directory}/config.yaml`, JSON.stringify(config));
  await shipped.startController();
  await shipped.logged("copy-probed");
  assert.deepEqual((await client.call(Controller.method.listVolumes, {})).entries, []);
  await refused(
    client.call(Controller.method.createVolume, volumeRequest("claim")),
    "FAILED_PRECONDITION",
    /does not belong to this cluster/,
  );
  const theirs = await createVolume(client, "another");
  await deleteVolumes(client, theirs.volumeId);
  for (const volumeId of ["nixos-root", "snap-x", "pvc-x", "../x", `${mine.volumeId}.img`]) {
    await client.call(Controller.method.deleteVolume, { volumeId });
    await client.call(Controller.method.deleteSnapshot, { snapshotId: volumeId });
  }
  assert.deepEqual(await box.disks(`type="file"`), rows);
});

function fileOfForeign(name: string, box: { fileOf(name: string, path?: string): string }): string {
  return box.fileOf(
    `${ID}.img`,
    name.includes("another cluster") ? "/storage-pool/other" : BASE_PATH,
  );
}
