/** A test that is killed in the middle leaves nothing on the machine. */
import assert from "node:assert/strict";
import { hostTest, whyNotHere } from "./machine.ts";
import { remainsBelow } from "../../tools/trial/remains.ts";
import { Workplace } from "./workplace.ts";
import { run } from "./nvme_host/loop_node.ts";

const SOON_MS = 30_000;
const POLL_MS = 50;

/** What the killed one does: a loop device with a mounted file system, and a process beside it. */
async function leave(): Promise<void> {
  const workplace = await Workplace.open();
  const { directory } = workplace;
  await run("truncate", "--size=64M", `${directory}/disk`);
  const device = (await run("losetup", "--find", "--show", `${directory}/disk`)).trim();
  await run("mkfs.ext4", "-q", device);
  await Deno.mkdir(`${directory}/mount`);
  await run("mount", device, `${directory}/mount`);
  const args = ["--foreground", "60", "tail", "-f", "/dev/null"];
  const cwd = `${directory}/mount`;
  workplace.owns(new Deno.Command("timeout", { args, cwd, stdin: "null" }).spawn().pid);
  await Deno.stdout.write(new TextEncoder().encode(`${directory}\n`));
  await new Promise(() => setInterval(() => {}, SOON_MS));
}

if (import.meta.main && Deno.args[0] === "leave" && whyNotHere() === undefined) await leave();

for (const signal of ["SIGKILL", "SIGINT", "SIGTERM"] as const) {
  hostTest(`a test that ends by ${signal} leaves nothing on the machine`, async () => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", new URL(import.meta.url).pathname, "leave"],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const directory = new TextDecoder().decode((await reader.read()).value).trim();
    assert.equal(remainsBelow(directory).mounts.length, 1);
    child.kill(signal);
    await child.status;
    await reader.cancel();
    const endMs = performance.now() + SOON_MS;
    while (await exists(directory)) {
      assert.ok(performance.now() < endMs, `${directory} is still there`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    assert.deepEqual(remainsBelow(directory), { mounts: [], loops: [] });
  });
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
