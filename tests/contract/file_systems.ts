/** What FileSystems promises. */
import assert from "node:assert/strict";
import { FILE_SYSTEM_TYPES } from "../../src/domain/access.ts";
import { deviceNumberOf } from "../../src/domain/block_device.ts";
import {
  assertFails,
  checkDisk,
  connectDisk,
  DISK_BYTES,
  FOREVER,
  mountDisk,
  testNodeClauses,
} from "./node_harness.ts";
import type { NodeClause } from "./node_harness.ts";

const SOME_EXT4 = {
  kind: "file-system",
  fileSystem: "ext4",
  uuid: "00000000-0000-4000-8000-000000000000",
  sizeBytes: DISK_BYTES,
  needsReplay: false,
} as const;

const CLAUSES: readonly NodeClause[] = [
  {
    name: "identify() calls a fresh disk blank",
    check: async (harness) => {
      const { device } = await connectDisk(harness);
      assert.deepEqual(await harness.fileSystems.identify(device, FOREVER), { kind: "blank" });
    },
  },
  ...FILE_SYSTEM_TYPES.map((fileSystem): NodeClause => ({
    name: `identify() finds the ${fileSystem} that format() made, with a UUID of its own`,
    check: async (harness) => {
      const uuids = new Set<string>();
      for (let disk = 0; disk < 2; disk++) {
        const { device } = await connectDisk(harness);
        await harness.fileSystems.format(device, fileSystem, [], FOREVER);
        const content = await harness.fileSystems.identify(device, FOREVER);
        assert(content.kind === "file-system");
        assert.equal(content.fileSystem, fileSystem);
        assert.match(content.uuid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
        assert.deepEqual([content.sizeBytes, content.needsReplay], [device.sizeBytes, false]);
        uuids.add(content.uuid);
      }
      assert.equal(uuids.size, 2);
    },
  })),
  {
    name: "format() refuses a device that holds a file system, which stays as it is",
    check: async ({ fileSystems, ...harness }) => {
      const { device } = await connectDisk({ fileSystems, ...harness });
      await fileSystems.format(device, "xfs", [], FOREVER);
      const before = await fileSystems.identify(device, FOREVER);
      await assertFails(fileSystems.format(device, "ext4", [], FOREVER), "not-ready");
      await assertFails(fileSystems.format(device, "xfs", [], FOREVER), "not-ready");
      assert.deepEqual(await fileSystems.identify(device, FOREVER), before);
    },
  },
  {
    name: "format() refuses a device with a partition table only, and identify() names it",
    check: async (harness) => {
      const { nqn, device } = await connectDisk(harness);
      await harness.partitionDisk(nqn);
      const before = await harness.fileSystems.identify(device, FOREVER);
      assert.equal(before.kind, "other");
      await assertFails(harness.fileSystems.format(device, "ext4", [], FOREVER), "not-ready");
      assert.deepEqual(await harness.fileSystems.identify(device, FOREVER), before);
    },
  },
  {
    name: "identify() does not call a device blank that cannot be read",
    check: async (harness) => {
      const { nqn, device } = await connectDisk(harness);
      await harness.loseConnection(nqn);
      await assertFails(harness.fileSystems.identify(device, FOREVER), "unavailable");
      await assertFails(harness.fileSystems.format(device, "ext4", [], FOREVER), "unavailable");
    },
  },
  {
    name: "no method uses a device path that leads to another number",
    check: async ({ fileSystems, ...harness }) => {
      const { device } = await connectDisk({ fileSystems, ...harness });
      const stale = { ...device, number: deviceNumberOf(7, 4711) };
      await assertFails(fileSystems.identify(stale, FOREVER), "unavailable");
      await assertFails(fileSystems.format(stale, "ext4", [], FOREVER), "unavailable");
      await assertFails(fileSystems.check(stale, SOME_EXT4, "check", FOREVER), "unavailable");
      assert.deepEqual(await fileSystems.identify(device, FOREVER), { kind: "blank" });
    },
  },
  {
    name: "check() passes a sound file system, by every policy, and changes nothing",
    check: async (harness) => {
      const { device } = await connectDisk(harness);
      await harness.fileSystems.format(device, "ext4", [], FOREVER);
      const before = await harness.fileSystems.identify(device, FOREVER);
      for (const policy of ["off", "check", "repair-safe"] as const) {
        await checkDisk(harness.fileSystems, device, policy);
      }
      assert.deepEqual(await harness.fileSystems.identify(device, FOREVER), before);
    },
  },
  {
    name: "check() refuses a file system that is mounted",
    check: async (harness) => {
      const { device } = await mountDisk(harness, "staging");
      await assertFails(checkDisk(harness.fileSystems, device, "repair-safe"), "in-use");
    },
  },
  ...FILE_SYSTEM_TYPES.map((fileSystem): NodeClause => ({
    name: `grow() lets the ${fileSystem} fill a grown device, once, and keeps what is in it`,
    ...(fileSystem.startsWith("ext") ? { needs: "grow-mounted-ext" } : {}),
    check: async (harness) => {
      const { nqn, path } = await mountDisk(harness, "staging", { fileSystem });
      await harness.writeFile(path, "a.txt", "kept");
      const before = await harness.mounter.usage(path, FOREVER);
      assert(before.totalBytes <= DISK_BYTES);
      await harness.resizeDisk(nqn, 3 * DISK_BYTES);
      const device = await harness.host.rescan(nqn, FOREVER);
      await harness.fileSystems.grow(device, fileSystem, path, FOREVER);
      const after = await harness.mounter.usage(path, FOREVER);
      assert(after.totalBytes > 2 * DISK_BYTES && after.totalBytes <= 3 * DISK_BYTES);
      await harness.fileSystems.grow(device, fileSystem, path, FOREVER);
      assert.deepEqual(await harness.mounter.usage(path, FOREVER), after);
      assert.equal(await harness.readFile(path, "a.txt"), "kept");
    },
  })),
  {
    name: "grow() refuses what is not mounted there, or mounted read-only",
    check: async (harness) => {
      const { device } = await mountDisk(harness, "staging", { isReadOnly: true });
      const growAt = (name: string): Promise<void> =>
        harness.fileSystems.grow(device, "ext4", `${harness.directory}/${name}`, FOREVER);
      await assertFails(growAt("staging"), "not-ready");
      await assertFails(growAt("elsewhere"), "not-ready");
    },
  },
];

/** Runs the contract of FileSystems over one kind of node. */
export function testFileSystemsContract(
  name: string,
  ...rest: Parameters<typeof testNodeClauses> extends [unknown, unknown, ...infer Rest] ? Rest
    : never
): void {
  testNodeClauses(`FileSystems over ${name}`, CLAUSES, ...rest);
}
