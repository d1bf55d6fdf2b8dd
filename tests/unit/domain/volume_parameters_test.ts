/** Parameters of classes, and what is kept of them in the volume context. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { StorageError } from "../../../src/domain/errors.ts";
import { checkSnapshotParameters } from "../../../src/domain/snapshot_parameters.ts";
import { parseVolumeContext, volumeContextOf } from "../../../src/domain/volume_context.ts";
import {
  parseMutableParameters,
  parseVolumeParameters,
} from "../../../src/domain/volume_parameters.ts";

Deno.test("parseVolumeParameters() of nothing gives the defaults", () => {
  assert.deepEqual(parseVolumeParameters({}), {
    backend: undefined,
    nvmeAddress: undefined,
    nvmePort: "per-volume",
    basePath: undefined,
    reconnect: {},
    migrationTimeoutSeconds: 300,
    mkfsOptions: [],
    fsckPolicy: "repair-safe",
  });
});

Deno.test("parseVolumeParameters() reads every key", () => {
  const parameters = parseVolumeParameters({
    backend: "rack-2",
    nvmeAddress: "2001:db8::7",
    nvmePort: "4420",
    basePath: "/storage-pool/metal-csi/fast",
    ctrlLossTmo: "600",
    reconnectDelay: "2",
    keepAliveTmo: "20",
    fastIoFailTmo: "30",
    nrIoQueues: "2",
    migrationTimeoutSeconds: "3600",
    mkfsOptions: "-m 1, -O ^has_journal,-L data",
    fsckPolicy: "check",
  });
  assert.deepEqual(parameters, {
    backend: "rack-2",
    nvmeAddress: "2001:db8::7",
    nvmePort: 4420,
    basePath: "/storage-pool/metal-csi/fast",
    reconnect: {
      ...{ ctrlLossTmo: 600, reconnectDelay: 2, keepAliveTmo: 20 },
      ...{ fastIoFailTmo: 30, nrIoQueues: 2 },
    },
    migrationTimeoutSeconds: 3600,
    mkfsOptions: ["-m 1", "-O ^has_journal", "-L data"],
    fsckPolicy: "check",
  });
});

Deno.test("parseVolumeParameters() takes the original's keys, and leaves the sidecars theirs", () => {
  const { nvmeAddress, basePath } = parseVolumeParameters({
    rdsAddress: "192.0.2.9",
    volumePath: "/storage-pool/old",
    "csi.storage.k8s.io/fstype": "xfs",
  });
  assert.deepEqual([nvmeAddress, basePath], ["192.0.2.9", "/storage-pool/old"]);
});

const REFUSED: [key: string, text: string][] = [
  ["colour", "blue"],
  ["__proto__", "x"],
  ["constructor", "x"],
  ["backend", "Rack 2"],
  ["backend", ""],
  ["nvmeAddress", "192.0.2.9 -q x"],
  ["nvmeAddress", "-a"],
  ["nvmeAddress", ""],
  ["nvmePort", "0"],
  ["nvmePort", "65536"],
  ["nvmePort", "any"],
  ["basePath", "relative"],
  ["basePath", "/a/../b"],
  ["basePath", "/a//b"],
  ["basePath", "/a/"],
  ["basePath", '/a"; /system reboot; "'],
  ["basePath", "/a\n"],
  ["migrationTimeoutSeconds", "29"],
  ["migrationTimeoutSeconds", "3601"],
  ["mkfsOptions", "-F"],
  ["mkfsOptions", "-m 1 /dev/sda"],
  ["mkfsOptions", "-E discard"],
  ["fsckPolicy", "force"],
  ["ctrlLossTmo", "0"],
];

for (const [key, text] of REFUSED) {
  Deno.test(`parseVolumeParameters() refuses ${key} ${JSON.stringify(text)}`, () => {
    const given = Object.fromEntries([[key, text]]);
    assert.throws(() => parseVolumeParameters(given), (error: unknown) => {
      assert.ok(error instanceof StorageError && error.code === "invalid");
      assert.ok(error.message.includes(key), error.message);
      return true;
    });
  });
}

Deno.test("parseVolumeParameters() refuses a key together with its alias", () => {
  const given = { nvmeAddress: "192.0.2.9", rdsAddress: "192.0.2.9" };
  assert.throws(() => parseVolumeParameters(given), { code: "invalid", message: /both given/ });
});

Deno.test("parseVolumeParameters() of any texts is an answer or invalid, and never a crash", () => {
  const known = fc.constantFrom("backend", "nvmePort", "basePath", "mkfsOptions", "ctrlLossTmo");
  const texts = fc.dictionary(fc.oneof(known, fc.string()), fc.string({ unit: "binary" }));
  fc.assert(fc.property(texts, (given) => {
    try {
      parseVolumeParameters(given);
    } catch (error) {
      assert.ok(error instanceof StorageError && error.code === "invalid");
    }
  }));
});

Deno.test("parseMutableParameters() takes the reconnect policy and nothing else", () => {
  assert.deepEqual(parseMutableParameters({}), {});
  assert.deepEqual(parseMutableParameters({ keepAliveTmo: "20" }), { keepAliveTmo: 20 });
  for (const given of [{ backend: "two" }, { nvmePort: "4420" }, { ctrlLossTmo: "9" }]) {
    assert.throws(() => parseMutableParameters(given), { code: "invalid" });
  }
});

Deno.test("parseVolumeContext() reads what volumeContextOf() writes", () => {
  const given = {
    nvmeAddress: "192.0.2.9",
    ctrlLossTmo: "600",
    mkfsOptions: "-m 1,-i 8192",
    fsckPolicy: "off",
    migrationTimeoutSeconds: "60",
  };
  const parameters = parseVolumeParameters(given);
  assert.deepEqual(volumeContextOf(parameters), given);
  assert.deepEqual(parseVolumeContext(volumeContextOf(parameters)), parameters);
});

Deno.test("parseVolumeContext() leaves alone what others added, and refuses what it reads", () => {
  const added = {
    "storage.kubernetes.io/csiProvisionerIdentity": "1-2-rds.csi.srvlab.io",
    "csi.storage.k8s.io/ephemeral": "false",
    volumePath: "/storage-pool/metal-csi/pvc.img",
  };
  assert.deepEqual(parseVolumeContext(added), parseVolumeParameters({}));
  assert.throws(() => parseVolumeContext({ fsckPolicy: "force" }), { code: "invalid" });
});

Deno.test("checkSnapshotParameters() takes the sidecars' keys and nothing else", () => {
  checkSnapshotParameters({ "csi.storage.k8s.io/volumesnapshot/name": "s" });
  assert.throws(() => checkSnapshotParameters({ copy: "fast" }), {
    code: "invalid",
    message: /copy "fast"/,
  });
});
