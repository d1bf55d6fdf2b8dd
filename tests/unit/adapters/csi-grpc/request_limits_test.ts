import assert from "node:assert/strict";
import { create, type DescMessage, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ControllerPublishVolumeRequestSchema,
  CreateSnapshotRequestSchema,
  CreateVolumeRequestSchema,
  DeleteVolumeGroupSnapshotRequestSchema,
  NodePublishVolumeRequestSchema,
} from "../../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { checkLimits } from "../../../../src/adapters/csi-grpc/request_limits.ts";
import { StorageError } from "../../../../src/domain/errors.ts";

interface Case {
  name: string;
  schema: DescMessage;
  request: Message;
  /** Absent when the request is good. */
  finding?: string;
}

function of<Schema extends DescMessage>(
  name: string,
  schema: Schema,
  init: MessageInitShape<Schema>,
  finding?: string,
): Case {
  return {
    name,
    schema,
    request: create(schema, init),
    ...(finding === undefined ? {} : { finding }),
  };
}

const CASES: Case[] = [
  of("an empty request", CreateVolumeRequestSchema, {}),
  of("a name of 128 bytes", CreateVolumeRequestSchema, { name: "n".repeat(128) }),
  of(
    "a name of 129 bytes",
    CreateVolumeRequestSchema,
    { name: "n".repeat(129) },
    "name has 129 bytes, and at most 128 are allowed",
  ),
  of("a size in bytes and not in characters", CreateVolumeRequestSchema, { name: "ä".repeat(64) }),
  of(
    "65 characters of two bytes",
    CreateVolumeRequestSchema,
    { name: "ä".repeat(65) },
    "name has 130 bytes, and at most 128 are allowed",
  ),
  of("whitespace in a name", CreateVolumeRequestSchema, { name: "a\t\r\nb 漢字 🦀" }),
  of(
    "a bell in a name",
    CreateSnapshotRequestSchema,
    { name: "a\u0007b" },
    "name has the control character U+0007",
  ),
  of(
    "a C1 control in a name",
    CreateVolumeRequestSchema,
    { name: "a\u0085b" },
    "name has the control character U+0085",
  ),
  of("parameters of 4096 bytes", CreateVolumeRequestSchema, {
    parameters: { k: "v".repeat(2047), l: "v".repeat(2047) },
  }),
  of(
    "parameters of 4097 bytes",
    CreateVolumeRequestSchema,
    { parameters: { k: "v".repeat(2047), l: "v".repeat(2048) } },
    "parameters has 4097 bytes, and at most 4096 are allowed",
  ),
  of(
    "secrets above 4 KiB",
    CreateVolumeRequestSchema,
    { secrets: { k: "v".repeat(5000) } },
    "secrets has 5001 bytes, and at most 4096 are allowed",
  ),
  of("a node ID of 256 bytes", ControllerPublishVolumeRequestSchema, { nodeId: "n".repeat(256) }),
  of(
    "a node ID of 257 bytes",
    ControllerPublishVolumeRequestSchema,
    { nodeId: "n".repeat(257) },
    "node_id has 257 bytes, and at most 256 are allowed",
  ),
  of("paths of 4096 bytes", NodePublishVolumeRequestSchema, {
    stagingTargetPath: `/${"p".repeat(4095)}`,
    targetPath: `/${"p".repeat(4095)}`,
  }),
  of(
    "a path of 4097 bytes",
    NodePublishVolumeRequestSchema,
    { targetPath: "p".repeat(4097) },
    "target_path has 4097 bytes, and at most 4096 are allowed",
  ),
  of("a long mount flag", NodePublishVolumeRequestSchema, {
    volumeCapability: { accessType: { case: "mount", value: { mountFlags: ["f".repeat(4096)] } } },
  }),
  of(
    "mount flags above 4 KiB together",
    NodePublishVolumeRequestSchema,
    {
      volumeCapability: {
        accessType: { case: "mount", value: { mountFlags: ["f".repeat(4096), "g"] } },
      },
    },
    "volume_capability.mount.mount_flags has 4097 bytes, and at most 4096 are allowed",
  ),
  of(
    "a field deep inside a list",
    CreateVolumeRequestSchema,
    {
      volumeCapabilities: [
        {},
        { accessType: { case: "mount", value: { fsType: "x".repeat(200) } } },
      ],
    },
    "volume_capabilities[1].mount.fs_type has 200 bytes, and at most 128 are allowed",
  ),
  of(
    "an item of a list of strings",
    DeleteVolumeGroupSnapshotRequestSchema,
    { snapshotIds: ["a", "b".repeat(129)] },
    "snapshot_ids[1] has 129 bytes, and at most 128 are allowed",
  ),
  of(
    "a list without end",
    CreateVolumeRequestSchema,
    { volumeCapabilities: Array.from({ length: 1025 }, () => ({})) },
    "volume_capabilities has 1025 items, and at most 1024 are allowed",
  ),
];

for (const { name, schema, request, finding } of CASES) {
  const verb = finding === undefined ? "accepts" : "refuses";
  Deno.test(`checkLimits() ${verb} ${name}`, () => {
    if (finding === undefined) return checkLimits(schema, request);
    assert.throws(() => checkLimits(schema, request), (error) => {
      assert.ok(error instanceof StorageError && error.code === "invalid");
      assert.equal(error.message, `Cannot accept the request: ${finding}`);
      return true;
    });
  });
}

Deno.test("checkLimits() never repeats a secret in its message", () => {
  const request = create(CreateVolumeRequestSchema, { secrets: { canary: "canary".repeat(1000) } });
  assert.throws(() => checkLimits(CreateVolumeRequestSchema, request), (error) => {
    assert.ok(error instanceof Error && !error.message.includes("canary"));
    return true;
  });
});
