/** A format that is killed at any write leaves a disk that is told right and can be formatted. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { FileSystemType } from "../../../src/domain/access.ts";
import type { BlockDevice } from "../../../src/domain/block_device.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import { assertFails, checkDisk, connectDisk, FOREVER } from "../../contract/node_harness.ts";
import { namesIn } from "../../integration/trial-host/trial_node.ts";
import { hostTest } from "../machine.ts";
import { run } from "../nvme_host/loop_node.ts";
import { openLinuxNode } from "./linux_node.ts";
import type { LinuxNode } from "./linux_node.ts";
import { exchanged, straceTest } from "./odd_programs.ts";

/** Writes that each tool makes to a disk of 1 GiB lie between these; the last ones matter most. */
const MOMENTS: Readonly<Record<FileSystemType, readonly number[]>> = {
  ext4: [1, 2, 9, 40, 100, 140, 146, 147, 148, 149, 150, 151, 152],
  ext3: [1, 60, 4000, 8298, 8299, 8300, 8301],
  xfs: [1, 2, 3, 5, 9, 20, 40, 60, 62, 63, 64, 65],
  btrfs: [1, 2, 5, 9, 20, 40, 60, 66, 67, 68, 69, 70],
};

for (const fileSystem of ["ext4", "xfs", "ext3", "btrfs"] as const) {
  straceTest(`mkfs.${fileSystem} killed at any write can be done again`, async () => {
    await using node = await openLinuxNode();
    const kinds = new Set<string>();
    for (const moment of MOMENTS[fileSystem]) {
      const { nqn, device } = await connectDisk(node);
      const isKilled = await killFormat(node, device, fileSystem, moment);
      const content = await node.fileSystems.identify(device, FOREVER);
      kinds.add(content.kind);
      assert.notEqual(content.kind, "other", `killed at write ${moment}`);
      if (content.kind !== "file-system") {
        assert(isKilled, `not killed at write ${moment}, and it is ${content.kind}`);
        await node.fileSystems.format(device, fileSystem, [], FOREVER);
      }
      const path = `${node.directory}/${fileSystem}-${moment}`;
      const request = { device, path, fileSystem, options: [], isReadOnly: false };
      await checkDisk(node.fileSystems, device, "check");
      await node.mounter.mount(request, FOREVER);
      await node.writeFile(path, "a.txt", "kept");
      await node.mounter.release(path, FOREVER);
      await node.host.disconnect(nqn, FOREVER);
    }
    // Otherwise no moment was in the middle, and nothing was tried.
    assert(kinds.has("half-formatted"), [...kinds].join());
  });
}

straceTest("remains of a format are nobody's without the note of it", async () => {
  await using node = await openLinuxNode();
  const { device } = await connectDisk(node);
  assert(await killFormat(node, device, "xfs", 40));
  assert.equal((await node.fileSystems.identify(device, FOREVER)).kind, "half-formatted");
  // As another node sees it, or this one after losing its state.
  const notes = join(node.stateDirectory, "mounts", "formatting");
  const [name] = await namesIn(notes);
  const text = await Deno.readTextFile(join(notes, name ?? ""));
  await Deno.remove(notes, { recursive: true });
  const content = await node.fileSystems.identify(device, FOREVER);
  assert(content.kind === "other");
  assert.match(content.what, /xfs file system that was not made to its end/);
  await assertFails(node.fileSystems.format(device, "xfs", [], FOREVER), "not-ready");

  // A note of an earlier boot, or of another format, says nothing about these bytes.
  await Deno.mkdir(notes);
  for (const [field, value] of [["bootId", "earlier"], ["uuid", crypto.randomUUID()]] as const) {
    await Deno.writeTextFile(join(notes, name ?? ""), withField(text, field, value));
    assert.equal((await node.fileSystems.identify(device, FOREVER)).kind, "other");
  }
  await Deno.writeTextFile(join(notes, name ?? ""), text);
  assert.equal((await node.fileSystems.identify(device, FOREVER)).kind, "half-formatted");
});

straceTest("a whole file system is never formatted over, whatever a note says", async () => {
  await using node = await openLinuxNode();
  const { device } = await connectDisk(node);
  assert(await killFormat(node, device, "ext4", 40));
  // Another node formats and uses it; then its first superblock is lost.
  await run("mkfs.ext4", "-q", "-F", device.path);
  assert.equal((await node.fileSystems.identify(device, FOREVER)).kind, "file-system");
  await assertFails(node.fileSystems.format(device, "ext4", [], FOREVER), "not-ready");
  await run("dd", "if=/dev/zero", `of=${device.path}`, "bs=4096", "count=1", "conv=fsync");
  const content = await node.fileSystems.identify(device, FOREVER);
  assert(content.kind === "other");
  assert.match(content.what, /remains of an ext4 file system whose first superblock is missing/);
});

straceTest("the note of a format that ended well is gone once somebody looked", async () => {
  await using node = await openLinuxNode();
  const { device } = await connectDisk(node);
  await node.fileSystems.format(device, "ext4", [], FOREVER);
  assert.deepEqual(await namesIn(join(node.stateDirectory, "mounts", "formatting")), []);
});

hostTest(
  "what a pod wrote to the raw device is no remains of a format that failed before",
  async () => {
    await using node = await openLinuxNode();
    const { device } = await connectDisk(node);
    // Refused by the tool before it writes anything.
    await assertFails(node.fileSystems.format(device, "ext4", ["-m 99"], FOREVER), "not-ready");
    const path = join(node.directory, "raw");
    await node.mounter.exposeBlock(device, path, false, FOREVER);
    await run("dd", "if=/dev/urandom", `of=${path}`, "bs=1M", "count=1", "conv=fsync");
    await node.mounter.release(path, FOREVER);
    assert.equal((await node.fileSystems.identify(device, FOREVER)).kind, "other");
    await assertFails(node.fileSystems.format(device, "ext4", [], FOREVER), "not-ready");
  },
);

function withField(text: string, field: string, value: string): string {
  return JSON.stringify({ ...JSON.parse(text), [field]: value });
}

/** Formats with a tool that is killed at its nth write; tells whether it was. */
async function killFormat(
  node: LinuxNode,
  device: BlockDevice,
  fileSystem: FileSystemType,
  moment: number,
): Promise<boolean> {
  const { programs } = node.children;
  const killed = exchanged(
    programs,
    ({ program, args, ...call }) =>
      program.startsWith("mkfs.") && args.includes(device.path)
        ? { ...call, program: "strace", args: [...killAtWrite(moment), program, ...args] }
        : undefined,
  );
  const { fileSystems } = await node.reopenMounts({ programs: killed });
  try {
    await fileSystems.format(device, fileSystem, [], FOREVER);
    return false;
  } catch (error) {
    assert(error instanceof StorageError && error.code === "not-ready", `${error}`);
    return true;
  }
}

/** Lets the program die at its nth write. */
function killAtWrite(moment: number): string[] {
  const inject = `inject=pwrite64:signal=SIGKILL:when=${moment}`;
  return ["-f", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", inject];
}
