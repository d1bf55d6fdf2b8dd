import assert from "node:assert/strict";
import { KernelTables } from "../../../../src/adapters/mount/kernel_tables.ts";
import { MountTable } from "../../../../src/adapters/mount/mount_table.ts";
import type { DeviceNote } from "../../../../src/adapters/mount/records.ts";
import { deviceNumberOf } from "../../../../src/domain/block_device.ts";
import { assertFails } from "../../../contract/node_harness.ts";
import { SHARED_TWICE } from "../../../fixtures/mountinfo.ts";

const KUBELET = "/var/lib/kubelet";
const BTRFS = "/sys/fs/btrfs/8b8ab1ba-8aea-49b2-96c9-34354f9b3dcd/devices/loop44/dev";
const [EXT4, XFS, BTRFS_DEVICE] = [42, 43, 44].map((minor) => deviceNumberOf(7, minor));

/** A kernel whose text files are these; a table over it, and what that notes. */
function open(
  files: Record<string, string>,
  mountinfo = SHARED_TWICE,
): { table: MountTable; tables: KernelTables; notes: Map<string, DeviceNote> } {
  const all = new Map(Object.entries({
    "/proc/self/mountinfo": mountinfo,
    "/proc/sys/kernel/random/boot_id": "this-boot\n",
    ...files,
  }));
  const tables = new KernelTables({
    read: (path) => Promise.resolve(all.get(path)),
    list: (path) => {
      const inside = [...all.keys()].filter((each) => each.startsWith(`${path}/`));
      const names = inside.map((each) => each.slice(path.length + 1).split("/")[0] ?? "");
      return Promise.resolve([...new Set(names)]);
    },
  });
  const notes = new Map<string, DeviceNote>();
  const table = new MountTable(tables, {
    get: (_kind, key) => Promise.resolve(notes.get(key)),
    put: (_kind, note) => Promise.resolve(void notes.set(note.key, note)),
    remove: (_kind, key) => Promise.resolve(void notes.delete(key)),
  });
  return { table, tables, notes };
}

function device(minor: number, sequence = "9", size = "2048"): Record<string, string> {
  const directory = `/sys/dev/block/7:${minor}`;
  return {
    [`${directory}/uevent`]: `MAJOR=7\nMINOR=${minor}\nDEVNAME=loop${minor}\nDEVTYPE=disk\n`,
    [`${directory}/size`]: `${size}\n`,
    [`${directory}/diskseq`]: `${sequence}\n`,
    [`${directory}/ro`]: "0\n",
  };
}

Deno.test("a mount is dead when the kernel has no device of its number, or one without a size", async () => {
  const path = `${KUBELET}/plugins/staging-x`;
  const isAlive = async (files: Record<string, string>): Promise<boolean | undefined> =>
    (await open(files).table.topmost(path))?.isAlive;
  assert.equal(await isAlive(device(43)), true);
  assert.equal(await isAlive(device(42)), false);
  assert.equal(await isAlive(device(43, "9", "0")), false);
});

Deno.test("a mount whose file system was shut down is dead although its device is there", async () => {
  const { table } = open(device(42));
  for (const name of ["plugins/staging-e", "pods/ro"]) {
    const view = await table.topmost(`${KUBELET}/${name}`);
    assert.equal(view?.device, EXT4);
    assert.equal(view?.isAlive, false);
  }
});

Deno.test("a writable mount that made itself read-only is dead, with all its binds", async () => {
  const text = [
    "1 0 8:1 / / rw - ext4 /dev/a rw",
    "2 1 7:42 / /staging rw - ext4 /dev/loop42 ro",
    "3 1 7:42 / /bound ro - ext4 /dev/loop42 ro",
    "4 1 7:43 / /wanted ro - ext4 /dev/loop43 ro",
  ].join("\n");
  const { table } = open({ ...device(42), ...device(43) }, text);
  for (
    const [path, isAlive] of [["/staging", false], ["/bound", false], ["/wanted", true]] as const
  ) {
    const view = await table.topmost(path);
    assert.deepEqual([view?.isReadOnly, view?.isAlive], [true, isAlive], path);
  }
});

Deno.test("the device of a btrfs, which has no number in the table, is asked of sysfs", async () => {
  const { table } = open({ ...device(44), [BTRFS]: "7:44\n" });
  const view = await table.topmost(`${KUBELET}/plugins/staging-b`);
  assert.deepEqual([view?.device, view?.isAlive], [BTRFS_DEVICE, true]);
  const mounts = await table.mountsOf(deviceNumberOf(7, 44));
  assert.deepEqual(
    new Set(mounts.map(({ entry }) => entry.path)),
    new Set([
      `${KUBELET}/plugins/staging-b`,
      `${KUBELET}/pods/b`,
    ]),
  );
});

Deno.test("the device of a btrfs that went away is known from the note of the mount", async () => {
  const path = `${KUBELET}/plugins/staging-b`;
  const before = open({ ...device(44), [BTRFS]: "7:44\n" });
  await before.table.noteDevice(path);
  const [note] = before.notes.values();
  assert.deepEqual(note, { key: "0:50", bootId: "this-boot", number: "7:44", sequence: "9" });
  assert(note !== undefined);
  // It is gone; its number is another disk's; sysfs leads to that one by its name.
  for (const files of [{}, device(44, "10"), { ...device(44, "10"), [BTRFS]: "7:44\n" }]) {
    const { table, notes } = open(files);
    notes.set(note.key, note);
    const view = await table.topmost(path);
    assert.deepEqual([view?.device, view?.isAlive], [BTRFS_DEVICE, false]);
  }
  // A note of another boot is about another mount.
  const { table, notes } = open({ ...device(45), [BTRFS]: "7:45\n" });
  notes.set(note.key, { ...note, bootId: "earlier" });
  assert.equal((await table.topmost(path))?.device, "7:45");
});

Deno.test("a btrfs of which nothing tells the device is dead", async () => {
  const view = await open({}).table.topmost(`${KUBELET}/plugins/staging-b`);
  assert.deepEqual([view?.device, view?.isAlive], ["0:50", false]);
});

Deno.test("what has no device, like a tmpfs, cannot lose one", async () => {
  assert.equal((await open({}).table.topmost(`${KUBELET}/src`))?.isAlive, true);
});

Deno.test("a device that the host shows twice at one path is only there", async () => {
  const { table } = open({ ...device(44), [BTRFS]: "7:44\n", ...device(43) });
  const path = `${KUBELET}/plugins/staging-b`;
  assert.equal(await table.isOnlyAt(deviceNumberOf(7, 44), path), false);
  const only = SHARED_TWICE.split("\n").filter((line) => !line.includes("/pods/b ")).join("\n");
  const alone = open({ ...device(44), [BTRFS]: "7:44\n" }, only).table;
  assert.equal(await alone.isOnlyAt(deviceNumberOf(7, 44), path), true);
  assert.deepEqual(await alone.pathsOf(deviceNumberOf(7, 44), () => false), [path]);
  assert(XFS !== undefined);
  const xfs = [`${KUBELET}/plugins/staging-x`, `${KUBELET}/pods/stack`];
  assert.deepEqual((await table.pathsOf(XFS, () => false)).sort(), xfs);
});

Deno.test("a table that cannot be read, or does not stop changing, is no empty table", async () => {
  await assertFails(open({}, "").tables.mounts(), "unavailable");
  let line = 0;
  const tables = new KernelTables({
    read: () => Promise.resolve(`${++line} 0 8:1 / / rw - ext4 /dev/a rw\n`),
    list: () => Promise.resolve([]),
  });
  await assertFails(tables.mounts(), "unavailable");
});
