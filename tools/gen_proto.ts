/**
 * Generates src/adapters/csi-grpc/gen/csi_pb.ts from proto/csi.proto: `deno task gen`.
 *
 * buf parses, protoc-gen-es writes; both are npm packages at the versions below and run on this
 * machine. buf's own registry is never asked, because the plugin is a local program.
 */
import { fileURLToPath } from "node:url";

/** The newest release of buf that is published for every platform; Deno resolves all of them. */
const BUF = "npm:@bufbuild/buf@1.74.0/buf";
/** The same version as the runtime, @bufbuild/protobuf, in deno.json. */
const PROTOC_GEN_ES = "npm:@bufbuild/protoc-gen-es@2.17.0";
const GENERATION_TIMEOUT_MS = 300_000;

/** The directory that holds proto/csi.proto. */
export const PROTO_DIRECTORY: string = fileURLToPath(new URL("../proto", import.meta.url));
/** The directory of the generated file in the tree. */
export const GENERATED_DIRECTORY: string = fileURLToPath(
  new URL("../src/adapters/csi-grpc/gen", import.meta.url),
);
/** The name of the generated file. */
export const GENERATED_FILE = "csi_pb.ts";

/** Writes `csi_pb.ts` into `outputDirectory`. @throws {Error} with the output of buf when it fails. */
export async function generate(outputDirectory: string): Promise<void> {
  const template = {
    version: "v2",
    plugins: [{
      local: [Deno.execPath(), "run", "-A", "--no-config", "--quiet", PROTOC_GEN_ES],
      out: outputDirectory,
      // ts_nocheck: the output uses `enum`, which our compiler flags forbid in our own files.
      opt: ["target=ts", "import_extension=ts", "ts_nocheck=true"],
    }],
  };
  await buf(["generate", "--template", JSON.stringify(template), PROTO_DIRECTORY]);
}

/**
 * Compiles the .proto files of a directory into a serialized FileDescriptorSet, imports included.
 * @throws {Error} with the output of buf when it fails.
 */
export async function compileDescriptorSet(protoDirectory: string): Promise<Uint8Array> {
  return await buf(["build", protoDirectory, "--output", "-#format=binpb"]);
}

async function buf(args: readonly string[]): Promise<Uint8Array> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", "--quiet", BUF, ...args],
    signal: AbortSignal.timeout(GENERATION_TIMEOUT_MS),
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(`Cannot run buf ${args[0]}: ${new TextDecoder().decode(stderr).trim()}`);
  }
  return stdout;
}

if (import.meta.main) await generate(GENERATED_DIRECTORY);
