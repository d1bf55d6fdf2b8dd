/** Notes that cannot be understood: damaged ones, and those of a version to come. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { StorageError } from "../../../src/domain/errors.ts";
import { connectDisk, FOREVER, mountDisk } from "../../contract/node_harness.ts";
import { namesIn } from "../../integration/trial-host/trial_node.ts";
import { hostTest } from "../machine.ts";
import { run } from "../nvme_host/loop_node.ts";
import { openLinuxNode } from "./linux_node.ts";
import type { LinuxNode } from "./linux_node.ts";

const ODD = `{"version":2,"key":"/elsewhere"}\n`;

hostTest("a note that cannot be understood keeps no other volume from being used", async () => {
  await using node = await openLinuxNode();
  for (const kind of ["releasing", "exposed", "btrfs"]) {
    const directory = join(node.stateDirectory, "mounts", kind);
    await Deno.mkdir(directory, { recursive: true });
    await Deno.writeTextFile(join(directory, "odd.json"), ODD);
  }
  const { mounter } = await node.reopenMounts();
  const { device, path } = await mountDisk(node, "staging");
  assert.deepEqual(await mounter.usesOf(device.number, FOREVER), [path]);
  await mounter.release(path, FOREVER);
  assert.deepEqual(await mounter.look(path, FOREVER), { kind: "nothing" });
});

hostTest("the mounts of a btrfs are known when the note of its device is damaged", async () => {
  await using node = await openLinuxNode();
  const { device, path } = await mountDisk(node, "staging", { fileSystem: "btrfs" });
  await damageAll(node, "btrfs");
  const other = await mountDisk(node, "other");
  assert.deepEqual(await node.mounter.usesOf(other.device.number, FOREVER), [other.path]);
  assert.deepEqual(await node.mounter.usesOf(device.number, FOREVER), [path]);
  await node.mounter.release(path, FOREVER);
});

hostTest("remains on a disk whose note is damaged are refused with the way out", async () => {
  await using node = await openLinuxNode();
  const { device } = await connectDisk(node);
  await assert.rejects(node.fileSystems.format(device, "ext4", ["-m 99"], FOREVER));
  await damageAll(node, "formatting");
  await run("dd", "if=/dev/urandom", `of=${device.path}`, "bs=1M", "count=1", "conv=fsync");
  await assert.rejects(node.fileSystems.identify(device, FOREVER), (error) => {
    assert(error instanceof StorageError && error.code === "not-ready");
    assert.match(error.message, /Cannot use the note ".+": it is none of this version.*move/);
    return true;
  });
});

async function damageAll(node: LinuxNode, kind: string): Promise<void> {
  const directory = join(node.stateDirectory, "mounts", kind);
  const names = await namesIn(directory);
  assert(names.length > 0, `no notes of ${kind}`);
  for (const name of names) await Deno.writeTextFile(join(directory, name), ODD);
}
