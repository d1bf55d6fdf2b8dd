/** Kernel calls through real workers of the real program. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openChildren } from "../../../src/adapters/children/children.ts";
import type { Children } from "../../../src/adapters/children/children.ts";
import { act } from "../../../src/adapters/children/kernel_actions.ts";
import { LibC } from "../../../src/adapters/children/libc.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import type { DeviceNumber } from "../../../src/domain/block_device.ts";
import type { KernelCall, KernelCallKind, KernelResult } from "../../../src/ports/kernel_calls.ts";
import { checkoutProgram } from "../../../tools/trial/processes.ts";
import { openLoopDevice, tool, whyNoLoopDevices } from "./loop_device.ts";
import type { LoopDevice } from "./loop_device.ts";

const FOREVER = new AbortController().signal;
const MIB = 1024 ** 2;
const OPTIONS = { deadlineMs: 20_000, subject: "7:0" };

function open(): Children {
  return openChildren(systemClock, checkoutProgram());
}

function make<Kind extends KernelCallKind>(
  { kernelCalls }: Children,
  call: KernelCall & { readonly kind: Kind },
): Promise<KernelResult<Kind>> {
  return kernelCalls.call<Kind>(call, OPTIONS, FOREVER);
}

/** The worker processes that this process has. */
function workers(): number[] {
  return childrenOf("self");
}

/** The processes that the threads of a process have started. */
function childrenOf(process: string): number[] {
  return Array.from(Deno.readDirSync(`/proc/${process}/task`)).flatMap(({ name }) => {
    const pids = textOf(`/proc/${process}/task/${name}/children`);
    return pids.split(" ").filter((pid) => pid !== "").map(Number);
  });
}

/** Empty when it is gone: a thread of the runtime can end at any moment. */
function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

Deno.test("write-file writes a text in one piece, and names the kernel's error", async () => {
  await using children = open();
  const path = await Deno.makeTempFile();
  const written = await make(children, { kind: "write-file", path, text: "1" });
  assert.deepEqual(written, { isOk: true, answer: null });
  assert.equal(await Deno.readTextFile(path), "1");
  await Deno.remove(path);
  const missing = await make(children, { kind: "write-file", path, text: "1" });
  assert.deepEqual(missing, { isOk: false, errno: "ENOENT" });
  const directory = await make(children, { kind: "write-file", path: "/tmp", text: "1" });
  assert.deepEqual(directory, { isOk: false, errno: "EISDIR" });
});

Deno.test("write-file writes only where the files beside it say what they have to", async () => {
  await using children = open();
  const directory = await Deno.makeTempDir();
  const path = `${directory}/delete`;
  await Deno.writeTextFile(path, "");
  await Deno.writeTextFile(`${directory}/owner`, "one\n");
  const call = { kind: "write-file", path, text: "1" } as const;
  const foreign = await make(children, { ...call, beside: { owner: "two" } });
  assert.deepEqual(foreign, { isOk: false, errno: "ENODEV" });
  assert.equal(await Deno.readTextFile(path), "");
  const ours = await make(children, { ...call, beside: { owner: "one" } });
  assert.deepEqual(ours, { isOk: true, answer: null });
  assert.equal(await Deno.readTextFile(path), "1");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("measure-file-system says what stat --file-system says", async () => {
  await using children = open();
  const said = await tool("stat", "--file-system", "--format=%t %S %b %c", "/");
  const [type = "", ...numbers] = said.split(" ");
  const measured = await make(children, { kind: "measure-file-system", path: "/" });
  assert.ok(measured.isOk);
  const { answer } = measured;
  assert.equal(answer.type, Number.parseInt(type, 16));
  assert.deepEqual([answer.blockBytes, answer.blocks, answer.inodes], numbers.map(Number));
  assert.ok(answer.freeBlocks >= answer.availableBlocks && answer.availableBlocks > 0);
  assert.ok(answer.freeInodes > 0 && answer.freeInodes < answer.inodes);
});

Deno.test("a thousand calls are made by one worker", async () => {
  await using children = open();
  await make(children, { kind: "measure-file-system", path: "/" });
  const before = workers();
  assert.equal(before.length, 1);
  for (let call = 1; call < 1000; call++) {
    await make(children, { kind: "measure-file-system", path: "/" });
  }
  assert.deepEqual(workers(), before);
});

Deno.test("connect-nvme writes the options and reads the reply by the same descriptor", async () => {
  await using stack = new AsyncDisposableStack();
  // Opened for both, a FIFO gives back what was written to it.
  const path = await aFifo(stack);
  using libc = new LibC();
  const options = "transport=tcp,traddr=10.0.0.5";
  assert.equal(act(libc, { kind: "connect-nvme", options }, path), options);
  const missing = `${path}.none`;
  assert.throws(() => act(libc, { kind: "connect-nvme", options }, missing), { errno: "ENOENT" });
});

/** A file that nothing reads: who opens it for writing waits. */
async function aFifo(stack: AsyncDisposableStack): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-fifo-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const path = join(directory, "fifo");
  await tool("mkfifo", path);
  return path;
}

Deno.test("a call that does not return in time fails, its worker is killed, others go on", async () => {
  await using stack = new AsyncDisposableStack();
  const children = stack.use(open());
  const path = await aFifo(stack);
  await make(children, { kind: "measure-file-system", path: "/" });
  const hanging = children.kernelCalls.call(
    { kind: "write-file", path, text: "1" },
    { deadlineMs: 300, subject: "259:3" },
    FOREVER,
  );
  const [, measured] = await Promise.all([
    assert.rejects(hanging, {
      code: "unavailable",
      message: "Cannot run write-file for 259:3: it did not return in 0.3 s and was killed",
    }),
    make(children, { kind: "measure-file-system", path: "/" }),
  ]);
  assert.ok(measured.isOk);
  assert.deepEqual(children.programs.stuck(), []);
  assert.equal((workers()).length, 1);
});

Deno.test("a caller that gives up has its worker killed, and gets its own reason", async () => {
  await using stack = new AsyncDisposableStack();
  const children = stack.use(open());
  await make(children, { kind: "measure-file-system", path: "/" });
  assert.equal(workers().length, 1);
  const caller = new AbortController();
  const call = { kind: "write-file", path: await aFifo(stack), text: "1" } as const;
  const hanging = children.kernelCalls.call(call, OPTIONS, caller.signal);
  caller.abort(new Error("the call was cancelled"));
  await assert.rejects(hanging, /the call was cancelled/);
  assert.deepEqual(workers(), []);
});

Deno.test("a worker that was killed while idle is replaced", async () => {
  await using children = open();
  await make(children, { kind: "measure-file-system", path: "/" });
  const [pid = 0] = workers();
  Deno.kill(pid, "SIGKILL");
  for (let pids = workers(); pids.length > 0; pids = workers()) {
    await systemClock.sleep(5, AbortSignal.timeout(20_000));
  }
  assert.ok((await make(children, { kind: "measure-file-system", path: "/" })).isOk);
});

Deno.test("workers end when the process that started them is killed", async () => {
  const children = new URL("../../../src/adapters/children/children.ts", import.meta.url).href;
  const clock = new URL("../../../src/adapters/system/clock.ts", import.meta.url).href;
  const code = `
    const { openChildren } = await import(${JSON.stringify(children)});
    const { systemClock } = await import(${JSON.stringify(clock)});
    const { kernelCalls } = openChildren(systemClock, ${JSON.stringify(checkoutProgram())});
    const call = { kind: "measure-file-system", path: "/" };
    const options = { deadlineMs: 20_000, subject: "7:0" };
    await kernelCalls.call(call, options, new AbortController().signal);
    console.log("called");
    await new Promise(() => setInterval(() => {}, 1000));
  `;
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = parent.stdout.getReader();
  const { value } = await reader.read();
  assert.equal(new TextDecoder().decode(value), "called\n");
  const [pid = 0] = childrenOf(`${parent.pid}`);
  assert.ok(pid > 0);
  parent.kill("SIGKILL");
  await parent.status;
  await reader.cancel();
  const isThere = (): boolean => {
    try {
      return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
    } catch {
      return false;
    }
  };
  const signal = AbortSignal.timeout(10_000);
  while (isThere()) await systemClock.sleep(5, signal);
});

const reason = whyNoLoopDevices();

/** A test over a loop device of 8 MiB and 512 bytes. */
function testDevice(
  name: string,
  check: (
    children: Children,
    device: LoopDevice & { readonly number: DeviceNumber },
  ) => Promise<void>,
): void {
  Deno.test({
    name: reason === undefined ? name : `${name} (not here: ${reason})`,
    ignore: reason !== undefined,
    fn: async () => {
      await using device = await openLoopDevice(8 * MIB + 512);
      await using children = open();
      await check(children, device as LoopDevice & { readonly number: DeviceNumber });
    },
  });
}

testDevice("open-exclusively succeeds on a device that nothing has", async (children, device) => {
  const opened = await make(children, { kind: "open-exclusively", ...device });
  assert.deepEqual(opened, { isOk: true, answer: null });
});

testDevice("open-exclusively says EBUSY while it is mounted", async (children, device) => {
  await tool("mkfs.ext4", "-q", device.path);
  const mounted = join(device.directory, "mounted");
  await Deno.mkdir(mounted);
  await tool("mount", device.path, mounted);
  try {
    const opened = await make(children, { kind: "open-exclusively", ...device });
    assert.deepEqual(opened, { isOk: false, errno: "EBUSY" });
  } finally {
    await tool("umount", mounted);
  }
  assert.ok((await make(children, { kind: "open-exclusively", ...device })).isOk);
});

testDevice(
  "find-openers finds who has the device open by another path, also in another mount namespace",
  async (children, device) => {
    const [major = "", minor = ""] = device.number.split(":");
    const node = join(device.directory, "node");
    await tool("mknod", node, "b", major, minor);
    const script = `exec 3${"<>"}"${node}" && umount /mnt && rm "${node}" && echo open && read _`;
    const args = ["--mount", "bash", "-c", `mount -t tmpfs none /mnt && ${script}`];
    const program = new Deno.Command("unshare", { args, stdin: "piped", stdout: "piped" }).spawn();
    const output = program.stdout.getReader();
    await output.read();
    const call = { kind: "find-openers", numbers: [device.number] } as const;
    try {
      assert.ok((await make(children, { kind: "open-exclusively", ...device })).isOk);
      const answer = [{ pid: program.pid, name: "bash", canWrite: true }];
      assert.deepEqual(await make(children, call), { isOk: true, answer });
    } finally {
      await program.stdin.close();
      await program.status;
      await output.cancel();
    }
    assert.deepEqual(await make(children, call), { isOk: true, answer: [] });
    using _reader = await Deno.open(device.path);
    const answer = [{ pid: Deno.pid, name: "deno", canWrite: false }];
    assert.deepEqual(await make(children, call), { isOk: true, answer });
  },
);

testDevice("find-openers finds a loop device over the device", async (children, device) => {
  const above = await tool("losetup", "--find", "--show", "--read-only", device.path);
  try {
    assert.ok((await make(children, { kind: "open-exclusively", ...device })).isOk);
    const call = { kind: "find-openers", numbers: [device.number] } as const;
    const answer = [{ name: above.replace("/dev/", ""), canWrite: false }];
    assert.deepEqual(await make(children, call), { isOk: true, answer });
  } finally {
    await tool("losetup", "--detach", above);
  }
});

testDevice("a path that is another device, or none, says ENXIO", async (children, device) => {
  const other = { path: device.path, number: "7:1048575" as DeviceNumber };
  const paths = [other, { path: device.file, number: device.number }, {
    path: "/dev/null",
    number: "1:3" as DeviceNumber,
  }];
  for (const place of paths) {
    const opened = await make(children, { kind: "open-exclusively", ...place });
    assert.deepEqual(opened, { isOk: false, errno: "ENXIO" }, place.path);
    const read = await make(children, { kind: "read-device", ...place, windows: [] });
    assert.deepEqual(read, { isOk: false, errno: "ENXIO" }, place.path);
  }
});

testDevice(
  "read-device reads bytes, and tells zeros, past the page cache",
  async (children, device) => {
    const text = "superblock";
    using file = await Deno.open(device.file, { write: true });
    await file.seek(3 * MIB, Deno.SeekMode.Start);
    await file.write(new TextEncoder().encode(text));
    await file.sync();
    const read = await make(children, {
      kind: "read-device",
      ...device,
      windows: [
        { offset: 0, length: 3 * MIB, want: "is-zero" },
        { offset: 2 * MIB, length: 2 * MIB, want: "is-zero" },
        { offset: 3 * MIB, length: 4096, want: "bytes" },
        { offset: 8 * MIB, length: 512, want: "bytes" },
      ],
    });
    assert.ok(read.isOk);
    const [zeros, data, bytes, end] = read.answer;
    assert.deepEqual([zeros, data, end], [{ isZero: true }, { isZero: false }, { isZero: true }]);
    assert.equal(bytes?.isZero, false);
    const block = Uint8Array.fromBase64(bytes.base64 ?? "");
    assert.equal(block.length, 4096);
    assert.equal(new TextDecoder().decode(block.subarray(0, text.length)), text);
  },
);

testDevice(
  "read-device fails as a whole when a window goes beyond the end",
  async (children, device) => {
    const read = await make(children, {
      kind: "read-device",
      ...device,
      windows: [
        { offset: 0, length: 4096, want: "is-zero" },
        { offset: 8 * MIB, length: 4096, want: "is-zero" },
      ],
    });
    assert.deepEqual(read, { isOk: false, errno: "EIO" });
  },
);
