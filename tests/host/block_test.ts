/** Raw block volumes through the shipped processes: a whole life, and two nodes at once. */
import assert from "node:assert/strict";
import {
  Controller,
  VolumeCapability_AccessMode_Mode as Mode,
} from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import {
  block,
  createSnapshot,
  fromSnapshot,
  fromVolume,
} from "../integration/shipped/requests.ts";
import { digestOf, writeData } from "./files.ts";
import { HostLab, MIB } from "./lab.ts";
import { hostTest } from "./machine.ts";
import { run } from "./nvme_host/loop_node.ts";

const FIRST_MIB = 1024n;
const GROWN_MIB = 1536n;

hostTest("a raw block volume lives from its creation to its end, and nothing is left", async () => {
  await using lab = await HostLab.open();
  const capability = block();
  const first = await lab.attach(await lab.create("first", capability, FIRST_MIB), capability);
  assert.equal(await deviceSize(first.target), FIRST_MIB * MIB);
  const written = await writeData(first.target, "first");

  const { snapshotId } = await createSnapshot(lab.controller, "one", first.volume.volumeId);
  const rewritten = await writeData(first.target, "second");
  const fromIt = { volumeContentSource: fromSnapshot(snapshotId) };
  const restored = await lab.attach(
    await lab.create("restored", capability, GROWN_MIB, fromIt),
    capability,
  );
  assert.equal(await deviceSize(restored.target), GROWN_MIB * MIB);
  assert.equal(await digestOf(restored.target), written);
  const from = { volumeContentSource: fromVolume(first.volume.volumeId) };
  const clone = await lab.attach(
    await lab.create("clone", capability, FIRST_MIB, from),
    capability,
  );
  assert.equal(await digestOf(clone.target), rewritten);

  using file = await Deno.open(first.target);
  await lab.grow(first, GROWN_MIB);
  await lab.growOnNode(first, GROWN_MIB);
  assert.equal(BigInt(await file.seek(0, Deno.SeekMode.End)), GROWN_MIB * MIB);
  file.close();
  const { usage, volumeCondition } = await lab.stats(first);
  assert.equal(volumeCondition?.abnormal, false, volumeCondition?.message);
  assert.equal(usage[0]?.total, GROWN_MIB * MIB);

  for (const use of [first, restored, clone]) await lab.detach(use);
  await lab.controller.call(Controller.method.deleteSnapshot, { snapshotId });
  await lab.delete(first.volume, restored.volume, clone.volume);
  await lab.assertNothingLeft();
});

hostTest("two nodes share a raw block volume, and one's end is not the other's", async () => {
  await using lab = await HostLab.open();
  await lab.trial.startNode(2);
  const capability = block(Mode.MULTI_NODE_MULTI_WRITER);
  const volume = await lab.create("shared", capability, FIRST_MIB);
  const one = await lab.attach(volume, capability, 1);
  const two = await lab.attach(volume, capability, 2);
  assert.notEqual(await numberOf(one.target), await numberOf(two.target));
  await writeDirectly(one.target, 0, "from the first node");
  assert.equal(await readDirectly(two.target, 0), "from the first node");
  await writeDirectly(two.target, 1, "from the second node");
  assert.equal(await readDirectly(one.target, 1), "from the second node");

  await lab.detach(one);
  await writeDirectly(two.target, 2, "alone");
  assert.equal(await readDirectly(two.target, 2), "alone");
  await lab.detach(two);
  await lab.delete(volume);
  await lab.assertNothingLeft();
});

async function deviceSize(path: string): Promise<bigint> {
  return BigInt((await run("blockdev", "--getsize64", path)).trim());
}

/** The number of the device that a node stands for. */
async function numberOf(path: string): Promise<number | null> {
  const { isBlockDevice, rdev } = await Deno.lstat(path);
  assert.ok(isBlockDevice, `${path} is no device`);
  return rdev;
}

const BLOCK_BYTES = 4096;

/** As programs do that share a disk: past the cache, which no two nodes have in common. */
async function writeDirectly(path: string, index: number, text: string): Promise<void> {
  const child = new Deno.Command("dd", {
    args: [
      ...[`of=${path}`, `bs=${BLOCK_BYTES}`, `seek=${index}`, "count=1", "iflag=fullblock"],
      ...["oflag=direct", "conv=fsync,notrunc", "status=none"],
    ],
    stdin: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const bytes = new Uint8Array(BLOCK_BYTES);
  new TextEncoder().encodeInto(text, bytes);
  await writer.write(bytes);
  await writer.close();
  assert.ok((await child.status).success);
}

async function readDirectly(path: string, index: number): Promise<string> {
  const args = [`if=${path}`, `bs=${BLOCK_BYTES}`, `skip=${index}`, "count=1"];
  const text = await run("dd", ...args, "iflag=direct", "status=none");
  return text.slice(0, text.indexOf("\0"));
}
