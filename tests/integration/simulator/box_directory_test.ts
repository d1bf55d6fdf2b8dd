/** The box in a real directory: what survives, what is refused, what other tools can read. */
import assert from "node:assert/strict";
import { type Box, openBox } from "../../../src/simulator/box/box.ts";
import { readExports } from "../../../src/simulator/box/export_list.ts";
import type { BoxOptions } from "../../../src/simulator/box/options.ts";
import { WORDINGS } from "../../../src/simulator/box/wordings.ts";
import { RouterOsError } from "../../../src/simulator/menu.ts";
import {
  addDisk,
  call,
  contentsOf,
  diskIn,
  freeBytes,
  hasFile,
} from "../../unit/simulator/box/console.ts";

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "rds-simulator-" });
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function open(directory: string, options: BoxOptions = {}): Promise<Box> {
  return openBox({ directory, ...options });
}

/** The names of the files in a directory. */
async function namesIn(directory: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(directory)) names.push(name);
  return names;
}

/** Writes into a file without cutting it, as a host does through an export. */
async function writeInto(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(offset, Deno.SeekMode.Start);
  await file.write(bytes);
}

/** Everything a client could see, for comparing before and after. */
function everything(box: Box): string {
  return ["disk/print", "file/print", "disk/btrfs/subvolume/print"]
    .map((path) => call(box, path, { flags: ["detail"], width: 1000 }).output).join("\n");
}

Deno.test("a box survives a restart: items, files, settings, free space, violations", async () => {
  await inDirectory(async (directory) => {
    let before = "";
    {
      await using box = await open(directory);
      addDisk(box, "a", { "nvme-tcp-export": true, "comment": "of a" });
      addDisk(box, "b", { "copy-from": "a", "nvme-tcp-server-nqn": "nqn.2024-01.io.test:b" });
      addDisk(box, "c");
      call(box, "file/remove", { unnamed: ["storage-pool/c.img"] });
      call(box, "disk/btrfs/subvolume/add", { named: { fs: "storage-pool", name: "vol" } });
      call(box, "system/identity/set", { named: { name: "kept" } });
      before = everything(box);
    }
    await using box = await open(directory);
    assert.equal(everything(box), before);
    assert.equal(call(box, "system/identity/get", { unnamed: ["name"] }).value, "kept");
    assert.deepEqual(box.violations().map(({ kind }) => kind), ["file-removed-in-use"]);
  });
});

Deno.test("a box that was killed has lost nothing but a torn last line", async () => {
  await inDirectory(async (directory) => {
    let before = "";
    {
      await using box = await open(directory);
      addDisk(box, "a");
      before = everything(box);
    }
    const journal = (await namesIn(directory)).find((name) => name.startsWith("journal"));
    await Deno.writeTextFile(`${directory}/${journal}`, '["disk","*FF",{"id":"*F', {
      append: true,
    });
    await using box = await open(directory);
    assert.equal(everything(box), before);
  });
});

/** A file system of a few hundred kilobytes; undefined where the tests may not mount one. */
async function smallFileSystem(directory: string): Promise<AsyncDisposable | undefined> {
  const mount = new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", "size=512k", "tmpfs", directory],
    stdout: "null",
    stderr: "null",
  });
  if (!(await mount.output()).success) return undefined;
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      await new Deno.Command("umount", { args: ["--lazy", directory] }).output();
    },
  };
}

/** Adds disks until the host's disk is full; gives what the box then said. */
function fillHost(box: Box): { readonly added: number; readonly said: string } {
  for (let number = 0;; number++) {
    try {
      addDisk(box, `fill${number}`);
    } catch (error) {
      return { added: number, said: error instanceof RouterOsError ? error.text : String(error) };
    }
  }
}

Deno.test("on a full host disk a box refuses for want of space, and loses nothing", async (context) => {
  await inDirectory(async (directory) => {
    await using mounted = await smallFileSystem(directory);
    if (mounted === undefined) {
      await context.step({
        name: "no right to mount a file system here",
        ignore: true,
        fn: (): void => {},
      });
      return;
    }
    await Deno.writeFile(`${directory}/ballast`, new Uint8Array(256 * 1024));
    let before = "";
    {
      await using box = await open(`${directory}/box`);
      const { added, said } = fillHost(box);
      assert.equal(said, WORDINGS.plain.noSpace);
      assert.equal(diskIn(box, `fill${added}`), undefined);
      assert.equal(fillHost(box).added, 0, "a second time it is as full");
      before = call(box, "disk/print", { flags: ["terse"] }).output;
    }
    await Deno.remove(`${directory}/ballast`);
    await using box = await open(`${directory}/box`);
    assert.equal(call(box, "disk/print", { flags: ["terse"] }).output, before);
    addDisk(box, "more");
  });
});

Deno.test("the journal is folded into the state and does not grow without bound", async () => {
  await inDirectory(async (directory) => {
    {
      await using box = await open(directory);
      addDisk(box, "a");
      for (let number = 0; number < 5000; number++) {
        call(box, "disk/comment", { unnamed: ["a"], named: { comment: `change ${number}` } });
      }
    }
    const journals = (await namesIn(directory)).filter((name) => /^journal/.test(name));
    assert.equal(journals.length, 1);
    const text = await Deno.readTextFile(`${directory}/${journals[0]}`);
    assert.ok(text.split("\n").length < 2500);
    await using box = await open(directory);
    assert.equal(diskIn(box, "a")?.["comment"], "change 4999");
  });
});

Deno.test("a directory with other files, a second simulator and another schema are refused", async () => {
  await inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/precious.txt`, "mine");
    await assert.rejects(open(directory), /it has files and no rds-simulator.json/);
    assert.deepEqual(await namesIn(directory), ["precious.txt"]);
  });
  await inDirectory(async (directory) => {
    {
      await using _box = await open(directory);
      await assert.rejects(open(directory), /another simulator has it open/);
    }
    await Deno.writeTextFile(`${directory}/rds-simulator.json`, '{"schema":99}');
    await assert.rejects(open(directory), /schema 99, not 1/);
  });
});

Deno.test("readExports() gives NQN, port and the real file, while the box runs", async () => {
  await inDirectory(async (directory) => {
    await using box = await open(directory);
    addDisk(box, "a", {
      "nvme-tcp-export": true,
      "nvme-tcp-server-port": 4421,
      "nvme-tcp-server-nqn": "nqn.2024-01.io.test:a",
    });
    const entries = await readExports(directory);
    assert.deepEqual(entries, box.exports());
    const entry = entries.find(({ slot }) => slot === "a");
    assert.equal(entry?.nqn, "nqn.2024-01.io.test:a");
    assert.equal(entry?.port, 4421);
    assert.equal(entry?.sizeBytes, 1024 ** 3);
    assert.equal((await Deno.stat(entry?.backingPath ?? "")).size, 1024 ** 3);
    assert.match(entry?.serial ?? "", /^[0-9a-f]{16}$/);
    call(box, "disk/set", { unnamed: ["a"], named: { "nvme-tcp-export": false } });
    assert.ok(!(await readExports(directory)).some(({ slot }) => slot === "a"));
  });
});

Deno.test("backing files are sparse, and what a host writes into them is the disk's data", async () => {
  await inDirectory(async (directory) => {
    await using box = await open(directory);
    addDisk(box, "a", { "nvme-tcp-export": true, "file-size": "100G" });
    const path = box.exports().find(({ slot }) => slot === "a")?.backingPath ?? "";
    assert.ok(((await Deno.stat(path)).blocks ?? Infinity) < 100);
    await writeInto(path, 1080, new Uint8Array([0x53, 0xef]));
    call(box, "disk/set", { unnamed: ["a"], named: { "mount-filesystem": true } });
    assert.deepEqual(box.violations().map(({ kind }) => kind), ["guest-file-system-mounted"]);
  });
});

for (
  const copyFrom of ["independent-cow", "independent-full", "property-only", "shared"] as const
) {
  Deno.test(`copy-from in mode ${copyFrom} works on real files`, async () => {
    await inDirectory(async (directory) => {
      await using box = await open(directory, { copyFrom });
      call(box, "file/add", { named: { name: "storage-pool/a.img", contents: "real bytes" } });
      addDisk(box, "a", { "file-size": "1G" });
      call(box, "disk/add", {
        named: { "copy-from": "a", "slot": "b", "file-path": "storage-pool/b.img" },
      });
      const read = (): string => contentsOf(box, "storage-pool/b.img", 0, 4);
      assert.equal(read(), copyFrom === "property-only" ? "\0\0\0\0" : "real");
      const path = `${directory}/files/storage-pool/a.img`;
      await writeInto(path, 0, new TextEncoder().encode("CHANGED"));
      if (copyFrom === "shared") assert.equal(read(), "CHAN");
      else assert.notEqual(read(), "CHAN");
      const copied = await Deno.stat(`${directory}/files/storage-pool/b.img`);
      assert.ok((copied.blocks ?? Infinity) < 1000, "holes stay holes");
    });
  });
}

Deno.test("files without a record and records without a file are put right at the start", async () => {
  await inDirectory(async (directory) => {
    let before = 0;
    {
      await using box = await open(directory);
      addDisk(box, "a");
      before = freeBytes(box);
    }
    const pool = `${directory}/files/storage-pool`;
    await Deno.writeFile(`${pool}/orphan.img`, new Uint8Array(4096));
    await Deno.remove(`${pool}/a.img`);
    await using box = await open(directory);
    assert.equal(hasFile(box, "storage-pool/orphan.img"), true);
    assert.equal(hasFile(box, "storage-pool/a.img"), false);
    assert.equal(diskIn(box, "a")?.["empty"], true);
    assert.equal(freeBytes(box), before + 1024 ** 3 - 4096);
  });
});

Deno.test("a change costs the same in a box of many disks: no rewriting of the state", async () => {
  await inDirectory(async (directory) => {
    await using box = await open(directory);
    for (let number = 0; number < 1000; number++) addDisk(box, `v-${number}`, { "file-size": 512 });
    const started = performance.now();
    for (let number = 0; number < 300; number++) {
      call(box, "disk/comment", { unnamed: ["v-7"], named: { comment: `${number}` } });
    }
    assert.ok(performance.now() - started < 3000);
  });
});
