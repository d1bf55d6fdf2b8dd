import assert from "node:assert/strict";
import { WORDINGS } from "../../../../src/simulator/box/wordings.ts";
import {
  aBox,
  call,
  contentsOf,
  failure,
  freeBytes,
  hasFile,
  itemsOf,
  objectOf,
  whereIs,
} from "../box/console.ts";

Deno.test("file names have no leading slash, also when typed with one", async () => {
  await using box = await aBox();
  call(box, "file/add", { named: { name: "/storage-pool/a.txt" } });
  assert.equal(hasFile(box, "storage-pool/a.txt"), true);
  assert.equal(hasFile(box, "/storage-pool/a.txt"), false);
});

Deno.test("detail of a file is unquoted, with type in two words and a human size", async () => {
  await using box = await aBox();
  call(box, "disk/add", {
    named: { "type": "file", "file-path": "storage-pool/x.img", "file-size": "10G" },
  });
  const { output } = call(box, "file/print", {
    flags: ["detail"],
    width: 120,
    where: whereIs("name", "storage-pool/x.img"),
  });
  assert.equal(
    output,
    "13 name=storage-pool/x.img type=.img file size=10.0GiB last-modified=2026-11-11 14:32:41\n \n",
  );
});

Deno.test("as-value of files has the raw size; directories and mounts have none", async () => {
  await using box = await aBox();
  const rows = itemsOf(call(box, "file/print", { flags: ["as-value"] }).value).map(objectOf);
  const named = (name: string): Record<string, unknown> | undefined =>
    rows.find((row) => row["name"] === name);
  assert.equal(named("usb1/config.rsc")?.["size"], 42);
  assert.equal(named("usb1/config.rsc")?.["type"], ".rsc file");
  assert.equal(named("storage-pool")?.["type"], "disk");
  assert.equal(named("storage-pool/nixos")?.["type"], "directory");
  assert.equal("size" in (named("storage-pool/nixos") ?? {}), false);
});

Deno.test("path= lists one directory, recursive what is below it", async () => {
  await using box = await aBox();
  const count = (path: string, flags: string[] = []): unknown =>
    call(box, "file/print", { named: { path }, flags: ["count-only", ...flags] }).value;
  assert.equal(count("storage-pool"), 3);
  assert.equal(count("storage-pool", ["recursive"]), 8);
  assert.equal(count("/storage-pool/nixos"), 2);
  assert.equal(count("storage-pool/nix"), 0);
});

Deno.test("read gives a chunk as one character per byte, at most 32768", async () => {
  await using box = await aBox();
  call(box, "file/add", { named: { name: "storage-pool/b", contents: "0123\xff89" } });
  assert.equal(contentsOf(box, "storage-pool/b", 2, 3), "23\xff");
  assert.equal(contentsOf(box, "storage-pool/b", 99, 3), "");
  const tooLong = { named: { "file": "storage-pool/b", "chunk-size": 32769 } };
  assert.equal(failure(box, "file/read", tooLong), "value of chunk-size out of range (1..32768)");
  assert.equal(failure(box, "file/read", { named: { file: "storage-pool/no" } }), "no such item");
});

Deno.test("contents are taken up to 60 KiB, read back by get, replaced by set", async () => {
  await using box = await aBox();
  call(box, "file/add", { named: { name: "storage-pool/c.txt", contents: "old" } });
  call(box, "file/set", { named: { numbers: "storage-pool/c.txt", contents: "new text" } });
  const get = { unnamed: ["storage-pool/c.txt", "contents"] };
  assert.equal(call(box, "file/get", get).value, "new text");
  const big = { named: { name: "storage-pool/d", contents: "x".repeat(61441) } };
  assert.equal(failure(box, "file/add", big), WORDINGS.plain.contentsTooLong);
});

Deno.test("a file needs its directory, which is made by type=directory", async () => {
  await using box = await aBox();
  const file = { named: { name: "storage-pool/k8s/a" } };
  assert.equal(failure(box, "file/add", file), WORDINGS.plain.directoryMissing);
  call(box, "file/add", { named: { name: "storage-pool/k8s", type: "directory" } });
  call(box, "file/add", file);
  assert.equal(failure(box, "file/add", file), WORDINGS.plain.fileExists);
});

Deno.test("names cannot leave the data directory by any command", async () => {
  await using box = await aBox();
  const bad = "../outside";
  const refused = "invalid value for argument name";
  assert.equal(failure(box, "file/add", { named: { name: bad } }), refused);
  const rename = { named: { numbers: "usb1/config.rsc", name: bad } };
  assert.equal(failure(box, "file/set", rename), refused);
  const copy = { named: { number: "usb1/config.rsc", name: `usb1/${bad}` } };
  assert.equal(failure(box, "file/copy", copy), refused);
  assert.equal(
    failure(box, "disk/btrfs/subvolume/add", { named: { fs: "storage-pool", name: bad } }),
    refused,
  );
});

Deno.test("copy clones files and directories; by reflink it takes no space", async () => {
  for (const fileCopy of ["reflink", "full"] as const) {
    await using box = await aBox({ fileCopy });
    call(box, "file/add", { named: { name: "storage-pool/d", type: "directory" } });
    call(box, "file/add", { named: { name: "storage-pool/d/f", contents: "12345" } });
    const before = freeBytes(box);
    call(box, "file/copy", { unnamed: ["storage-pool/d"], named: { name: "storage-pool/e" } });
    assert.equal(contentsOf(box, "storage-pool/e/f"), "12345");
    assert.equal(before - freeBytes(box), fileCopy === "full" ? 5 : 0);
  }
});

Deno.test("remove of a directory removes what is in it", async () => {
  await using box = await aBox();
  call(box, "file/add", { named: { name: "storage-pool/d", type: "directory" } });
  call(box, "file/add", { named: { name: "storage-pool/d/f", contents: "12345" } });
  call(box, "file/add", { named: { name: "storage-pool/d2", contents: "stays" } });
  call(box, "file/remove", { unnamed: ["storage-pool/d"] });
  assert.equal(hasFile(box, "storage-pool/d/f"), false);
  assert.equal(hasFile(box, "storage-pool/d2"), true);
  assert.equal(failure(box, "file/remove", { unnamed: ["storage-pool"] }), "can not do that");
});

Deno.test("get knows every item that find gives, mounts included", async () => {
  await using box = await aBox();
  const ids = itemsOf(call(box, "file/find").value);
  const names = ids.map((id) => call(box, "file/get", { unnamed: [id, "name"] }).value);
  assert.ok(names.includes("storage-pool"), names.join());
});
