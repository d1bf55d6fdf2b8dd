/** The parameters of a StorageClass, from CreateVolume to what a node is told. */
import assert from "node:assert/strict";
import {
  Controller,
  VolumeCapability_AccessMode_Mode as Mode,
} from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { install, type Installation } from "./installation.ts";
import { refused } from "./refusals.ts";
import { createVolume, deleteVolumes, GIB, mount, volumeRequest } from "./requests.ts";

const NODE = "worker-1@6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const { createVolume: create, controllerPublishVolume, controllerModifyVolume, getCapacity } =
  Controller.method;

const EVERY_KEY = {
  backend: "main",
  nvmeAddress: "storage.example",
  nvmePort: "4420",
  basePath: "/storage-pool/fast",
  ctrlLossTmo: "600",
  reconnectDelay: "7",
  keepAliveTmo: "15",
  fastIoFailTmo: "30",
  nrIoQueues: "3",
  migrationTimeoutSeconds: "90",
  mkfsOptions: "-m 0,-O ^has_journal",
  fsckPolicy: "repair-safe",
  "csi.storage.k8s.io/fstype": "xfs",
  "csi.storage.k8s.io/pvc/name": "data",
};

async function published(
  { client }: Installation,
  volumeId: string,
  volumeContext: Record<string, string>,
): Promise<Record<string, string>> {
  const request = { volumeId, volumeContext, nodeId: NODE, volumeCapability: mount() };
  return (await client.call(controllerPublishVolume, request)).publishContext;
}

Deno.test("every parameter of a class reaches the box, the volume's context or the node", async () => {
  await using shipped = await install({
    boxes: { main: { settings: { allowedBasePaths: ["/storage-pool/fast"] } } },
  });
  const { client } = shipped;
  const volume = await createVolume(client, "a", { parameters: EVERY_KEY });
  assert.deepEqual(volume.volumeContext, {
    nvmeAddress: "storage.example",
    ctrlLossTmo: "600",
    reconnectDelay: "7",
    keepAliveTmo: "15",
    fastIoFailTmo: "30",
    nrIoQueues: "3",
    migrationTimeoutSeconds: "90",
    mkfsOptions: "-m 0,-O ^has_journal",
    fsckPolicy: "repair-safe",
  });
  const said = await published(shipped, volume.volumeId, volume.volumeContext);
  assert.deepEqual(said, {
    nqn: `nqn.2000-02.com.mikrotik:${volume.volumeId}`,
    address: "storage.example",
    port: "4420",
    capacityBytes: String(GIB),
    isCopy: "false",
    ctrlLossTmo: "600",
    reconnectDelay: "7",
    keepAliveTmo: "15",
    fastIoFailTmo: "30",
    nrIoQueues: "3",
  });
  const [row] = await shipped.box().disks(`comment~"k=v;i=shipped"`);
  assert.equal(row?.["file-path"], `/storage-pool/fast/${volume.volumeId}.img`);
  assert.equal(row?.["nvme-tcp-server-port"], 4420);
  const beside = await createVolume(client, "b", { parameters: { nvmePort: "4420" } });
  const onOwnPort = await createVolume(client, "c");
  const port = (await published(shipped, onOwnPort.volumeId, {}))["port"];
  assert.ok(Number(port) >= 44_200 && Number(port) <= 48_295, port);
  await deleteVolumes(client, beside.volumeId);
  assert.deepEqual(await shipped.box().files("/storage-pool/fast"), [`${volume.volumeId}.img`]);
});

Deno.test("the original driver's names for parameters are understood", async () => {
  await using shipped = await install();
  const { client } = shipped;
  const parameters = { rdsAddress: "10.0.0.9", volumePath: "/storage-pool/trial" };
  const { volumeId, volumeContext } = await createVolume(client, "a", { parameters });
  assert.equal((await published(shipped, volumeId, volumeContext))["address"], "10.0.0.9");
  const both = volumeRequest("b", { parameters: { ...parameters, nvmeAddress: "10.0.0.9" } });
  await refused(client.call(create, both), "INVALID_ARGUMENT", /"nvmeAddress" and its alias/);
});

const REFUSED: { parameters: Record<string, string>; says: RegExp }[] = [
  {
    parameters: { colour: "red" },
    says: /parameter colour "red": allowed is backend, nvmeAddress/,
  },
  { parameters: { Backend: "main" }, says: /parameter Backend "main"/ },
  { parameters: { backend: "other" }, says: /Cannot use backend "other": there is main/ },
  { parameters: { nvmePort: "0" }, says: /nvmePort: 0 is not a port/ },
  { parameters: { nvmePort: "44200; /quit" }, says: /nvmePort "44200; \/quit"/ },
  {
    parameters: { basePath: "/storage-pool/trial-evil" },
    says: /base path ".*-evil" is not allowed/,
  },
  { parameters: { basePath: "/storage-pool/trial/../x" }, says: /basePath/ },
  { parameters: { basePath: `/a"; /system/reboot; "` }, says: /basePath/ },
  { parameters: { nvmeAddress: "a b" }, says: /nvmeAddress "a b"/ },
  { parameters: { ctrlLossTmo: "0" }, says: /ctrlLossTmo "0"/ },
  { parameters: { ctrlLossTmo: "5" }, says: /at least twice reconnectDelay \(5\)/ },
  {
    parameters: { reconnectDelay: "61" },
    says: /reconnectDelay "61": a whole number from 1 to 60/,
  },
  { parameters: { keepAliveTmo: "ten" }, says: /keepAliveTmo "ten"/ },
  { parameters: { fastIoFailTmo: "60", ctrlLossTmo: "60" }, says: /below ctrlLossTmo \(60\)/ },
  { parameters: { nrIoQueues: "65" }, says: /nrIoQueues "65"/ },
  {
    parameters: { migrationTimeoutSeconds: "29" },
    says: /migrationTimeoutSeconds "29": .*30 to 3600/,
  },
  { parameters: { mkfsOptions: "-F /dev/sda" }, says: /mkfsOptions "-F \/dev\/sda"/ },
  { parameters: { fsckPolicy: "repair" }, says: /fsckPolicy "repair": allowed is off, check/ },
];

Deno.test("a parameter that is unknown or not allowed is refused by name, and nothing is made", async () => {
  await using shipped = await install();
  const { client } = shipped;
  for (const { parameters, says } of REFUSED) {
    const call = client.call(create, volumeRequest("a", { parameters }));
    await refused(call, "INVALID_ARGUMENT", says);
  }
  await shipped.logged("copy-probed");
  assert.deepEqual(await shipped.box().items(), []);
});

Deno.test("ControllerModifyVolume changes what the next publish says, for ever", async () => {
  await using shipped = await install();
  const { client } = shipped;
  const { volumeId, volumeContext } = await createVolume(client, "a", {
    parameters: { reconnectDelay: "7" },
    mutableParameters: { keepAliveTmo: "20" },
  });
  const first = await published(shipped, volumeId, volumeContext);
  assert.deepEqual([first["reconnectDelay"], first["keepAliveTmo"]], ["7", "20"]);
  const mutableParameters = { reconnectDelay: "9", ctrlLossTmo: "120" };
  await client.call(controllerModifyVolume, { volumeId, mutableParameters });
  await shipped.controller.end("SIGTERM");
  await shipped.startController();
  const then = await published(shipped, volumeId, volumeContext);
  assert.deepEqual(
    [then["reconnectDelay"], then["keepAliveTmo"], then["ctrlLossTmo"]],
    ["9", "20", "120"],
  );
  for (const wrong of [{ backend: "x" }, { reconnectDelay: "0" }]) {
    const call = client.call(controllerModifyVolume, { volumeId, mutableParameters: wrong });
    await refused(call, "INVALID_ARGUMENT", /backend|reconnectDelay/);
  }
});

Deno.test("GetCapacity is that of the box the class names, less its reserve", async () => {
  await using shipped = await install({
    boxes: {
      small: { flags: ["--pool-size", "100G"], settings: { minFreePercent: 20 } },
      large: { flags: ["--pool-size", "1T"], settings: { minFreePercent: 0 } },
    },
  });
  const { client } = shipped;
  const small = await client.call(getCapacity, {});
  const large = await client.call(getCapacity, { parameters: { backend: "large" } });
  assert.ok(small.availableCapacity > 0n && small.availableCapacity <= 80n * GIB);
  assert.ok(large.availableCapacity > 500n * GIB);
  assert.equal(small.minimumVolumeSize, GIB);
  assert.equal(small.maximumVolumeSize, 16n * 1024n * GIB);
  const shared = { volumeCapabilities: [mount(Mode.MULTI_NODE_MULTI_WRITER)] };
  assert.equal((await client.call(getCapacity, shared)).availableCapacity, 0n);
  const tooLarge = volumeRequest("a", { capacityRange: { requiredBytes: 90n * GIB } });
  await refused(client.call(create, tooLarge), "RESOURCE_EXHAUSTED", /\d+ bytes are available/);
});
