/** Loop devices of this machine and shared blocks; needs root, is skipped without. */
import assert from "node:assert/strict";
import { DirectoryFiles } from "../../../src/simulator/box/directory_files.ts";
import { SystemLoopDevices } from "../../../src/simulator/nvmet/loop_devices.ts";
import { runTool } from "../../../src/simulator/nvmet/tool.ts";

const MIB = 2 ** 20;

/** Root alone is not enough: a container may have no loop devices. */
const HAS_LOOP_DEVICES = await canUseLoopDevices();

async function canUseLoopDevices(): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  try {
    await runTool("losetup", ["--find"]);
    return true;
  } catch {
    return false;
  }
}

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "rds-loop-" }));
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: "a loop device has sectors of 512 bytes, follows its file's size and name, and goes",
  ignore: !HAS_LOOP_DEVICES,
  fn: () =>
    inDirectory(async (directory) => {
      const loops = new SystemLoopDevices();
      const file = `${directory}/a b.img`;
      await Deno.writeFile(file, new Uint8Array(2 * MIB));
      const device = await loops.attach(file, MIB);
      try {
        assert.equal(device.backingPath, file);
        assert.deepEqual(
          [device.offsetBytes, device.sizeBytes, device.sectorBytes],
          [MIB, MIB, 512],
        );
        await Deno.truncate(file, 4 * MIB);
        await loops.resize(device.path);
        await Deno.rename(file, `${directory}/b.img`);
        const found = (await loops.list()).find(({ path }) => path === device.path);
        assert.deepEqual([found?.sizeBytes, found?.backingPath], [3 * MIB, `${directory}/b.img`]);
      } finally {
        await loops.detach(device.path);
      }
      assert.ok(!(await loops.list()).some(({ path }) => path === device.path));
      await loops.detach(device.path);
    }),
});

Deno.test({
  name: "a file that is not there is refused with the words of losetup",
  ignore: !HAS_LOOP_DEVICES,
  fn: () =>
    inDirectory((directory) =>
      assert.rejects(new SystemLoopDevices().attach(`${directory}/none`, 0), /No such file/)
    ),
});

for (const [fileSystem, shares] of [["btrfs", true], ["ext4", false]] as const) {
  Deno.test({
    name: `on ${fileSystem} a reflink copy ${shares ? "takes no space" : "is a full copy"}`,
    ignore: !HAS_LOOP_DEVICES,
    fn: () =>
      inDirectory(async (directory) => {
        const image = `${directory}/image`;
        const mount = `${directory}/mount`;
        await Deno.mkdir(mount);
        await Deno.writeFile(image, new Uint8Array(0));
        await Deno.truncate(image, 256 * MIB);
        await runTool(`mkfs.${fileSystem}`, ["-q", image]);
        await runTool("mount", ["-o", "loop", image, mount]);
        try {
          const files = new DirectoryFiles(mount);
          const bytes = crypto.getRandomValues(new Uint8Array(65536));
          files.create("a", 32 * MIB);
          for (let at = 0; at < 32 * MIB; at += bytes.length) files.write("a", at, bytes);
          const before = await usedBytes(mount);
          files.copy("a", "b", "reflink");
          files.copy("a", "c", "reflink");
          const taken = await usedBytes(mount) - before;
          assert.ok(shares ? taken < 4 * MIB : taken > 56 * MIB, String(taken));
          assert.deepEqual(files.read("c", 31 * MIB, 65536), bytes);
        } finally {
          await runTool("umount", [mount]);
        }
      }),
  });
}

async function usedBytes(mount: string): Promise<number> {
  await runTool("sync", ["--file-system", mount]);
  const text = await runTool("df", ["--block-size=1", "--output=used", mount]);
  return Number(text.split("\n").at(-1));
}
