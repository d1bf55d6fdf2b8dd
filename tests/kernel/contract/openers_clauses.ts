/** Programs that have a device open without holding it: nothing but their descriptors shows them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertFails, connectDisk, FOREVER } from "../../contract/node_harness.ts";
import { run } from "./commands.ts";
import { openKernelNode } from "./kernel_node.ts";
import type { KernelNode } from "./kernel_node.ts";

const SUITE = "NvmeHost over this kernel";
/** Opens a node of its own of the device, in a mount namespace of its own, and says so. */
const HIDDEN =
  'mount -t tmpfs none "$1" && mknod "$1/disk" b $2 $3 && exec 3<>"$1/disk" && echo open && read _';
const READER = 'exec dd "if=$1" of=/dev/null iflag=direct bs=4096 count=1 status=none';

Deno.test(`${SUITE}: disconnect() names a program that has the device open elsewhere`, async () => {
  await using node = await openKernelNode();
  const { nqn, device } = await connectDisk(node);
  await node.makeDirectory(join(node.directory, "theirs"));
  const program = await openHidden(node, device.number);
  await assert.rejects(node.host.disconnect(nqn, FOREVER), {
    code: "in-use",
    message: new RegExp(`is held: process ${program.pid} \\(bash\\) has it open$`),
  });
  assert.deepEqual(await node.host.find(nqn, FOREVER), device);
  await program.stdin.close();
  await program.status;
  await node.host.disconnect(nqn, FOREVER);
  assert.deepEqual(await node.host.sessions(FOREVER), []);
});

Deno.test(`${SUITE}: disconnect() names a loop device over the device`, async () => {
  await using node = await openKernelNode();
  const { nqn, device } = await connectDisk(node);
  const loop = await run("losetup", "--find", "--show", device.path);
  try {
    await assert.rejects(node.host.disconnect(nqn, FOREVER), {
      code: "in-use",
      message: new RegExp(`is held: device ${loop.replace("/dev/", "")} has it open$`),
    });
    assert.deepEqual(await node.host.find(nqn, FOREVER), device);
  } finally {
    await run("losetup", "--detach", loop);
  }
});

Deno.test(`${SUITE}: without a connection a writer keeps the device, a stuck reader does not`, async () => {
  await using node = await openKernelNode();
  const { nqn, device } = await connectDisk(node);
  const writer = await openHidden(node, device.number);
  await node.loseConnection(nqn);
  const reader = new Deno.Command("bash", {
    args: ["-c", READER, "bash", device.path],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  node.owns(reader);
  await assertFails(node.host.disconnect(nqn, FOREVER), "in-use");
  await writer.stdin.close();
  await writer.status;
  await node.host.disconnect(nqn, FOREVER);
  assert.deepEqual(await node.host.sessions(FOREVER), []);
  assert.notEqual((await reader.status).code, 0);
});

async function openHidden(node: KernelNode, number: string): Promise<Deno.ChildProcess> {
  const place = join(node.directory, "theirs");
  await Deno.mkdir(place, { recursive: true });
  const args = ["--mount", "bash", "-c", HIDDEN, "bash", place, ...number.split(":")];
  const options = { args, stdin: "piped", stdout: "piped", stderr: "null" } as const;
  const program = new Deno.Command("unshare", options).spawn();
  const output = program.stdout.getReader();
  const { value } = await output.read();
  assert.equal(new TextDecoder().decode(value), "open\n");
  output.releaseLock();
  node.owns(program);
  return program;
}
