import assert from "node:assert/strict";
import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  type Message,
} from "@bufbuild/protobuf";
import { getOption, ScalarType } from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import {
  CreateVolumeRequestSchema,
  csi_secret,
  file_csi,
  ListSnapshotsRequestSchema,
  VolumeCapability_AccessMode_Mode,
  VolumeCapabilitySchema,
} from "../../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { redact } from "../../../../src/adapters/csi-grpc/redact.ts";

const CANARY = "canary-5f1c";
const PUBLIC = "public-9a2e";

/** Every message of the file with every field set; secret fields hold the canary and nothing else does. */
function filled(schema: DescMessage, chosen: ReadonlyMap<string, string>): Message {
  const message = reflect(schema, create(schema));
  for (const field of schema.fields) {
    const inOneof = field.oneof !== undefined && chosen.get(field.oneof.name) !== field.name;
    if (!inOneof) fill(message, field);
  }
  return message.message;
}

function fill(message: ReflectMessage, field: DescField): void {
  const text = getOption(field, csi_secret) ? CANARY : PUBLIC;
  switch (field.fieldKind) {
    case "map":
      message.get(field).set(text, text);
      return;
    case "list":
      if (field.listKind === "message") {
        message.get(field).add(
          reflect(field.message, filled(field.message, firstOfOneofs(field.message))),
        );
      } else if (field.listKind === "scalar") {
        message.get(field).add(field.name === "mount_flags" ? CANARY : text);
      }
      return;
    case "message":
      message.set(
        field,
        reflect(field.message, filled(field.message, firstOfOneofs(field.message))),
      );
      return;
    case "enum":
      message.set(field, 1);
      return;
    case "scalar":
      message.set(field, scalar(field.scalar, text));
  }
}

function scalar(type: ScalarType, text: string): unknown {
  switch (type) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BOOL:
      return true;
    case ScalarType.INT64:
      return 5n;
    default:
      return 5;
  }
}

/** The last member of each oneof: for a volume capability that is the one with mount flags. */
function firstOfOneofs(schema: DescMessage): ReadonlyMap<string, string> {
  return new Map(schema.oneofs.map((oneof) => [oneof.name, oneof.fields.at(-1)?.name ?? ""]));
}

function allMessages(messages: readonly DescMessage[]): DescMessage[] {
  return messages.flatMap((message) => [message, ...allMessages(message.nestedMessages)]);
}

Deno.test("redact() shows no secret of any message in CSI, and everything else", () => {
  let secretFields = 0;
  for (const schema of allMessages(file_csi.messages)) {
    const message = filled(schema, firstOfOneofs(schema));
    const shown = JSON.stringify(redact(schema, message));
    assert.ok(!shown.includes(CANARY), `${schema.typeName}: ${shown}`);
    for (const field of schema.fields) {
      const isSecret = getOption(field, csi_secret) || field.name === "mount_flags";
      if (!isSecret) continue;
      secretFields++;
      assert.ok(shown.includes(`"${field.name}":"[secret]"`), `${schema.typeName}: ${shown}`);
    }
    const hasPublicText = schema.fields.some((field) =>
      field.fieldKind === "scalar" && field.scalar === ScalarType.STRING && !field.oneof
    );
    if (hasPublicText) assert.ok(shown.includes(PUBLIC), `${schema.typeName}: ${shown}`);
  }
  // 19 fields carry the marker in CSI 1.12, and one is sensitive by its description.
  assert.equal(secretFields, 20);
});

Deno.test("redact() shows enums by name, 64-bit numbers as text and nothing that is not set", () => {
  const request = create(CreateVolumeRequestSchema, {
    name: "pvc-1",
    capacityRange: { requiredBytes: 9007199254740993n },
    secrets: { user: CANARY },
    parameters: { fsType: "ext4" },
    volumeCapabilities: [{
      accessMode: { mode: VolumeCapability_AccessMode_Mode.SINGLE_NODE_WRITER },
      accessType: { case: "mount", value: { fsType: "xfs", mountFlags: [CANARY] } },
    }],
  });
  assert.deepEqual(redact(CreateVolumeRequestSchema, request), {
    name: "pvc-1",
    capacity_range: { required_bytes: "9007199254740993" },
    volume_capabilities: [{
      mount: { fs_type: "xfs", mount_flags: "[secret]" },
      access_mode: { mode: "SINGLE_NODE_WRITER" },
    }],
    parameters: { fsType: "ext4" },
    secrets: "[secret]",
  });
});

Deno.test("redact() shows an enum value that it does not know as its number", () => {
  const capability = fromBinary(VolumeCapabilitySchema, new Uint8Array([0x1a, 2, 8, 99]));
  assert.deepEqual(redact(VolumeCapabilitySchema, capability), { access_mode: { mode: 99 } });
});

Deno.test("redact() cuts what a caller made large", () => {
  const request = create(CreateVolumeRequestSchema, {
    name: "n".repeat(1_000_000),
    volumeCapabilities: Array.from({ length: 5000 }, () => ({})),
    parameters: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`key-${i}`, "v"])),
  });
  const shown = JSON.stringify(redact(CreateVolumeRequestSchema, request));
  assert.ok(shown.length < 2000, `${shown.length}`);
  assert.match(shown, /1000000 characters/);
  assert.match(shown, /4968 more/);
  assert.deepEqual(redact(ListSnapshotsRequestSchema, create(ListSnapshotsRequestSchema)), {});
});
