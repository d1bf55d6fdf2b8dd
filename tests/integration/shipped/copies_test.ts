/** Snapshots, clones and restores in every mode that a box may turn out to have. */
import assert from "node:assert/strict";
import { Controller } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { readMark, withDevice, writeMark } from "./device.ts";
import { type BoxPlan, install } from "./installation.ts";
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

const NODE = "worker-1@6ba7b810-9dad-41d1-80b4-00c04fd430c8";

const REAL_COPIES: { name: string; plan: BoxPlan; proof: string }[] = [
  { name: "as it comes", plan: {}, proof: "independent-cow by copy-from" },
  {
    name: "a box whose copy-from copies byte by byte",
    plan: { flags: ["--copy-from", "independent-full"] },
    proof: "independent-full by copy-from",
  },
  {
    name: "a box whose copy-from copies properties only, which has /file/copy",
    plan: { flags: ["--copy-from", "property-only", "--routeros", "7.24"] },
    proof: "independent-cow by file-copy",
  },
  {
    name: "a box whose copy-from shares the file, which has a full /file/copy",
    plan: { flags: ["--copy-from", "shared", "--routeros", "7.23", "--file-copy", "full"] },
    proof: "independent-full by file-copy",
  },
  {
    name: "a box without /file/copy",
    plan: { flags: ["--routeros", "7.21"] },
    proof: "independent-cow by copy-from",
  },
  {
    name: "file-copy alone, as configured",
    plan: { settings: { snapshots: { strategy: "file-copy" } } },
    proof: "independent-cow by file-copy",
  },
  {
    name: "a box that removes the file with its disk",
    plan: { flags: ["--remove-file", "delete", "--wordings", "alternate"] },
    proof: "independent-cow by copy-from",
  },
  {
    name: "a box that cuts long names and words errors otherwise",
    plan: {
      flags: [
        ...["--slot-limit", "32", "--slot-too-long", "truncate", "--wordings", "alternate"],
        ...["--exit-status-on-error", "1", "--ids-on-reboot", "change"],
      ],
    },
    proof: "independent-cow by copy-from",
  },
  {
    name: "a box without a limit of names",
    plan: { flags: ["--slot-limit", "none", "--comment-limit", "none"] },
    proof: "independent-cow by copy-from",
  },
  {
    name: "an XFS pool",
    plan: { flags: ["--pool-file-system", "xfs"] },
    proof: "independent-cow by copy-from",
  },
];

for (const { name, plan, proof } of REAL_COPIES) {
  Deno.test(`a snapshot and a clone hold the bytes of their moment: ${name}`, async () => {
    await using shipped = await install({ boxes: { main: plan }, hasNode: true });
    const { client } = shipped;
    const source = await createVolume(client, "source");
    await withDevice(shipped, source, (device) => writeMark(device, "first"));
    const { snapshotId } = await createSnapshot(client, "cut", source.volumeId);
    const clone = await createVolume(client, "clone", {
      volumeContentSource: fromVolume(source.volumeId),
    });
    await withDevice(shipped, source, (device) => writeMark(device, "second"));
    assert.equal((await shipped.logged("copy-probed"))["result"], proof);
    await deleteVolumes(client, source.volumeId);
    const restored = await createVolume(client, "restored", {
      volumeContentSource: fromSnapshot(snapshotId),
      capacityRange: { requiredBytes: 2n * 1024n ** 3n },
    });
    await client.call(Controller.method.deleteSnapshot, { snapshotId });
    for (const volume of [clone, restored]) {
      assert.equal(await withDevice(shipped, volume, readMark), "first");
    }
    await deleteVolumes(client, clone.volumeId, restored.volumeId);
    assert.deepEqual(await shipped.box().files(), []);
    assert.deepEqual(await shipped.box().disks(`comment~"i=shipped"`), []);
    assert.deepEqual(await shipped.box().control.violations(), []);
  });
}

const NO_COPIES: { name: string; plan: BoxPlan; says: RegExp }[] = [
  {
    name: "properties only, without /file/copy",
    plan: { flags: ["--copy-from", "property-only", "--routeros", "7.21"] },
    says: /copy-from: property-only: the copy does not hold the bytes of its source/,
  },
  {
    name: "a shared file, without /file/copy",
    plan: { flags: ["--copy-from", "shared", "--routeros", "7.21"] },
    says: /copy-from: shared: the copy changes when its source is written/,
  },
  {
    name: "properties only, and copy-from pinned",
    plan: {
      flags: ["--copy-from", "property-only", "--routeros", "7.24"],
      settings: { snapshots: { strategy: "copy-from" } },
    },
    says: /copy-from: property-only/,
  },
  {
    name: "file-copy pinned on a box that has none",
    plan: { flags: ["--routeros", "7.21"], settings: { snapshots: { strategy: "file-copy" } } },
    says: /file-copy/,
  },
];

for (const { name, plan, says } of NO_COPIES) {
  Deno.test(`snapshots, clones and restores are refused with the reason: ${name}`, async () => {
    await using shipped = await install({ boxes: { main: plan } });
    const { client } = shipped;
    const { volumeId } = await createVolume(client, "source");
    const { createSnapshot, createVolume: create } = Controller.method;
    const before = await shipped.box().disks(`comment~"k=v;i=shipped"`);
    const cut = client.call(createSnapshot, { name: "cut", sourceVolumeId: volumeId });
    await refused(cut, "FAILED_PRECONDITION", says);
    const snapshotId = `snap-${volumeId.slice("pvc-".length)}-at-1700000000`;
    for (const volumeContentSource of [fromVolume(volumeId), fromSnapshot(snapshotId)]) {
      const copy = client.call(create, volumeRequest("copy", { volumeContentSource }));
      await refused(copy, "FAILED_PRECONDITION", says);
    }
    const probed = await shipped.logged("copy-probed");
    assert.equal(probed.level, "WARN");
    assert.match(String(probed["reason"]), says);
    assert.deepEqual(await shipped.box().disks(`comment~"i=shipped"`), before);
    await client.call(Controller.method.deleteVolume, { volumeId });
    assert.deepEqual(await shipped.box().files(), []);
  });
}

for (const whileAttached of ["refuse", "allow-fuzzy"] as const) {
  Deno.test(`whileAttached ${whileAttached} decides over a byte-by-byte copy of a volume in use`, async () => {
    await using shipped = await install({
      boxes: {
        main: {
          flags: ["--copy-from", "independent-full"],
          settings: { snapshots: { whileAttached } },
        },
      },
    });
    const { client } = shipped;
    const { volumeId } = await createVolume(client, "source");
    await client.call(Controller.method.controllerPublishVolume, {
      ...{ volumeId, nodeId: NODE, volumeCapability: mount() },
    });
    const cut = createSnapshot(client, "cut", volumeId);
    if (whileAttached === "allow-fuzzy") {
      assert.equal((await cut).readyToUse, true);
    } else {
      await refused(
        cut,
        "FAILED_PRECONDITION",
        /its source is published, and the array cannot copy it at one instant/,
      );
      await client.call(Controller.method.controllerUnpublishVolume, { volumeId, nodeId: NODE });
      assert.equal((await createSnapshot(client, "cut", volumeId)).readyToUse, true);
    }
  });
}
