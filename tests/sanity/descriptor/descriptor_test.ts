/**
 * proto/csi.proto is written by us; this compares what it means with the official file, which Go's
 * module proxy hands out under a checksum.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { compileDescriptorSet, PROTO_DIRECTORY } from "../../../tools/gen_proto.ts";
import { differences, type Facts, factsOf } from "./facts.ts";

const OFFICIAL_MODULE = "github.com/container-storage-interface/spec@v1.12.0";
const OFFICIAL_SUM = "h1:zrFOEqpR5AghNaaDG4qyedwPBqU2fU0dWjLQMP/azK0=";
const DOWNLOAD_TIMEOUT_MS = 120_000;

async function officialProto(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("go", {
    args: ["mod", "download", "-json", OFFICIAL_MODULE],
    cwd: "/",
    signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS),
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.ok(success, `${text}${new TextDecoder().decode(stderr)}`);
  const module: { Dir: string; Sum: string } = JSON.parse(text);
  assert.equal(module.Sum, OFFICIAL_SUM, "the official module is not the one that we know");
  return await Deno.readTextFile(join(module.Dir, "csi.proto"));
}

async function factsOfText(proto: string): Promise<Facts> {
  const directory = await Deno.makeTempDir({ prefix: "csi-proto-" });
  try {
    await Deno.writeTextFile(join(directory, "csi.proto"), proto);
    return factsOf(await compileDescriptorSet(directory), "csi.v1");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("proto/csi.proto means the same as the official file of CSI 1.12.0", async () => {
  const ours = factsOf(await compileDescriptorSet(PROTO_DIRECTORY), "csi.v1");
  const official = await factsOfText(await officialProto());
  assert.ok(official.size > 500, `only ${official.size} facts were found`);
  assert.deepEqual(differences(ours, official), []);
});

const CHANGES: { name: string; from: string; to: string; says: RegExp }[] = [
  {
    name: "a field number",
    from: "bool ready_to_use = 5;",
    to: "bool ready_to_use = 7;",
    says:
      /field csi\.v1\.Snapshot\.ready_to_use differs: ours is number 7.*officially it is number 5/,
  },
  {
    name: "a type",
    from: "int64 limit_bytes = 2;",
    to: "uint64 limit_bytes = 2;",
    says: /CapacityRange\.limit_bytes differs: .*uint64.*int64/,
  },
  {
    name: "a label",
    from: "repeated string mount_flags = 2;",
    to: "string mount_flags = 2;",
    says: /mount_flags differs: .*optional string.*repeated string/,
  },
  {
    name: "a missing secret marker",
    from: "map<string, string> secrets = 5 [(csi_secret) = true];",
    to: "map<string, string> secrets = 5;",
    says: /CreateVolumeRequest\.secrets differs: .*options 1059=1/,
  },
  {
    name: "a missing alpha marker",
    from: "GET_SNAPSHOT = 15 [(alpha_enum_value) = true];",
    to: "GET_SNAPSHOT = 15;",
    says: /GET_SNAPSHOT differs: ours is number 15; officially it is number 15, options 1060=1/,
  },
  {
    name: "a missing field",
    from: "string group_snapshot_id = 6;",
    to: "",
    says: /field csi\.v1\.Snapshot\.group_snapshot_id is missing/,
  },
  {
    name: "an extra field",
    from: "message ProbeRequest {}",
    to: "message ProbeRequest { bool extra = 1; }",
    says: /field csi\.v1\.ProbeRequest\.extra does not exist officially/,
  },
  {
    name: "a member outside of its oneof",
    from: "oneof type {\n    RPC rpc = 1;\n  }",
    to: "RPC rpc = 1;",
    says: /ControllerServiceCapability\.rpc differs: .*in oneof type/,
  },
  {
    name: "a stream",
    from: "returns (stream GetMetadataDeltaResponse)",
    to: "returns (GetMetadataDeltaResponse)",
    says: /SnapshotMetadata\.GetMetadataDelta differs: .*stream of/,
  },
  {
    name: "an extension number",
    from: "bool csi_secret = 1059;",
    to: "bool csi_secret = 1061;",
    says: /extension csi\.v1\.csi_secret of \.google\.protobuf\.FieldOptions differs/,
  },
];

Deno.test("the comparison names every kind of difference", async () => {
  const proto = await Deno.readTextFile(join(PROTO_DIRECTORY, "csi.proto"));
  const ours = await factsOfText(proto);
  for (const { name, from, to, says } of CHANGES) {
    assert.ok(proto.includes(from), `${name}: the file does not have ${from}`);
    const found = differences(await factsOfText(proto.replace(from, to)), ours);
    assert.match(found.join("\n"), says, name);
  }
});
