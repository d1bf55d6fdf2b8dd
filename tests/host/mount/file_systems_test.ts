/** File systems after a crash, damaged, copied, unreadable; and what is made, for older kernels. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { FileSystemType } from "../../../src/domain/access.ts";
import type { BlockDevice } from "../../../src/domain/block_device.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import type { Nqn } from "../../../src/domain/nvme.ts";
import {
  assertFails,
  checkDisk,
  connectDisk,
  DISK_BYTES,
  FOREVER,
  mountDisk,
} from "../../contract/node_harness.ts";
import type { FileSystems } from "../../../src/ports/file_systems.ts";
import type { ProgramCall } from "../../../src/ports/programs.ts";
import { hostTest } from "../machine.ts";
import { run } from "../nvme_host/loop_node.ts";
import { openLinuxNode } from "./linux_node.ts";
import type { LinuxNode } from "./linux_node.ts";

for (const fileSystem of ["ext4", "ext3", "xfs", "btrfs"] as const) {
  hostTest(
    `${fileSystem} that was cut off in use is whole again after check() and mount()`,
    async () => {
      await using node = await openLinuxNode();
      const { device } = await cutOffDisk(node, fileSystem);
      if (fileSystem.startsWith("ext")) assert(await hasDirtyJournal(device), "nothing to replay");
      await checkDisk(node.fileSystems, device, "check");
      if (fileSystem.startsWith("ext")) assert(!await hasDirtyJournal(device), "not replayed");
      const path = join(node.directory, "again");
      await node.mounter.mount(
        { device, path, fileSystem, options: [], isReadOnly: false },
        FOREVER,
      );
      for (let record = 0; record < RECORDS; record++) {
        assert.equal(await node.readFile(path, `${record}.txt`), `record ${record}`);
      }
      await node.mounter.release(path, FOREVER);
    },
  );
}

hostTest(
  "a copy of an xfs is refused beside its source, with the reason, and taken by nouuid",
  async () => {
    await using node = await openLinuxNode();
    const source = await mountDisk(node, "source", { fileSystem: "xfs" });
    await node.writeFile(source.path, "a.txt", "kept");
    await run("sync", "--file-system", source.path);
    const { device } = await copyDisk(node, source.nqn);
    const path = join(node.directory, "copy");
    const request = { device, path, fileSystem: "xfs", options: [], isReadOnly: false } as const;
    await assert.rejects(node.mounter.mount(request, FOREVER), (error) => {
      assert(error instanceof StorageError && error.code === "not-ready");
      assert(error.message.includes(`${source.path} has an xfs file system with the same UUID`));
      return true;
    });
    assert.deepEqual(await node.mounter.look(path, FOREVER), { kind: "nothing" });
    await node.mounter.mount({ ...request, options: ["nouuid"] }, FOREVER);
    assert.equal(await node.readFile(path, "a.txt"), "kept");
  },
);

hostTest(
  "check() repairs what it safely can, when it may, and leaves the rest to a person",
  async () => {
    await using node = await openLinuxNode();
    const { device } = await connectDisk(node);
    await node.fileSystems.format(device, "ext4", [], FOREVER);
    const spoil = (...commands: readonly string[]): Promise<string> =>
      run("debugfs", "-w", ...commands.flatMap((command) => ["-R", command]), device.path);
    await spoil("ssv free_blocks_count 5");
    await spoil("ssv state 2");
    await checkDisk(node.fileSystems, device, "repair-safe");
    assert.match(await run("dumpe2fs", "-h", device.path), /Filesystem state: +clean/);

    await spoil("clri <2>");
    await spoil("ssv state 2");
    for (const policy of ["check", "repair-safe"] as const) {
      await assert.rejects(checkDisk(node.fileSystems, device, policy), (error) => {
        assert(error instanceof StorageError && error.code === "not-ready");
        assert.match(error.message, /damaged, and repairing it needs a person \(e2fsck -f \/dev\//);
        return true;
      });
    }
    await checkDisk(node.fileSystems, device, "off");
  },
);

hostTest("check() replays a journal that was cut off, and only such a one", async () => {
  await using node = await openLinuxNode();
  const checks: (readonly string[])[] = [];
  const fileSystems = await watched(node, ({ program, args }) => {
    if (program === "e2fsck") checks.push(args.slice(0, -1));
  });
  const { device } = await cutOffDisk(node, "ext4");
  await checkDisk(fileSystems, device, "check");
  assert.deepEqual(checks.splice(0), [["-E", "journal_only", "-p"], ["-n"]]);
  assert.doesNotMatch(await run("dumpe2fs", "-h", device.path), /needs_recovery/);
  await checkDisk(fileSystems, device, "check");
  assert.deepEqual(checks, [["-n"]]);
});

hostTest("an ext4 whose superblock is damaged needs a person and is never formatted", async () => {
  await using node = await openLinuxNode();
  const { nqn, device } = await connectDisk(node);
  await node.fileSystems.format(device, "ext4", [], FOREVER);
  await overwrite(node, nqn, 1024 + 20, [0xff, 0xff]);
  for (const policy of ["check", "repair-safe"] as const) {
    await assertFails(checkDisk(node.fileSystems, device, policy), "not-ready");
  }
  await assertFails(node.fileSystems.format(device, "ext4", [], FOREVER), "not-ready");
  const path = join(node.directory, "staging");
  const request = { device, path, fileSystem: "ext4", options: [], isReadOnly: false } as const;
  await assertFails(node.mounter.mount(request, FOREVER), "not-ready");

  await overwrite(node, nqn, 1024 + 56, [0, 0]);
  assert.equal((await node.fileSystems.identify(device, FOREVER)).kind, "other");
  await assertFails(node.fileSystems.format(device, "ext4", [], FOREVER), "not-ready");
});

hostTest("a disk of which any looked-at place cannot be read is not called blank", async () => {
  await using node = await openLinuxNode();
  for (const keptBytes of [0, DISK_BYTES / 8, DISK_BYTES - 1024 ** 2, DISK_BYTES - 4096]) {
    const { nqn, device } = await connectDisk(node);
    await Deno.truncate(node.backingPathOf(nqn), keptBytes);
    await assertFails(node.fileSystems.identify(device, FOREVER), "unavailable");
    for (const fileSystem of ["ext4", "xfs", "btrfs"] as const) {
      const format = node.fileSystems.format(device, fileSystem, [], FOREVER);
      await assertFails(format, "unavailable");
    }
    assert.equal((await Deno.stat(node.backingPathOf(nqn))).size, keptBytes);
  }
});

hostTest("a disk with one byte anywhere that is looked at is not called blank", async () => {
  await using node = await openLinuxNode();
  const { nqn, device } = await connectDisk(node);
  const places = [0, 300_000, 1024 ** 2 - 1, 8193 * 1024 + 1080, 134_217_728 + 56, DISK_BYTES / 2]
    .concat([67_108_864 + 64, 3 * 134_217_728 - 100, DISK_BYTES - 1024 ** 2, DISK_BYTES - 1]);
  for (const place of places) {
    await overwrite(node, nqn, place, [1]);
    assert.deepEqual(
      await node.fileSystems.identify(device, FOREVER),
      { kind: "other", what: "data of an unknown kind" },
      `byte ${place}`,
    );
    await overwrite(node, nqn, place, [0]);
  }
  assert.deepEqual(await node.fileSystems.identify(device, FOREVER), { kind: "blank" });
});

hostTest("what other tools put on a disk is told by name", async () => {
  await using node = await openLinuxNode();
  const tools: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["mkswap", [], /swap space/],
    ["mkfs.ext2", ["-q"], /an ext2 file system/],
    ["mke2fs", ["-q", "-O", "journal_dev"], /a journal of an ext file system/],
  ];
  for (const [tool, args, what] of tools) {
    const { device } = await connectDisk(node);
    await run(tool, ...args, device.path);
    const content = await node.fileSystems.identify(device, FOREVER);
    assert(content.kind === "other");
    assert.match(content.what, what);
    await assertFails(node.fileSystems.format(device, "ext4", [], FOREVER), "not-ready");
  }
});

hostTest(
  "what is made has no feature that older kernels lack, and the options asked for",
  async () => {
    await using node = await openLinuxNode();
    const ext4 = await connectDisk(node);
    await node.fileSystems.format(
      ext4.device,
      "ext4",
      ["-m 1", "-O ^huge_file", "-L mine"],
      FOREVER,
    );
    const said = await run("dumpe2fs", "-h", ext4.device.path);
    const features = /Filesystem features: +(.*)/.exec(said)?.[1]?.split(" ") ?? [];
    assert(features.includes("has_journal") && features.includes("extent"));
    for (const feature of ["orphan_file", "metadata_csum_seed", "huge_file"]) {
      assert(!features.includes(feature), feature);
    }
    assert.match(said, /Filesystem volume name: +mine/);
    const xfs = await connectDisk(node);
    await node.fileSystems.format(xfs.device, "xfs", [], FOREVER);
    const version = await run("xfs_db", "-r", "-c", "version", xfs.device.path);
    assert.doesNotMatch(version, /NREXT64/);
    assert.match(version, /V5/);
  },
);

hostTest(
  "an option that the tool refuses is said in its words, and the disk stays blank",
  async () => {
    await using node = await openLinuxNode();
    const { device } = await connectDisk(node);
    await assert.rejects(
      node.fileSystems.format(device, "ext4", ["-O no_such_feature"], FOREVER),
      /Cannot format \/dev\/loop\d+: .*no_such_feature/,
    );
    assert.deepEqual(await node.fileSystems.identify(device, FOREVER), { kind: "blank" });
  },
);

hostTest("mount() says what the kernel may have had against it", async () => {
  await using node = await openLinuxNode();
  const { device } = await connectDisk(node);
  await node.fileSystems.format(device, "ext4", [], FOREVER);
  const path = join(node.directory, "staging");
  const request = { device, path, fileSystem: "ext4", isReadOnly: false } as const;
  await assert.rejects(
    node.mounter.mount({ ...request, options: ["no_such_option"] }, FOREVER),
    /does not know a mount option, or a feature of this ext4/,
  );
  for (const option of ["remount", "bind", "loop", "offset=4096", "x-mount.mkdir"]) {
    await assertFails(node.mounter.mount({ ...request, options: [option] }, FOREVER), "invalid");
  }
  assert.deepEqual(await node.mounter.look(path, FOREVER), { kind: "nothing" });
});

hostTest("an ext4 whose device grew while nobody had it fills it once it is mounted", async () => {
  await using node = await openLinuxNode();
  const { nqn, path } = await mountDisk(node, "staging");
  await node.writeFile(path, "a.txt", "kept");
  await node.mounter.release(path, FOREVER);
  await node.resizeDisk(nqn, 3 * DISK_BYTES);
  const device = await node.host.rescan(nqn, FOREVER);
  const request = { device, path, fileSystem: "ext4", options: [], isReadOnly: false } as const;
  await node.mounter.mount(request, FOREVER);
  await node.fileSystems.grow(device, "ext4", path, FOREVER);
  assert((await node.mounter.usage(path, FOREVER)).totalBytes > 2 * DISK_BYTES);
  assert.equal(await node.readFile(path, "a.txt"), "kept");
});

hostTest(
  "a check goes on when nobody waits for it, and a call while it runs has its result",
  async () => {
    await using node = await openLinuxNode();
    const { device } = await connectDisk(node);
    await node.fileSystems.format(device, "ext4", [], FOREVER);
    const impatient = new AbortController();
    let runs = 0;
    const fileSystems = await watched(node, ({ program }) => {
      if (program !== "e2fsck") return;
      runs++;
      impatient.abort(new Error("no patience"));
    });
    const found = await fileSystems.identify(device, FOREVER);
    assert(found.kind === "file-system");
    const first = fileSystems.check(device, found, "repair-safe", impatient.signal);
    await assert.rejects(first, /no patience/);
    await fileSystems.check(device, found, "repair-safe", FOREVER);
    assert.equal(runs, 1);
  },
);

hostTest(
  "a format goes on when nobody waits for it, and a call while it runs has its result",
  async () => {
    await using node = await openLinuxNode();
    const { device } = await connectDisk(node);
    const impatient = new AbortController();
    let runs = 0;
    const fileSystems = await watched(node, ({ program, args }) => {
      if (program !== "mkfs.ext4" || args.at(-1) !== device.path) return;
      runs++;
      impatient.abort(new Error("no patience"));
    });
    const first = fileSystems.format(device, "ext4", [], impatient.signal);
    await assert.rejects(first, /no patience/);
    await fileSystems.format(device, "ext4", [], FOREVER);
    assert.equal(runs, 1);
    await checkDisk(fileSystems, device, "check");
  },
);

/** The file systems of a node, with `see` told of every program before it runs. */
async function watched(
  node: LinuxNode,
  see: (call: ProgramCall) => void,
): Promise<FileSystems> {
  const { programs } = node.children;
  const { fileSystems } = await node.reopenMounts({
    programs: {
      stuck: () => programs.stuck(),
      run: async (call, signal) => {
        see(call);
        return await programs.run(call, signal);
      },
    },
  });
  return fileSystems;
}

const RECORDS = 8;

/** A disk whose bytes are those of a mounted one at a moment when synced records were in its log. */
async function cutOffDisk(
  node: LinuxNode,
  fileSystem: FileSystemType,
): Promise<{ readonly device: BlockDevice }> {
  const { nqn, path } = await mountDisk(node, "source", { fileSystem });
  for (let record = 0; record < RECORDS; record++) {
    using file = await Deno.open(join(path, `${record}.txt`), { create: true, write: true });
    await file.write(new TextEncoder().encode(`record ${record}`));
    await file.sync();
  }
  const copy = await copyDisk(node, nqn);
  await node.mounter.release(path, FOREVER);
  return copy;
}

/** One more disk with the same bytes. */
async function copyDisk(
  node: LinuxNode,
  nqn: Nqn,
): Promise<{ readonly nqn: Nqn; readonly device: BlockDevice }> {
  const target = await node.exportDisk(DISK_BYTES);
  const to = node.backingPathOf(target.nqn);
  await run("cp", "--sparse=always", "--", node.backingPathOf(nqn), to);
  return { nqn: target.nqn, device: await node.host.connect(target, FOREVER) };
}

async function hasDirtyJournal({ path }: BlockDevice): Promise<boolean> {
  return (await run("dumpe2fs", "-h", path)).includes("needs_recovery");
}

/** Changes bytes of the disk, and lets nothing of them be remembered. */
async function overwrite(node: LinuxNode, nqn: Nqn, at: number, bytes: number[]): Promise<void> {
  const device = await node.host.find(nqn, FOREVER);
  assert(device !== undefined);
  using file = await Deno.open(device.path, { write: true });
  await file.seek(at, Deno.SeekMode.Start);
  await file.write(Uint8Array.from(bytes));
  await file.sync();
}
