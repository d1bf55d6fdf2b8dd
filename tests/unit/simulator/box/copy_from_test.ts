import assert from "node:assert/strict";
import type { Box } from "../../../../src/simulator/box/box.ts";
import type { CopyFromMode } from "../../../../src/simulator/box/options.ts";
import { aBox, addDisk, call, contentsOf, diskIn, freeBytes } from "./console.ts";

const GIB = 1024 ** 3;

async function boxWithText(copyFrom: CopyFromMode): Promise<Box> {
  const box = await aBox({ copyFrom });
  call(box, "file/add", { named: { name: "storage-pool/a.img", contents: "source data" } });
  addDisk(box, "a", { "file-size": GIB, "comment": "of a" });
  return box;
}

function copyOfA(box: Box, slot: string): void {
  call(box, "disk/add", {
    named: {
      "copy-from": "a",
      slot,
      "file-path": `storage-pool/${slot}.img`,
      "nvme-tcp-export": false,
    },
  });
}

function overwrite(box: Box, file: string, text: string): void {
  call(box, "file/set", { named: { numbers: file, contents: text.padEnd(1024, "\0") } });
}

const CASES: {
  mode: CopyFromMode;
  reads: string;
  afterChange: string;
  takesBytes: number;
}[] = [
  { mode: "independent-cow", reads: "source", afterChange: "source", takesBytes: 0 },
  { mode: "independent-full", reads: "source", afterChange: "source", takesBytes: GIB },
  { mode: "property-only", reads: "\0\0\0\0\0\0", afterChange: "\0\0\0\0\0\0", takesBytes: GIB },
  { mode: "shared", reads: "source", afterChange: "change", takesBytes: 0 },
];

for (const { mode, reads, afterChange, takesBytes } of CASES) {
  Deno.test(`copy-from in mode ${mode} makes the data and takes the space of that mode`, async () => {
    await using box = await boxWithText(mode);
    const before = freeBytes(box);
    copyOfA(box, "copy");
    assert.equal(before - freeBytes(box), takesBytes);
    assert.equal(contentsOf(box, "storage-pool/copy.img", 0, 6), reads);
    assert.equal(diskIn(box, "copy")?.["size"], GIB);
    overwrite(box, "storage-pool/a.img", "changed");
    assert.equal(contentsOf(box, "storage-pool/copy.img", 0, 6), afterChange);
    assert.deepEqual(box.violations(), []);
  });
}

Deno.test("copy-from inherits whatever is not given: export, NQN and comment", async () => {
  await using box = await boxWithText("independent-cow");
  call(box, "disk/set", {
    unnamed: ["a"],
    named: { "nvme-tcp-export": true, "nvme-tcp-server-nqn": "nqn.2024-01.io.test:a" },
  });
  call(box, "disk/add", {
    named: { "copy-from": "a", "slot": "b", "file-path": "storage-pool/b.img" },
  });
  const copy = diskIn(box, "b");
  assert.equal(copy?.["nvme-tcp-export"], true);
  assert.equal(copy?.["nvme-tcp-server-nqn"], "nqn.2024-01.io.test:a");
  assert.equal(copy?.["comment"], "of a");
  assert.deepEqual(box.violations().map(({ kind }) => kind), ["shared-nqn"]);
});

Deno.test("copy-from keeps the data of a cow copy when its source is deleted", async () => {
  await using box = await boxWithText("independent-cow");
  copyOfA(box, "copy");
  const before = freeBytes(box);
  call(box, "disk/remove", { unnamed: ["a"] });
  call(box, "file/remove", { unnamed: ["storage-pool/a.img"] });
  assert.equal(freeBytes(box), before, "the copy still needs the shared blocks");
  assert.equal(contentsOf(box, "storage-pool/copy.img", 0, 11), "source data");
  call(box, "disk/remove", { unnamed: ["copy"] });
  call(box, "file/remove", { unnamed: ["storage-pool/copy.img"] });
  assert.equal(freeBytes(box), before + GIB);
});

Deno.test("copy-from with a larger file-size grows the copy", async () => {
  await using box = await boxWithText("independent-cow");
  call(box, "disk/add", {
    named: {
      "copy-from": "a",
      "slot": "b",
      "file-path": "storage-pool/b.img",
      "file-size": 2 * GIB,
    },
  });
  assert.equal(diskIn(box, "b")?.["size"], 2 * GIB);
  assert.equal(contentsOf(box, "storage-pool/b.img", 0, 6), "source");
});
