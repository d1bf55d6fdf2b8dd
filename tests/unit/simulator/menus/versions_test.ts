import assert from "node:assert/strict";
import { aBox, addDisk, diskIn } from "../box/console.ts";

const CASES: { version: string; serverNqn: boolean; fileCopy: boolean }[] = [
  { version: "7.20.8", serverNqn: false, fileCopy: false },
  { version: "7.21", serverNqn: true, fileCopy: false },
  { version: "7.23", serverNqn: true, fileCopy: true },
  { version: "7.24.4", serverNqn: true, fileCopy: true },
];

for (const { version, serverNqn, fileCopy } of CASES) {
  Deno.test(`a box of version ${version} has the arguments and commands of that version`, async () => {
    await using box = await aBox({ version });
    const add = box.tree.command(["disk"], "add");
    const set = box.tree.command(["disk"], "set");
    assert.equal(add?.named.has("nvme-tcp-server-nqn"), serverNqn);
    assert.equal(set?.named.has("nvme-tcp-server-nqn"), serverNqn);
    assert.equal(add?.named.has("file-path"), true);
    assert.equal(box.tree.command(["file"], "copy") !== undefined, fileCopy);
    assert.equal(box.tree.hasMenu(["disk", "btrfs", "subvolume"]), true);
  });
}

Deno.test("before 7.21 a disk is exported under its slot and shows no NQN", async () => {
  await using box = await aBox({ version: "7.20" });
  addDisk(box, "a", { "nvme-tcp-export": true });
  assert.equal(box.exports().find(({ slot }) => slot === "a")?.nqn, "a");
  assert.equal(diskIn(box, "a")?.["nvme-tcp-server-nqn"], undefined);
});

Deno.test("without the package there are no storage arguments and no Btrfs menus", async () => {
  await using box = await aBox({ storagePackage: false });
  const add = box.tree.command(["disk"], "add");
  for (const name of ["file-path", "file-size", "nvme-tcp-export"]) {
    assert.equal(add?.named.has(name), false, name);
  }
  assert.equal(box.tree.hasMenu(["disk", "btrfs"]), false);
  assert.equal(box.tree.hasMenu(["disk"]), true);
});

Deno.test("the tree knows menus, their words, and what is not there", async () => {
  await using box = await aBox();
  assert.equal(box.tree.hasMenu([]), true);
  assert.equal(box.tree.hasMenu(["system"]), true);
  assert.equal(box.tree.hasMenu(["nvme"]), false);
  assert.equal(box.tree.command(["disk"], "monitor-once"), undefined);
  assert.ok(box.tree.words?.(["disk"]).includes("monitor-traffic"));
  assert.ok(box.tree.words?.(["disk"]).includes("btrfs"));
});

Deno.test("changing commands need the policy write, reading ones read", async () => {
  await using box = await aBox();
  for (const name of ["add", "set", "remove", "comment", "enable", "disable", "unset"]) {
    assert.deepEqual(box.tree.command(["disk"], name)?.policies, ["write"], name);
  }
  for (const name of ["print", "find", "get"]) {
    assert.deepEqual(box.tree.command(["disk"], name)?.policies, ["read"], name);
  }
});
