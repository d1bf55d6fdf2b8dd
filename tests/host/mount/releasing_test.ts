/** Taking mounts away when something is in the way: users, hanging unmounts, other namespaces. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { DeviceNumber } from "../../../src/domain/block_device.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type {
  KernelCall,
  KernelCallKind,
  KernelCallOptions,
  KernelCalls,
  KernelResult,
} from "../../../src/ports/kernel_calls.ts";
import type { Programs } from "../../../src/ports/programs.ts";
import { assertFails, checkDisk, FOREVER, mountDisk } from "../../contract/node_harness.ts";
import { namesIn } from "../../integration/trial-host/trial_node.ts";
import { remainsBelow } from "../../../tools/trial/remains.ts";
import { hostTest } from "../machine.ts";
import { run } from "../nvme_host/loop_node.ts";
import { mountPathsOf, openLinuxNode } from "./linux_node.ts";
import { exchanged } from "./odd_programs.ts";

hostTest("release() names the process that keeps the mount busy, and then succeeds", async () => {
  await using node = await openLinuxNode();
  const { path } = await mountDisk(node, "staging");
  const file = await Deno.open(join(path, "open"), { create: true, write: true });
  await assert.rejects(node.mounter.release(path, FOREVER), (error) => {
    assert(error instanceof StorageError && error.code === "in-use");
    assert.match(error.message, new RegExp(`used by process ${Deno.pid} \\(`));
    return true;
  });
  assert.equal((await node.mounter.look(path, FOREVER)).kind, "mount");
  file.close();
  await node.mounter.release(path, FOREVER);
  assert.deepEqual(await node.mounter.look(path, FOREVER), { kind: "nothing" });
});

hostTest("an xfs that gave up on a living device says so when it is asked, and goes", async () => {
  await using node = await openLinuxNode();
  const fileSystem = "xfs";
  const { device, path } = await mountDisk(node, "staging", { fileSystem });
  await node.writeFile(path, "a.txt", "kept");
  await run("sync", "--file-system", path);
  await run("xfs_io", "-x", "-c", "shutdown", path);
  assert.equal(await node.mounter.works(path, FOREVER), false);
  await assertFails(node.mounter.usage(path, FOREVER), "unavailable");
  await node.mounter.release(path, FOREVER);
  const request = { device, path, fileSystem, options: [], isReadOnly: false } as const;
  await node.mounter.mount(request, FOREVER);
  assert.equal(await node.readFile(path, "a.txt"), "kept");
});

hostTest("release() names a mount below the path", async () => {
  await using node = await openLinuxNode();
  const outer = await mountDisk(node, "staging");
  const inner = await mountDisk(node, "staging/inner");
  await assert.rejects(node.mounter.release(outer.path, FOREVER), (error) => {
    assert(error instanceof StorageError && error.code === "in-use");
    return error.message.includes(inner.path);
  });
  await node.mounter.release(inner.path, FOREVER);
  await node.mounter.release(outer.path, FOREVER);
});

hostTest(
  "an unmount that hangs is pending although the table shows nothing, also after a restart",
  async () => {
    await using node = await openLinuxNode();
    const { nqn, path } = await mountDisk(node, "staging");
    const file = await Deno.open(join(path, "open"), { create: true, write: true });
    const hanging = await node.reopenMounts({
      programs: hangingUnmount(node.children.programs),
      clock: hurriedClock(),
    });
    await assertFails(hanging.mounter.release(path, FOREVER), "unavailable");
    // The mount has left the table and its file system has not let go: all that there is to see.
    const again = await node.reopenMounts({ clock: hurriedClock() });
    assert.deepEqual(await again.mounter.look(path, FOREVER), { kind: "directory" });
    await assertFails(again.mounter.release(path, FOREVER), "unavailable");
    await assertFails(again.mounter.release(path, FOREVER), "unavailable");
    await assertFails(node.host.disconnect(nqn, FOREVER), "in-use");
    file.close();
    await again.mounter.release(path, FOREVER);
    assert.deepEqual(await namesIn(join(node.stateDirectory, "mounts", "releasing")), []);
    await node.host.disconnect(nqn, FOREVER);
  },
);

hostTest("a pending unmount of a device that went away meanwhile is over", async () => {
  await using node = await openLinuxNode();
  const { nqn, path } = await mountDisk(node, "staging");
  const file = await Deno.open(join(path, "open"), { create: true, write: true });
  const hanging = await node.reopenMounts({
    programs: hangingUnmount(node.children.programs),
    clock: hurriedClock(),
  });
  await assertFails(hanging.mounter.release(path, FOREVER), "unavailable");
  file.close();
  await node.host.disconnect(nqn, FOREVER);
  await node.mounter.release(path, FOREVER);
});

hostTest("a copy of the mount in another mount namespace goes with the directory", async () => {
  await using node = await openLinuxNode();
  const { nqn, path } = await mountDisk(node, "staging");
  using _other = await otherNamespace();
  await node.mounter.release(path, FOREVER);
  await node.host.disconnect(nqn, FOREVER);
});

hostTest("release() of a bind leaves the file system and its other mounts alone", async () => {
  await using node = await openLinuxNode();
  const { device, path } = await mountDisk(node, "staging", { fileSystem: "btrfs" });
  const foreign = join(node.directory, "foreign");
  await node.makeDirectory(foreign);
  await run("mount", device.path, foreign);
  await node.mounter.bind(path, join(node.directory, "target"), true, FOREVER);
  const uses = [foreign, path, join(node.directory, "target")].sort();
  assert.deepEqual((await node.mounter.usesOf(device.number, FOREVER)).sort(), uses);
  await node.mounter.release(join(node.directory, "target"), FOREVER);
  await node.mounter.release(path, FOREVER);
  assert.deepEqual(await node.mounter.usesOf(device.number, FOREVER), [foreign]);
  await node.mounter.release(foreign, FOREVER);
});

hostTest("what does not fit in the end is said, and stays mounted", async () => {
  await using node = await openLinuxNode();
  const small = join(node.root, "small");
  await Deno.mkdir(small);
  await run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small);
  const file = join(small, "disk");
  await Deno.writeFile(file, new Uint8Array());
  await Deno.truncate(file, 512 * 1024 ** 2);
  const loop = (await run("losetup", "--find", "--show", file)).trim();
  const number = (await Deno.readTextFile(`/sys/block/${loop.slice(5)}/dev`)).trim();
  const device = {
    path: loop,
    number: number as DeviceNumber,
    sizeBytes: 512 * 1024 ** 2,
    identity: undefined,
  };
  const path = join(node.directory, "staging");
  await node.fileSystems.format(device, "ext4", [], FOREVER);
  const request = { device, path, fileSystem: "ext4", options: [], isReadOnly: false } as const;
  await node.mounter.mount(request, FOREVER);
  await Deno.writeFile(join(path, "large"), new Uint8Array(64 * 1024 ** 2).fill(1));
  // A loop device says EIO where an array says that it is full.
  await assertFails(node.mounter.release(path, FOREVER), "unavailable", "out-of-space");
  assert.equal((await node.mounter.look(path, FOREVER)).kind, "mount");
  await run("umount", path);
  await run("losetup", "--detach", loop);
  await run("umount", small);
});

hostTest("a read-only bind that was broken off leaves nothing writable, and is swept", async () => {
  await using node = await openLinuxNode();
  const { device, path } = await mountDisk(node, "staging", { options: ["noexec", "nosuid"] });
  const target = join(node.directory, "target");
  for (const broken of [1, 2, 3]) {
    const stopped = await node.reopenMounts({
      programs: stoppingAtMount(node.children.programs, broken),
    });
    await assert.rejects(stopped.mounter.bind(path, target, true, FOREVER), /stopped/);
    assert.equal((await node.mounter.look(target, FOREVER)).kind, "nothing");
    const again = await node.reopenMounts();
    assert.deepEqual(await again.mounter.usesOf(device.number, FOREVER), [path]);
  }
  await node.mounter.bind(path, target, true, FOREVER);
  const use = await node.mounter.look(target, FOREVER);
  assert(use.kind === "mount" && use.isReadOnly);
  assert(use.options.includes("noexec") && use.options.includes("nosuid"));
  await assert.rejects(Deno.writeTextFile(join(target, "a.txt"), ""), /Read-only/);
  assert.deepEqual((await node.mounter.usesOf(device.number, FOREVER)).sort(), [path, target]);
});

hostTest("a link in the directories above is followed, one at the path itself is not", async () => {
  await using node = await openLinuxNode();
  const { path } = await mountDisk(node, "staging");
  await Deno.symlink(node.directory, join(node.root, "link"));
  const byLink = join(node.root, "link", "staging");
  const use = await node.mounter.look(byLink, FOREVER);
  assert(use.kind === "mount");
  assert.deepEqual(await node.mounter.usesOf(use.device, FOREVER), [byLink]);
  const end = join(node.directory, "end");
  await Deno.symlink(path, end);
  assert.equal((await node.mounter.look(end, FOREVER)).kind, "other");
  await assertFails(node.mounter.release(end, FOREVER), "not-ready");
  await node.mounter.release(byLink, FOREVER);
  assert.deepEqual(await node.mounter.look(path, FOREVER), { kind: "nothing" });
});

hostTest(
  "a directory that is shown twice by the host makes one use, and one last mount",
  async () => {
    await using node = await openLinuxNode();
    const { directory } = node;
    // As many hosts do with the kubelet's directory: every mount below is in the table twice.
    await run("mount", "--bind", directory, directory);
    await run("mount", "--make-shared", directory);
    await run("mount", "--bind", directory, directory);
    const again = join(node.root, "again");
    await Deno.mkdir(again);
    await run("mount", "--bind", directory, again);
    const { device, path } = await mountDisk(node, "staging");
    assert((await mountPathsOf(device)).length >= 3, "the host repeats nothing");
    assert.deepEqual(await node.mounter.usesOf(device.number, FOREVER), [path]);
    const target = join(directory, "target");
    await node.mounter.bind(path, target, true, FOREVER);
    const use = await node.mounter.look(target, FOREVER);
    assert(use.kind === "mount" && use.isReadOnly);
    assert.deepEqual((await node.mounter.usesOf(device.number, FOREVER)).sort(), [path, target]);
    await node.mounter.release(target, FOREVER);

    const calls: string[] = [];
    const { mounter } = await node.reopenMounts({
      programs: exchanged(node.children.programs, ({ program }) => {
        calls.push(program);
        return undefined;
      }),
      kernelCalls: recorded(node.children.kernelCalls, calls),
    });
    await mounter.release(path, FOREVER);
    assert.deepEqual(calls, ["sync", "umount", "open-exclusively"]);
    assert.deepEqual(await mountPathsOf(device), []);
  },
);

hostTest("check() names the mount of another namespace that keeps the device", async () => {
  await using node = await openLinuxNode();
  const { device, path } = await mountDisk(node, "staging");
  using _other = await otherNamespace();
  // The directory stays, and with it the copy of the mount in the other namespace.
  await run("umount", path);
  await assert.rejects(checkDisk(node.fileSystems, device, "check"), (error) => {
    assert(error instanceof StorageError && error.code === "in-use");
    assert.match(error.message, /it is mounted at .*\/staging in the namespace of process \d+ \(/);
    return true;
  });
  await Deno.remove(path);
  await checkDisk(node.fileSystems, device, "check");
});

hostTest("nothing of these tests stays on the machine", async () => {
  let root: string;
  {
    await using node = await openLinuxNode();
    ({ root } = node);
    await mountDisk(node, "staging");
    await mountDisk(node, "other", { fileSystem: "xfs" });
    assert.equal(remainsBelow(root).mounts.length, 2);
  }
  assert.deepEqual(remainsBelow(root), { mounts: [], loops: [] });
});

/** Does what an unmount does that hangs: the mount leaves the table, and no answer comes. */
function hangingUnmount(programs: Programs): Programs {
  return {
    stuck: () => programs.stuck(),
    run: async (call, signal) => {
      if (call.program !== "umount") return await programs.run(call, signal);
      await programs.run({ ...call, args: ["-l", ...call.args] }, signal);
      throw new StorageError("unavailable", "Cannot run umount: it did not end in 1 s");
    },
  };
}

/** Fails instead of the nth run of mount and, like a process that is gone, of any program after. */
function stoppingAtMount(programs: Programs, nth: number): Programs {
  let mounts = 0;
  return {
    stuck: () => programs.stuck(),
    run: async (call, signal) => {
      if (call.program === "mount") mounts++;
      if (mounts >= nth) throw new Error("stopped");
      return await programs.run(call, signal);
    },
  };
}

/** Writes down which calls are made. */
function recorded(kernelCalls: KernelCalls, kinds: string[]): KernelCalls {
  return {
    call: <Kind extends KernelCallKind>(
      call: KernelCall & { readonly kind: Kind },
      options: KernelCallOptions,
      signal: AbortSignal,
    ): Promise<KernelResult<Kind>> => {
      kinds.push(call.kind);
      return kernelCalls.call<Kind>(call, options, signal);
    },
  };
}

/** A clock that does not wait, and says that it did. */
function hurriedClock(): Clock {
  let sleptMs = 0;
  return {
    wallMs: () => systemClock.wallMs(),
    monotonicMs: () => systemClock.monotonicMs() + sleptMs,
    sleep: (milliseconds) => {
      sleptMs += milliseconds;
      return Promise.resolve();
    },
  };
}

/** A process in a mount namespace of its own, which has a copy of every mount. */
async function otherNamespace(): Promise<Disposable> {
  const args = ["--mount", "--propagation", "private", "sh", "-c", "echo ready; exec sleep 60"];
  const child = new Deno.Command("unshare", { args, stdout: "piped", stdin: "null" }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  return {
    [Symbol.dispose]: () => {
      child.kill("SIGKILL");
      void reader.cancel();
    },
  };
}
