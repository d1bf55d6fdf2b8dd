/** What Mounter promises about mounts, and about taking them away. */
import assert from "node:assert/strict";
import { deviceNumberOf } from "../../src/domain/block_device.ts";
import { assertFails, connectDisk, DISK_BYTES, FOREVER, mountDisk } from "./node_harness.ts";
import type { NodeClause } from "./node_harness.ts";

/** Looking, mounting, measuring, releasing. */
export const MOUNT_CLAUSES: readonly NodeClause[] = [
  {
    name: "look() tells nothing, a directory and a file apart",
    check: async ({ mounter, directory, ...harness }) => {
      await harness.makeDirectory(`${directory}/d`);
      await harness.writeFile(`${directory}/e`, "file", "");
      assert.deepEqual(await mounter.look(`${directory}/no`, FOREVER), { kind: "nothing" });
      assert.deepEqual(await mounter.look(`${directory}/d`, FOREVER), { kind: "directory" });
      assert.deepEqual(await mounter.look(`${directory}/e`, FOREVER), { kind: "directory" });
      assert.equal((await mounter.look(`${directory}/e/file`, FOREVER)).kind, "other");
    },
  },
  {
    name: "mount() makes the path and look() tells what is there",
    check: async (harness) => {
      const { device, path } = await mountDisk(harness, "a", {
        fileSystem: "xfs",
        options: ["noatime", "nouuid"],
        isReadOnly: true,
      });
      const use = await harness.mounter.look(path, FOREVER);
      assert(use.kind === "mount");
      assert.equal(use.device, device.number);
      assert.equal(use.fileSystem, "xfs");
      assert.equal(use.isReadOnly, true);
      assert.equal(use.isAlive, true);
      assert(use.options.includes("noatime"));
      assert(!use.options.includes("ro"));
      assert.deepEqual(await harness.mounter.usesOf(device.number, FOREVER), [path]);
    },
  },
  {
    name: "mount() takes an empty directory that is there already",
    check: async (harness) => {
      await harness.makeDirectory(`${harness.directory}/a`);
      const { path } = await mountDisk(harness, "a");
      assert.equal((await harness.mounter.look(path, FOREVER)).kind, "mount");
    },
  },
  {
    name: "mount() does nothing when called twice",
    check: async (harness) => {
      const { device, path } = await mountDisk(harness, "a");
      await harness.writeFile(path, "a.txt", "kept");
      const request = { device, path, fileSystem: "ext4", options: [], isReadOnly: false } as const;
      await harness.mounter.mount(request, FOREVER);
      assert.equal(await harness.readFile(path, "a.txt"), "kept");
      await harness.mounter.release(path, FOREVER);
      assert.deepEqual(await harness.mounter.look(path, FOREVER), { kind: "nothing" });
    },
  },
  {
    name: "mount() hides nobody's files, and needs the directory above",
    check: async (harness) => {
      const { device } = await connectDisk(harness);
      await harness.fileSystems.format(device, "ext4", [], FOREVER);
      await harness.writeFile(`${harness.directory}/full`, "theirs.txt", "");
      for (const path of [`${harness.directory}/full`, `${harness.directory}/no/where`]) {
        const request = { device, path, fileSystem: "ext4", options: [], isReadOnly: false };
        await assertFails(
          harness.mounter.mount({ ...request, fileSystem: "ext4" }, FOREVER),
          "not-ready",
        );
      }
      assert.deepEqual(await harness.mounter.usesOf(device.number, FOREVER), []);
    },
  },
  {
    name: "mount() refuses a device without that file system, or whose path leads elsewhere",
    check: async (harness) => {
      const { device } = await connectDisk(harness);
      const path = `${harness.directory}/a`;
      const request = { device, path, fileSystem: "ext4", options: [], isReadOnly: false } as const;
      await assertFails(harness.mounter.mount(request, FOREVER), "not-ready");
      await harness.fileSystems.format(device, "ext4", [], FOREVER);
      const stale = { ...device, number: deviceNumberOf(7, 4711) };
      const elsewhere = harness.mounter.mount({ ...request, device: stale }, FOREVER);
      await assertFails(elsewhere, "unavailable");
      assert.notEqual((await harness.mounter.look(path, FOREVER)).kind, "mount");
    },
  },
  {
    name: "what is written to a mount is there again after release() and mount()",
    check: async (harness) => {
      const { device, path } = await mountDisk(harness, "a");
      await harness.writeFile(path, "a.txt", "kept");
      await harness.mounter.release(path, FOREVER);
      assert.equal(await harness.readFile(path, "a.txt"), undefined);
      const request = { device, path, fileSystem: "ext4", options: [], isReadOnly: false } as const;
      await harness.mounter.mount(request, FOREVER);
      assert.equal(await harness.readFile(path, "a.txt"), "kept");
    },
  },
  {
    name: "what is written to a mount is there again after disconnecting and connecting",
    check: async (harness) => {
      const { nqn, target, path } = await mountDisk(harness, "a");
      await harness.writeFile(path, "a.txt", "kept");
      await harness.mounter.release(path, FOREVER);
      await harness.host.disconnect(nqn, FOREVER);
      const device = await harness.host.connect(target, FOREVER);
      const request = { device, path, fileSystem: "ext4", options: [], isReadOnly: false } as const;
      await harness.mounter.mount(request, FOREVER);
      assert.equal(await harness.readFile(path, "a.txt"), "kept");
    },
  },
  {
    name: "release() leaves nothing at the path, and nothing to do the second time",
    check: async (harness) => {
      const { device, path } = await mountDisk(harness, "a");
      await harness.mounter.release(path, FOREVER);
      await harness.mounter.release(path, FOREVER);
      assert.deepEqual(await harness.mounter.look(path, FOREVER), { kind: "nothing" });
      assert.deepEqual(await harness.mounter.usesOf(device.number, FOREVER), []);
    },
  },
  {
    name: "release() takes stacked mounts away, all of them",
    needs: "stack",
    check: async (harness) => {
      const { nqn, device, path } = await mountDisk(harness, "a");
      await harness.writeFile(path, "a.txt", "kept");
      await harness.stack?.(nqn, path);
      await harness.stack?.(nqn, path);
      await harness.mounter.release(path, FOREVER);
      assert.deepEqual(await harness.mounter.look(path, FOREVER), { kind: "nothing" });
      assert.deepEqual(await harness.mounter.usesOf(device.number, FOREVER), []);
      const request = { device, path, fileSystem: "ext4", options: [], isReadOnly: false } as const;
      await harness.mounter.mount(request, FOREVER);
      assert.equal(await harness.readFile(path, "a.txt"), "kept");
    },
  },
  {
    name: "release() never deletes a file: a directory that holds some is refused and stays",
    check: async (harness) => {
      const path = `${harness.directory}/full`;
      await harness.writeFile(path, "theirs.txt", "theirs");
      await assertFails(harness.mounter.release(path, FOREVER), "not-ready");
      await assertFails(harness.mounter.release(`${path}/theirs.txt`, FOREVER), "not-ready");
      assert.notEqual(await harness.readFile(path, "theirs.txt"), undefined);
    },
  },
  {
    name: "a mount whose device is gone is told to be dead, and can be released",
    check: async (harness) => {
      const { nqn, target, device, path } = await mountDisk(harness, "a");
      await harness.replaceDevice(nqn);
      const use = await harness.mounter.look(path, FOREVER);
      assert(use.kind === "mount");
      assert.equal(use.isAlive, false);
      assert.equal(await harness.mounter.works(path, FOREVER), false);
      await assertFails(harness.mounter.usage(path, FOREVER), "unavailable");
      const bound = harness.mounter.bind(path, `${path}-bound`, false, FOREVER);
      await assertFails(bound, "not-ready");
      const again = await harness.host.connect(target, FOREVER);
      assert.deepEqual(await harness.mounter.usesOf(again.number, FOREVER), []);
      assert.deepEqual(await harness.mounter.usesOf(device.number, FOREVER), [path]);
      await harness.mounter.release(path, FOREVER);
      assert.deepEqual(await harness.mounter.look(path, FOREVER), { kind: "nothing" });
    },
  },
  {
    name: "usage() adds up, fits the device and follows what is written",
    check: async (harness) => {
      const { path } = await mountDisk(harness, "a");
      const before = await harness.mounter.usage(path, FOREVER);
      assert(before.totalBytes > DISK_BYTES / 2 && before.totalBytes <= DISK_BYTES);
      assert(before.usedBytes + before.availableBytes <= before.totalBytes);
      await harness.writeFile(path, "a.txt", "x".repeat(100_000));
      const after = await harness.mounter.usage(path, FOREVER);
      assert(after.usedBytes >= before.usedBytes + 100_000);
      assert(after.availableBytes <= before.availableBytes - 100_000);
      assert((after.inodes?.used ?? 0) > (before.inodes?.used ?? 0));
    },
  },
  {
    name: "works() is true of a mount, and answers not-found where nothing is mounted",
    check: async (harness) => {
      const { path } = await mountDisk(harness, "a");
      assert.equal(await harness.mounter.works(path, FOREVER), true);
      await harness.mounter.release(path, FOREVER);
      await assertFails(harness.mounter.works(path, FOREVER), "not-found");
    },
  },
  {
    name: "usage() answers not-found where nothing is mounted",
    check: async ({ mounter, directory }) => {
      await assertFails(mounter.usage(directory, FOREVER), "not-found");
      await assertFails(mounter.usage(`${directory}/no`, FOREVER), "not-found");
    },
  },
];
