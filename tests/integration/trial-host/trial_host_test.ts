/** What a trial node does beyond the ports' contracts: real bytes, restarts, and its limits. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openTrialHost } from "../../../src/adapters/trial-host/trial_host.ts";
import { readExports as readOurs } from "../../../src/adapters/trial-host/simulator_exports.ts";
import { FILE_SYSTEM_TYPES } from "../../../src/domain/access.ts";
import { readExports as readTheirs } from "../../../src/simulator/box/export_list.ts";
import {
  assertFails,
  connectDisk,
  DISK_BYTES,
  FOREVER,
  mountDisk,
} from "../../contract/node_harness.ts";
import { namesIn, openTrialNode, writeBytes } from "./trial_node.ts";

async function bytesAt(path: string, offset: number, length: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  await file.read(bytes);
  return bytes;
}

Deno.test("a directory without a simulator's marker is refused and not written to", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const open = openTrialHost(directory, join(directory, "state"));
    await assertFails(open, "invalid");
    assert.deepEqual(await namesIn(directory), []);
    await Deno.writeTextFile(join(directory, "rds-simulator.json"), `{"schema": 99}`);
    await assertFails(openTrialHost(directory, join(directory, "state")), "invalid");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the exports are those that the simulator says it has", async () => {
  await using node = await openTrialNode();
  const { box } = node;
  await box.exportDisk(DISK_BYTES);
  await box.exportDisk(DISK_BYTES, { "nvme-tcp-server-nqn": "" });
  await box.exportDisk(DISK_BYTES, { "nvme-tcp-export": false });
  await box.exportDisk(DISK_BYTES, { disabled: true });
  box.withdraw((await box.exportDisk(DISK_BYTES)).nqn);
  const theirs = await readTheirs(box.directory);
  assert.deepEqual(
    await readOurs(box.directory),
    theirs.map(({ nqn, port, backingPath, namespaceUuid }) => ({
      ...{ nqn, port, backingPath, namespaceUuid },
    })),
  );
  assert.equal(theirs.length, 2);
});

for (
  const configured of [
    { "nvme-tcp-export": false },
    { disabled: true },
    { "file-offset": 1_048_576 },
  ]
) {
  Deno.test(`connect() refuses a disk with ${JSON.stringify(configured)}`, async () => {
    await using node = await openTrialNode();
    const target = await node.box.exportDisk(DISK_BYTES, configured);
    await assertFails(node.host.connect(target, FOREVER), "unavailable");
  });
}

Deno.test("connect() refuses an address that is not this machine's", async () => {
  await using node = await openTrialNode();
  const target = await node.exportDisk(DISK_BYTES);
  const at = { ...target.at, address: "10.42.68.1" };
  await assertFails(node.host.connect({ ...target, at }, FOREVER), "unavailable");
});

Deno.test("what a program writes to a block target are the bytes of the disk", async () => {
  await using node = await openTrialNode();
  const { nqn, device } = await connectDisk(node);
  const path = `${node.directory}/block`;
  await node.mounter.exposeBlock(device, path, false, FOREVER);
  await writeBytes(path, 123_456_789, [...new TextEncoder().encode("real bytes")]);
  const found = await bytesAt(node.box.pathOf(nqn), 123_456_789, 10);
  assert.equal(new TextDecoder().decode(found), "real bytes");
  assert.equal((await Deno.stat(path)).size, DISK_BYTES);
});

const SIGNATURES = {
  ext4: { offset: 1080, bytes: [0x53, 0xef] },
  ext3: { offset: 1080, bytes: [0x53, 0xef] },
  xfs: { offset: 0, bytes: [...new TextEncoder().encode("XFSB")] },
  btrfs: { offset: 0x10040, bytes: [...new TextEncoder().encode("_BHRfS_M")] },
} as const;
for (const fileSystem of FILE_SYSTEM_TYPES) {
  Deno.test(`format() puts the signature of ${fileSystem} where everybody looks for it`, async () => {
    await using node = await openTrialNode();
    const { nqn, device } = await connectDisk(node);
    await node.fileSystems.format(device, fileSystem, [], FOREVER);
    const { offset, bytes } = SIGNATURES[fileSystem];
    const found = await bytesAt(node.box.pathOf(nqn), offset, bytes.length);
    assert.deepEqual([...found], [...bytes]);
  });
}

const NOT_BLANK = [
  { name: "one byte in the first MiB", offset: 700_000, bytes: [1] },
  { name: "one byte in the last MiB", offset: DISK_BYTES - 1, bytes: [1] },
  { name: "LUKS", offset: 0, bytes: [0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe] },
  { name: "LVM", offset: 512, bytes: [...new TextEncoder().encode("LABELONE")] },
  { name: "GPT", offset: 512, bytes: [...new TextEncoder().encode("EFI PART")] },
  { name: "ext2", offset: 1080, bytes: [0x53, 0xef] },
];
for (const { name, offset, bytes } of NOT_BLANK) {
  Deno.test(`a disk with ${name} is not blank and is not formatted`, async () => {
    await using node = await openTrialNode();
    const { nqn, device } = await connectDisk(node);
    await writeBytes(node.box.pathOf(nqn), offset, bytes);
    const content = await node.fileSystems.identify(device, FOREVER);
    assert.equal(content.kind, "other");
    await assertFails(node.fileSystems.format(device, "ext4", [], FOREVER), "not-ready");
  });
}

Deno.test("a disk that is cut short cannot be read, and is not blank", async () => {
  await using node = await openTrialNode();
  const { nqn, device } = await connectDisk(node);
  await Deno.truncate(node.box.pathOf(nqn), 4096);
  await assertFails(node.fileSystems.identify(device, FOREVER), "unavailable");
});

Deno.test("a file system that the trial did not make is not mounted", async () => {
  await using node = await openTrialNode();
  const { nqn, device } = await connectDisk(node);
  await writeBytes(node.box.pathOf(nqn), 0, SIGNATURES.xfs.bytes.slice());
  const request = {
    device,
    path: `${node.directory}/a`,
    fileSystem: "xfs",
    options: [],
    isReadOnly: false,
  } as const;
  await assertFails(node.mounter.mount(request, FOREVER), "not-ready");
});

Deno.test("a node that is started again has the same id, connections, mounts and files", async () => {
  await using node = await openTrialNode();
  const { nqn, device, path } = await mountDisk(node, "a", { options: ["noatime"] });
  await node.writeFile(path, "a.txt", "kept");
  const again = await openTrialHost(node.box.directory, node.stateDirectory);
  assert.equal(again.host.hostId, node.host.hostId);
  assert.deepEqual(await again.host.find(nqn, FOREVER), device);
  assert.deepEqual(await again.mounter.look(path, FOREVER), {
    kind: "mount",
    device: device.number,
    fileSystem: "ext4",
    options: ["noatime"],
    isReadOnly: false,
    isAlive: true,
  });
  assert.equal(await node.readFile(path, "a.txt"), "kept");
  await again.mounter.release(path, FOREVER);
  assert.deepEqual(await namesIn(join(node.stateDirectory, "mounted")), []);
});

Deno.test("a link that a killed node left without a record is nothing, and is replaced", async () => {
  await using node = await openTrialNode();
  const { device } = await connectDisk(node);
  const path = `${node.directory}/block`;
  await Deno.symlink(device.path, path);
  assert.deepEqual(await node.mounter.look(path, FOREVER), { kind: "nothing" });
  await node.mounter.exposeBlock(device, path, false, FOREVER);
  assert.equal((await node.mounter.look(path, FOREVER)).kind, "block");
});

Deno.test("a record that a killed node left without its link is nothing, and is replaced", async () => {
  await using node = await openTrialNode();
  const { device } = await connectDisk(node);
  const path = `${node.directory}/block`;
  await node.mounter.exposeBlock(device, path, false, FOREVER);
  await Deno.remove(path);
  assert.deepEqual(await node.mounter.look(path, FOREVER), { kind: "nothing" });
  await node.mounter.exposeBlock(device, path, true, FOREVER);
  const use = await node.mounter.look(path, FOREVER);
  assert(use.kind === "block" && use.isReadOnly);
});

Deno.test("somebody's symbolic link is neither replaced nor removed", async () => {
  await using node = await openTrialNode();
  const { device } = await connectDisk(node);
  const path = `${node.directory}/block`;
  await Deno.symlink("/etc/hostname", path);
  await assertFails(node.mounter.exposeBlock(device, path, false, FOREVER), "not-ready");
  await assertFails(node.mounter.release(path, FOREVER), "not-ready");
  assert.equal(await Deno.readLink(path), "/etc/hostname");
});
