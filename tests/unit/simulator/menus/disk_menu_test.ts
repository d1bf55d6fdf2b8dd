import assert from "node:assert/strict";
import type { Box } from "../../../../src/simulator/box/box.ts";
import type { Row } from "../../../../src/simulator/menu.ts";
import {
  aBox,
  addDisk,
  call,
  diskIn,
  failure,
  freeBytes,
  hasFile,
  itemsOf,
  objectOf,
  whereIs,
} from "../box/console.ts";

const GIB = 1024 ** 3;

Deno.test("add prints nothing, answers the id, and takes the whole size from the pool", async () => {
  await using box = await aBox();
  const before = freeBytes(box);
  const { value, output } = addDisk(box, "a", { "file-size": "10G" });
  assert.equal(output, "");
  assert.deepEqual(value, { type: "id", text: diskIn(box, "a")?.[".id"] });
  assert.equal(before - freeBytes(box), 10 * GIB);
  assert.equal(hasFile(box, "storage-pool/a.img"), true);
});

Deno.test("disk paths get a leading slash, whether typed with or without", async () => {
  await using box = await aBox();
  addDisk(box, "a", { "file-path": "storage-pool/x.img" });
  addDisk(box, "b", { "file-path": "/storage-pool/y.img" });
  assert.equal(diskIn(box, "a")?.["file-path"], "/storage-pool/x.img");
  assert.equal(diskIn(box, "b")?.["file-path"], "/storage-pool/y.img");
  assert.equal(diskIn(box, "b")?.["model"], "/storage-pool/y.img");
});

Deno.test("as-value has raw values: absent when unset, alphabetical after the id", async () => {
  await using box = await aBox();
  addDisk(box, "a", { "file-size": 3 * GIB });
  const disk = diskIn(box, "a") ?? {};
  const names = Object.keys(disk);
  assert.equal(names[0], ".id");
  assert.deepEqual(names.slice(1), names.slice(1).sort());
  assert.equal(disk["file-size"], 3 * GIB);
  assert.equal(disk["block-device"], true);
  assert.equal(disk["nvme-tcp-export"], false);
  for (const absent of ["comment", "mounted", "disabled", "nvme-tcp-server-nqn", "free"]) {
    assert.equal(absent in disk, false, absent);
  }
});

Deno.test("an exported disk shows port, NQN and allowed host, the default NQN made of its slot", async () => {
  await using box = await aBox();
  addDisk(box, "a", { "nvme-tcp-export": "yes" });
  const disk = diskIn(box, "a");
  assert.equal(disk?.["nvme-tcp-server-port"], 4420);
  assert.equal(disk?.["nvme-tcp-server-nqn"], "nqn.2000-02.com.mikrotik:a");
  assert.equal(disk?.["nvme-tcp-server-allow-host-name"], "");
});

Deno.test("add attaches to an existing file without cutting it", async () => {
  await using box = await aBox();
  addDisk(box, "a");
  call(box, "disk/remove", { unnamed: ["a"] });
  const before = freeBytes(box);
  call(box, "disk/add", {
    named: { "type": "file", "slot": "b", "file-path": "storage-pool/a.img" },
  });
  assert.equal(diskIn(box, "b")?.["size"], GIB);
  call(box, "disk/remove", { unnamed: ["b"] });
  addDisk(box, "c", { "file-path": "storage-pool/a.img", "file-size": "1M" });
  assert.equal(diskIn(box, "c")?.["size"], GIB);
  assert.equal(freeBytes(box), before);
});

const REFUSALS: { name: string; named: Record<string, string | number>; text: string }[] = [
  { name: "no type", named: {}, text: "missing value(s) of argument(s) type" },
  { name: "an unknown type", named: { type: "x" }, text: "input does not match any value of type" },
  { name: "no path", named: { type: "file" }, text: "missing value(s) of argument(s) file-path" },
  {
    name: "a path that leaves the box",
    named: { "type": "file", "file-path": "../../etc/passwd", "file-size": 512 },
    text: "invalid value for argument file-path",
  },
  {
    name: "a size that is none",
    named: { "type": "file", "file-path": "storage-pool/x", "file-size": "big" },
    text: "invalid value for argument file-size",
  },
  {
    name: "a port out of range",
    named: { "type": "file", "nvme-tcp-server-port": 65536 },
    text: "value of nvme-tcp-server-port out of range (0..65535)",
  },
  {
    name: "a boolean that is none",
    named: { "type": "file", "mount-filesystem": "maybe" },
    text: "invalid value for argument mount-filesystem",
  },
  {
    name: "an empty slot",
    named: { "type": "file", "slot": "", "file-path": "storage-pool/x", "file-size": 512 },
    text: "invalid value for argument slot",
  },
  {
    name: "compression",
    named: { "type": "file", "file-path": "storage-pool/x", "file-size": 512, "compress": "yes" },
    text: "compression only available for btrfs",
  },
];

for (const { name, named, text } of REFUSALS) {
  Deno.test(`add refuses ${name} and leaves nothing behind`, async () => {
    await using box = await aBox();
    const before = counts(box);
    assert.equal(failure(box, "disk/add", { named }), text);
    assert.deepEqual(counts(box), before);
  });
}

function counts(box: Box): unknown[] {
  return ["disk/print", "file/print"].map((path) =>
    call(box, path, { flags: ["count-only"] }).value
  );
}

Deno.test("set grows the file, and renames the slot", async () => {
  await using box = await aBox();
  const before = freeBytes(box);
  addDisk(box, "a");
  call(box, "disk/set", { unnamed: ["a"], named: { "slot": "b", "file-size": 2 * GIB } });
  assert.equal(diskIn(box, "a"), undefined);
  assert.equal(diskIn(box, "b")?.["size"], 2 * GIB);
  assert.equal(freeBytes(box), before - 2 * GIB);
});

Deno.test("set with another path swaps the backing file under the same export", async () => {
  await using box = await aBox();
  addDisk(box, "a", { "nvme-tcp-export": true });
  call(box, "file/add", { named: { name: "storage-pool/new.img", contents: "x".repeat(1024) } });
  call(box, "disk/set", { unnamed: ["a"], named: { "file-path": "storage-pool/new.img" } });
  const exported = box.exports().find(({ slot }) => slot === "a");
  assert.equal(exported?.backingPath, "files/storage-pool/new.img");
  assert.equal(exported?.sizeBytes, 1024);
  assert.deepEqual(box.violations(), []);
});

Deno.test("properties are unset by unset and by set !name", async () => {
  await using box = await aBox();
  addDisk(box, "a", { "comment": "one", "nvme-tcp-server-nqn": "nqn.2024-01.io.test:a" });
  call(box, "disk/set", { unnamed: ["a"], unset: ["comment"] });
  assert.equal(diskIn(box, "a")?.["comment"], undefined);
  call(box, "disk/unset", { unnamed: ["a", "nvme-tcp-server-nqn"] });
  assert.equal(diskIn(box, "a")?.["nvme-tcp-server-nqn"], undefined);
});

Deno.test("an empty find changes nothing silently, an unknown name is no such item", async () => {
  await using box = await aBox();
  const nothing = call(box, "disk/find", { where: whereIs("slot", "nope") }).value;
  assert.deepEqual(itemsOf(nothing), []);
  for (const path of ["disk/set", "disk/remove", "disk/disable", "file/remove"]) {
    call(box, path, { unnamed: [nothing] });
    assert.equal(failure(box, path, { unnamed: ["nope"] }), "no such item");
    assert.equal(failure(box, path, { unnamed: [0] }), "no such item", "numbers of a print");
  }
});

Deno.test("find gives ids that remove and get take", async () => {
  await using box = await aBox();
  addDisk(box, "a");
  addDisk(box, "b");
  const found = call(box, "disk/find", { where: (row: Row) => row.get("slot") === "b" }).value;
  assert.equal(call(box, "disk/get", { unnamed: [found, "slot"] }).value, "b");
  assert.equal(call(box, "disk/get", { unnamed: [found, "comment"] }).value, undefined);
  assert.equal(objectOf(call(box, "disk/get", { unnamed: [found] }).value)["slot"], "b");
  assert.equal(
    failure(box, "disk/get", { unnamed: [found, "status"] }),
    "input does not match any value of value-name",
  );
  call(box, "disk/remove", { unnamed: [found] });
  assert.equal(diskIn(box, "b"), undefined);
  assert.ok(diskIn(box, "a"));
});

Deno.test("disable ends the export, enable brings it back", async () => {
  await using box = await aBox();
  addDisk(box, "a", { "nvme-tcp-export": true });
  const isExported = (): boolean => box.exports().some(({ slot }) => slot === "a");
  assert.equal(isExported(), true);
  call(box, "disk/disable", { unnamed: ["a"] });
  assert.equal(isExported(), false);
  assert.equal(diskIn(box, "a")?.["disabled"], true);
  call(box, "disk/enable", { unnamed: ["a"] });
  assert.equal(isExported(), true);
});

Deno.test("foreign disks are on every box: pool, members, nixos hosts, another cluster, USB", async () => {
  await using box = await aBox();
  const rows = itemsOf(call(box, "disk/print", { flags: ["as-value"] }).value).map(objectOf);
  const slots = rows.map((row) => row["slot"]);
  for (const slot of ["nvme1", "storage-pool-m0", "storage-pool", "usb1", "nixos-node1"]) {
    assert.ok(slots.includes(slot), slot);
  }
  const foreign = rows.filter((row) => String(row["comment"]).includes("i=c0ffee00"));
  assert.equal(foreign.length, 2);
  assert.ok(foreign.every((row) => row["nvme-tcp-export"] === true));
  assert.equal(diskIn(box, "storage-pool")?.["mount-point"], "storage-pool");
});

Deno.test("hardware and the mounted pool cannot be removed", async () => {
  await using box = await aBox();
  assert.equal(failure(box, "disk/remove", { unnamed: ["nvme1"] }), "can not do that");
  assert.equal(
    failure(box, "disk/remove", { unnamed: ["storage-pool"] }),
    "failure: disk is in use",
  );
});

Deno.test("count-only prints the number of matching rows when it stands alone", async () => {
  await using box = await aBox();
  const { value, output } = call(box, "disk/print", {
    flags: ["count-only"],
    where: whereIs("type", "hardware"),
  });
  assert.equal(value, 5);
  assert.equal(output, "5\n");
});

Deno.test("proplist narrows the table and as-value, and refuses unknown names", async () => {
  await using box = await aBox();
  const parts = { named: { proplist: "slot,size" }, where: whereIs("slot", "usb1") };
  assert.match(call(box, "disk/print", parts).output, /^Columns: SLOT, SIZE$/m);
  const [row] = itemsOf(call(box, "disk/print", { ...parts, flags: ["as-value"] }).value);
  assert.deepEqual(Object.keys(objectOf(row)), [".id", "size", "slot"]);
  assert.equal(
    failure(box, "disk/print", { named: { proplist: "status" } }),
    "input does not match any value of proplist",
  );
});

Deno.test("show-ids puts ids where the numbers were; numbers are those of the whole menu", async () => {
  await using box = await aBox();
  addDisk(box, "a");
  const where = whereIs("slot", "a");
  const id = String(diskIn(box, "a")?.[".id"]);
  assert.match(call(box, "disk/print", { where }).output, /^12 B a /m);
  const withIds = call(box, "disk/print", { where, flags: ["show-ids"] }).output;
  assert.ok(withIds.includes(`\n${id} B a `), withIds);
});

Deno.test("a password is never printed", async () => {
  await using box = await aBox();
  addDisk(box, "a", { "nvme-tcp-server-password": "hidden-word", "nvme-tcp-export": true });
  for (const flags of [["detail"], ["terse"], ["value-list"], []]) {
    assert.ok(!call(box, "disk/print", { flags }).output.includes("hidden-word"));
  }
  assert.ok(!call(box, "disk/export").output.includes("hidden-word"));
});

Deno.test("export shows items as add lines, quoted where needed", async () => {
  await using box = await aBox();
  addDisk(box, "a", { comment: 'two "words"' });
  assert.match(
    call(box, "disk/export").output,
    /^add comment="two \\"words\\"" file-path=\/storage-pool\/a.img file-size=1073741824 mount-filesystem=no slot=a type=file$/m,
  );
});

Deno.test("disk copy copies the blocks of one disk onto another", async () => {
  await using box = await aBox();
  call(box, "file/add", { named: { name: "storage-pool/a.img", contents: "blocks".padEnd(512) } });
  addDisk(box, "a", { "file-size": 512 });
  addDisk(box, "b", { "file-size": 1024 });
  const { output } = call(box, "disk/copy", { named: { src: "a", dst: "b" } });
  assert.equal(output, "  status: done\n");
  const read = { named: { "file": "storage-pool/b.img", "chunk-size": 6 }, flags: ["as-value"] };
  assert.deepEqual(objectOf(call(box, "file/read", read).value), { data: "blocks" });
  assert.equal(diskIn(box, "b")?.["size"], 1024);
  assert.equal(
    failure(box, "disk/copy", { named: { src: "b", dst: "a" } }),
    "value of size out of range",
  );
});

Deno.test("ten thousand disks are found and listed at once", async () => {
  await using box = await aBox();
  for (let number = 0; number < 10_000; number++) addDisk(box, `v-${number}`, { "file-size": 512 });
  const started = performance.now();
  const { value } = call(box, "disk/print", { flags: ["detail", "as-value"] });
  assert.equal(itemsOf(value).length, 10_012);
  assert.equal(
    itemsOf(call(box, "disk/find", { where: whereIs("slot", "v-9999") }).value).length,
    1,
  );
  assert.ok(performance.now() - started < 5000);
});
