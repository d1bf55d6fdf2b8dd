/** What a pod does with a volume: the way from the controller to its device and back. */
import { join } from "node:path";
import { Controller, Node } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import type { Volume } from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import type { Installation } from "./installation.ts";
import { block } from "./requests.ts";

/** Publishes `volume` as a raw device, lets `work` use it, and takes it back. */
export async function withDevice<Result>(
  { client, node, directory }: Installation,
  { volumeId, volumeContext }: Volume,
  work: (device: string) => Promise<Result>,
): Promise<Result> {
  const volumeCapability = block();
  const { nodeId } = await node.call(Node.method.nodeGetInfo, {});
  const shared = { volumeId, volumeCapability, volumeContext };
  const { publishContext } = await client.call(Controller.method.controllerPublishVolume, {
    ...shared,
    nodeId,
  });
  const staged = { stagingTargetPath: join(directory, "staging"), publishContext };
  await Deno.mkdir(staged.stagingTargetPath, { recursive: true });
  const targetPath = join(directory, "target");
  await node.call(Node.method.nodeStageVolume, { ...shared, ...staged });
  await node.call(Node.method.nodePublishVolume, { ...shared, ...staged, targetPath });
  try {
    return await work(targetPath);
  } finally {
    await node.call(Node.method.nodeUnpublishVolume, { volumeId, targetPath });
    await node.call(Node.method.nodeUnstageVolume, { volumeId, ...staged });
    await client.call(Controller.method.controllerUnpublishVolume, { volumeId, nodeId });
  }
}

/** Where a text is written: beyond what samples of the first bytes would show. */
const AT = 700 * 1024 ** 2;

/** Writes a text of 9 bytes into the middle of a device. */
export async function writeMark(device: string, text: string): Promise<void> {
  using file = await Deno.open(device, { write: true });
  await file.seek(AT, Deno.SeekMode.Start);
  await file.write(new TextEncoder().encode(text.padEnd(9)));
}

/** The text that {@link writeMark} wrote. */
export async function readMark(device: string): Promise<string> {
  using file = await Deno.open(device);
  await file.seek(AT, Deno.SeekMode.Start);
  const bytes = new Uint8Array(9);
  await file.read(bytes);
  return new TextDecoder().decode(bytes).trimEnd();
}
