/**
 * A node that is its own array: the real adapters over the kernel of this machine, and disks that
 * the same kernel exports over NVMe/TCP. Only for machines of the laboratory.
 */
import { join } from "node:path";
import { openChildren } from "../../../src/adapters/children/children.ts";
import { openMountAdapters } from "../../../src/adapters/mount/mount_adapters.ts";
import type { KernelNvmeHost } from "../../../src/adapters/nvme/nvme_host.ts";
import { openNvmeHost } from "../../../src/adapters/nvme/open_nvme_host.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { systemRandom } from "../../../src/adapters/system/random.ts";
import type { Nqn } from "../../../src/domain/nvme.ts";
import type {
  KernelCall,
  KernelCallKind,
  KernelCallOptions,
  KernelCalls,
} from "../../../src/ports/kernel_calls.ts";
import { FOREVER } from "../../contract/node_harness.ts";
import type { NodeExtras, NodeHarness } from "../../contract/node_harness.ts";
import { namesIn, run, textAt, until } from "./commands.ts";
import { KernelTarget } from "./kernel_target.ts";

/** Everything a test of the real adapters works with. */
export interface KernelNode extends NodeHarness, NodeExtras {
  readonly host: KernelNvmeHost;
  /** Ends a program with the test, and waits for it. */
  owns(program: Deno.ChildProcess): void;
}

const WORKER = new URL("worker.ts", import.meta.url).pathname;
/** A read of a lost device never comes back: the longest that a test waits for it. */
const CALL_MS_MAX = 8000;
/** A machine that is emulated and shared: 20 s is no more than 2 s elsewhere. */
const SETTLE_MS = 20_000;
const CLASS = "/sys/class/nvme";

const children = openChildren(systemClock, [
  ...[Deno.execPath(), "run", "--quiet", "--cached-only", "--no-check", "-A", WORKER],
]);
const kernelCalls: KernelCalls = {
  call: <Kind extends KernelCallKind>(
    call: KernelCall & { readonly kind: Kind },
    { deadlineMs, subject }: KernelCallOptions,
    signal: AbortSignal,
  ) => {
    const options = { subject, deadlineMs: Math.min(CALL_MS_MAX, deadlineMs) };
    return children.kernelCalls.call<Kind>(call, options, signal);
  },
};

/** Opens a node with an array that exports nothing yet. */
export async function openKernelNode(): Promise<KernelNode> {
  await using stack = new AsyncDisposableStack();
  await KernelTarget.prepare();
  const root = await Deno.makeTempDir({ dir: "/run", prefix: "contract-" });
  stack.defer(() => Deno.remove(root, { recursive: true }));
  for (const name of ["disks", "pods", "node"]) await Deno.mkdir(join(root, name));
  const target = stack.use(new KernelTarget(join(root, "disks")));
  const { programs } = children;
  const node = { programs, clock: systemClock, stateDirectory: join(root, "node") };
  const host = await openNvmeHost({
    ...{ ...node, calls: kernelCalls, random: systemRandom, timing: { stateMs: 3000 } },
    // A host of its own: what the machine's driver has is none of this node's.
    paths: { etcNvme: join(root, "etc") },
  });
  stack.defer(() => endSessions(host));
  stack.defer(() => unmountBelow(root));
  const lost = new Set<Nqn>();
  // A file system without its device waits for it: the device has to go first.
  stack.defer(async () => {
    for (const nqn of lost) await host.abandon(nqn, FOREVER);
  });
  const mounts = await openMountAdapters({ ...node, kernelCalls, sweeps: true });
  const resources = stack.move();
  return {
    host,
    ...mounts,
    directory: join(root, "pods"),
    exportDisk: (sizeBytes) => target.exportDisk(sizeBytes),
    resizeDisk: (nqn, sizeBytes) => target.resizeDisk(nqn, sizeBytes),
    partitionDisk: (nqn) => writeAt(target.fileOf(nqn), 510, [0x55, 0xaa]),
    loseConnection: async (nqn) => {
      lost.add(nqn);
      await target.close(nqn);
      await waitUntilLost(nqn);
    },
    replaceDevice: async (nqn) => {
      resources.use(await endDevice(host, nqn));
    },
    hold: async (nqn) => resources.defer(await holdUnmounted(host, root, nqn)),
    stack: async (_nqn, path) => void await run("mount", "--bind", path, path),
    ...files,
    owns: (program) =>
      resources.defer(async () => {
        await program.stdin.close().catch(() => {});
        await program.output();
      }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

const files: Pick<NodeHarness, "writeFile" | "readFile" | "makeDirectory"> = {
  writeFile: async (parent, name, text) => {
    await Deno.mkdir(parent, { recursive: true });
    await Deno.writeTextFile(join(parent, name), text);
  },
  readFile: async (parent, name) => {
    try {
      return await Deno.readTextFile(join(parent, name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  },
  makeDirectory: (path) => Deno.mkdir(path),
};

/** The kernel's names of the controllers of a volume. */
async function controllersOf(nqn: Nqn): Promise<string[]> {
  const names = (await namesIn(CLASS)).filter((name) => /^nvme\d+$/.test(name));
  const nqns = await Promise.all(names.map((name) => textAt(`${CLASS}/${name}/subsysnqn`)));
  return names.filter((_, at) => nqns[at] === nqn);
}

async function waitUntilLost(nqn: Nqn): Promise<void> {
  await until(`${nqn} lost`, SETTLE_MS, async () => {
    const names = await controllersOf(nqn);
    const states = await Promise.all(names.map((name) => textAt(`${CLASS}/${name}/state`)));
    return names.length > 0 && !states.includes("live");
  });
}

/**
 * Lets the kernel give the connection up, as it does after its last attempt. The device is kept
 * open, so that its number is not given to the next one.
 */
async function endDevice(host: KernelNvmeHost, nqn: Nqn): Promise<Disposable> {
  const device = await host.find(nqn, FOREVER);
  if (device === undefined) throw new Error(`${nqn} is not connected`);
  const opened = await Deno.open(device.path, { read: true });
  const block = `/sys/dev/block/${device.number}`;
  const delay = `${block}/delayed_removal_secs`;
  if (await textAt(delay) !== undefined) await Deno.writeTextFile(delay, "0");
  for (const name of await controllersOf(nqn)) {
    await Deno.writeTextFile(`${CLASS}/${name}/delete_controller`, "1");
  }
  await until(
    `${device.path} gone`,
    SETTLE_MS,
    async () => await textAt(`${block}/dev`) === undefined,
  );
  return opened;
}

/** A file system that was unmounted while a file is open: no table shows it. */
async function holdUnmounted(
  host: KernelNvmeHost,
  root: string,
  nqn: Nqn,
): Promise<() => void> {
  const device = await host.find(nqn, FOREVER);
  if (device === undefined) throw new Error(`${nqn} is not connected`);
  const path = join(root, "held");
  await Deno.mkdir(path);
  await run("mkfs.ext4", "-q", device.path);
  await run("mount", device.path, path);
  const file = await Deno.open(join(path, "open"), { create: true, write: true });
  await run("umount", "--lazy", path);
  return () => file.close();
}

async function writeAt(path: string, offset: number, bytes: readonly number[]): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(offset, Deno.SeekMode.Start);
  await file.write(new Uint8Array(bytes));
}

async function unmountBelow(root: string): Promise<void> {
  const lines = (await Deno.readTextFile("/proc/self/mountinfo")).split("\n");
  const paths = lines.map((line) => line.split(" ")[4] ?? "")
    .filter((path) => path.startsWith(`${root}/`));
  for (const path of paths.toReversed()) await run("umount", "--lazy", path);
}

async function endSessions(host: KernelNvmeHost): Promise<void> {
  for (const { nqn } of await host.sessions(FOREVER)) await host.abandon(nqn, FOREVER);
}
