import assert from "node:assert/strict";
import type { Box } from "../../../../src/simulator/box/box.ts";
import { aBox, addDisk, call, diskIn, freeBytes, hasFile } from "./console.ts";

const GIB = 1024 ** 3;

function kinds(box: Box): string[] {
  return box.violations().map(({ kind }) => kind);
}

/** A file whose first bytes are those of a formatted disk. */
function addFormattedFile(box: Box, name: string, offset: number, mark: string): void {
  const contents = "\0".repeat(offset) + mark;
  call(box, "file/add", { named: { name, contents } });
}

Deno.test("a new box has no violations, whatever others did on it", async () => {
  await using box = await aBox();
  box.inspectGuests();
  box.reboot();
  assert.deepEqual(box.violations(), []);
});

Deno.test("two enabled exports with one NQN are a violation, disabled ones are not", async () => {
  await using box = await aBox();
  const shared = { "nvme-tcp-export": true, "nvme-tcp-server-nqn": "nqn.2024-01.io.test:same" };
  addDisk(box, "a", shared);
  addDisk(box, "b", { ...shared, "disabled": true });
  assert.deepEqual(kinds(box), []);
  call(box, "disk/enable", { unnamed: ["b"] });
  assert.deepEqual(kinds(box), ["shared-nqn"]);
  assert.match(box.violations()[0]?.detail ?? "", /"a" and "b" export nqn.2024-01.io.test:same/);
});

Deno.test("two disks on one file are a violation", async () => {
  await using box = await aBox();
  addDisk(box, "a");
  addDisk(box, "b", { "file-path": "/storage-pool/a.img" });
  assert.deepEqual(kinds(box), ["shared-file"]);
});

const FILE_SYSTEMS: { fileSystem: string; offset: number; mark: string }[] = [
  { fileSystem: "ext4", offset: 1080, mark: "\x53\xef" },
  { fileSystem: "xfs", offset: 0, mark: "XFSB" },
];

for (const { fileSystem, offset, mark } of FILE_SYSTEMS) {
  Deno.test(`a guest's ${fileSystem} that the box mounts is a violation and shows as mounted`, async () => {
    await using box = await aBox();
    addFormattedFile(box, "storage-pool/a.img", offset, mark);
    addDisk(box, "a");
    assert.deepEqual(kinds(box), []);
    assert.equal(diskIn(box, "a")?.["fs"], fileSystem);
    assert.equal(diskIn(box, "a")?.["mounted"], undefined);
    call(box, "disk/set", { unnamed: ["a"], named: { "mount-filesystem": "yes" } });
    assert.deepEqual(kinds(box), ["guest-file-system-mounted"]);
    assert.equal(diskIn(box, "a")?.["mounted"], true);
    assert.equal(diskIn(box, "a")?.["mount-point"], "a");
  });
}

Deno.test("mount-filesystem is yes when add does not say otherwise", async () => {
  await using box = await aBox();
  addFormattedFile(box, "storage-pool/a.img", 1080, "\x53\xef");
  call(box, "disk/add", {
    named: { "type": "file", "slot": "a", "file-path": "storage-pool/a.img", "file-size": "1G" },
  });
  assert.equal(diskIn(box, "a")?.["mount-filesystem"], true);
  assert.deepEqual(kinds(box), ["guest-file-system-mounted"]);
});

Deno.test("a file removed while a disk uses it lives until the reboot, then its data is gone", async () => {
  await using box = await aBox();
  addDisk(box, "a", { "nvme-tcp-export": true });
  const before = freeBytes(box);
  call(box, "file/remove", { unnamed: ["storage-pool/a.img"] });
  assert.deepEqual(kinds(box), ["file-removed-in-use"]);
  assert.equal(hasFile(box, "storage-pool/a.img"), false);
  assert.equal(diskIn(box, "a")?.["size"], GIB);
  assert.equal(freeBytes(box), before, "the open file still takes its space");
  assert.ok(box.exports().some(({ slot }) => slot === "a"));
  box.reboot();
  assert.equal(diskIn(box, "a")?.["size"], undefined);
  assert.equal(diskIn(box, "a")?.["empty"], true);
  assert.equal(freeBytes(box), before + GIB);
  assert.ok(!box.exports().some(({ slot }) => slot === "a"));
});

Deno.test("a removed file's space comes back when its disk is removed", async () => {
  await using box = await aBox();
  const before = freeBytes(box);
  addDisk(box, "a");
  call(box, "file/remove", { unnamed: ["storage-pool/a.img"] });
  call(box, "disk/remove", { unnamed: ["a"] });
  assert.equal(freeBytes(box), before);
});

Deno.test("a disk keeps its open file when the file is renamed, until the reboot", async () => {
  await using box = await aBox();
  addDisk(box, "a", { "nvme-tcp-export": true });
  call(box, "file/set", { named: { numbers: "storage-pool/a.img", name: "storage-pool/z.img" } });
  const exported = box.exports().find(({ slot }) => slot === "a");
  assert.equal(exported?.backingPath, "files/storage-pool/z.img");
  box.reboot();
  assert.equal(diskIn(box, "a")?.["empty"], true);
});
