/** The files of a trial file system travel with the bytes of its disk. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openTrialHost } from "../../../src/adapters/trial-host/trial_host.ts";
import { assertFails, DISK_BYTES, FOREVER, mountDisk } from "../../contract/node_harness.ts";
import { namesIn, openTrialNode, writeBytes } from "./trial_node.ts";
import type { TrialNode } from "./trial_node.ts";

/** A copy of a disk as an array makes one, mounted beside its source. */
async function mountCopy(node: TrialNode, path: string, name: string): Promise<string> {
  const target = await node.exportDisk(DISK_BYTES);
  const args = ["--sparse=always", "--", path, node.box.pathOf(target.nqn)];
  await new Deno.Command("cp", { args }).output();
  const device = await node.host.connect(target, FOREVER);
  const copyPath = `${node.directory}/${name}`;
  const request = { device, path: copyPath, fileSystem: "ext4", isReadOnly: false } as const;
  await node.mounter.mount({ ...request, options: [] }, FOREVER);
  return copyPath;
}

Deno.test("a copy of the disk has the files of the last release, whatever happens to the source", async () => {
  await using node = await openTrialNode();
  const { nqn, path } = await mountDisk(node, "source");
  const target = `${node.directory}/pod`;
  await node.mounter.bind(path, target, false, FOREVER);
  await node.writeFile(target, "a.txt", "before");
  await node.mounter.release(target, FOREVER);
  const copy = await mountCopy(node, node.box.pathOf(nqn), "copy");
  await node.writeFile(path, "a.txt", "after");
  assert.equal(await node.readFile(copy, "a.txt"), "before");
  await node.writeFile(copy, "b.txt", "only in the copy");
  assert.equal(await node.readFile(path, "b.txt"), undefined);
});

Deno.test("another node finds the files that this one wrote", async () => {
  await using node = await openTrialNode();
  const { nqn, target, path } = await mountDisk(node, "a");
  await node.writeFile(path, "a.txt", "from the first node");
  await node.mounter.release(path, FOREVER);
  await node.host.disconnect(nqn, FOREVER);
  const second = await openTrialHost(node.box.directory, `${node.stateDirectory}-2`);
  assert.notEqual(second.host.hostId, node.host.hostId);
  const device = await second.host.connect(target, FOREVER);
  const request = { device, path, fileSystem: "ext4", options: [], isReadOnly: false } as const;
  await second.mounter.mount(request, FOREVER);
  assert.equal(await node.readFile(path, "a.txt"), "from the first node");
  await second.mounter.release(path, FOREVER);
});

Deno.test("directories, links, permissions and times are kept", async () => {
  await using node = await openTrialNode();
  const { nqn, path } = await mountDisk(node, "a");
  const deep = join(path, "one", "two");
  await Deno.mkdir(deep, { recursive: true });
  await node.writeFile(deep, "script", "#!/bin/sh");
  await Deno.chmod(join(deep, "script"), 0o750);
  await Deno.utime(join(deep, "script"), new Date(1_000_000_000_000), new Date(1_000_000_000_000));
  await Deno.symlink("two/script", join(path, "one", "link"));
  await Deno.mkdir(join(path, "empty"));
  await Deno.writeFile(join(path, "none"), new Uint8Array());
  const random = crypto.getRandomValues(new Uint8Array(65_536));
  await Deno.writeFile(join(path, "random"), random);
  await node.mounter.release(path, FOREVER);
  const copy = await mountCopy(node, node.box.pathOf(nqn), "copy");
  const script = await Deno.stat(join(copy, "one", "two", "script"));
  assert.equal((script.mode ?? 0) & 0o777, 0o750);
  assert.equal(script.mtime?.getTime(), 1_000_000_000_000);
  assert.equal(await Deno.readLink(join(copy, "one", "link")), "two/script");
  assert.deepEqual(await namesIn(join(copy, "empty")), []);
  assert.equal((await Deno.stat(join(copy, "none"))).size, 0);
  assert.deepEqual(await Deno.readFile(join(copy, "random")), random);
});

Deno.test("many releases with growing and shrinking contents keep the newest", async () => {
  await using node = await openTrialNode();
  const { path } = await mountDisk(node, "a");
  const target = `${node.directory}/pod`;
  for (let round = 0; round < 12; round++) {
    await node.mounter.bind(path, target, false, FOREVER);
    const length = round % 3 === 0 ? 3_000_000 : 1000 * round;
    await node.writeFile(target, "a.txt", String(round).repeat(length));
    await node.mounter.release(target, FOREVER);
  }
  await node.mounter.release(path, FOREVER);
  assert.equal(await node.readFile(path, "a.txt"), undefined);
  const [session] = await node.host.sessions(FOREVER);
  assert(session !== undefined);
  const copy = await mountCopy(node, node.box.pathOf(session.nqn), "copy");
  assert.equal(await node.readFile(copy, "a.txt"), "11".repeat(11_000));
});

Deno.test("a header that was cut off while it was written leaves the contents before it", async () => {
  await using node = await openTrialNode();
  const { nqn, path } = await mountDisk(node, "a");
  const target = `${node.directory}/pod`;
  for (const text of ["first", "second"]) {
    await node.mounter.bind(path, target, false, FOREVER);
    await node.writeFile(target, "a.txt", text);
    await node.mounter.release(target, FOREVER);
  }
  // Formatting wrote generation 1 and the two releases 2 and 3: the third is in the second slot.
  const disk = node.box.pathOf(nqn);
  await writeBytes(disk, 1024 ** 2 + 4096 + 60, Array.from({ length: 4000 }, () => 0));
  const copy = await mountCopy(node, disk, "copy");
  assert.equal(await node.readFile(copy, "a.txt"), "first");
});

Deno.test("files that do not fit are refused at the release, and stay", async () => {
  await using node = await openTrialNode();
  const { path } = await mountDisk(node, "a");
  await Deno.writeFile(join(path, "huge"), new Uint8Array());
  await Deno.truncate(join(path, "huge"), 2 * DISK_BYTES);
  await assertFails(node.mounter.release(path, FOREVER), "out-of-space");
  assert.equal((await Deno.stat(join(path, "huge"))).size, 2 * DISK_BYTES);
  await Deno.remove(join(path, "huge"));
  await node.mounter.release(path, FOREVER);
});
