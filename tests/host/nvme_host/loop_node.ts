/** A node of loop devices beside the data directory of a simulated box, for the contract. */
import { join } from "node:path";
import { openChildren } from "../../../src/adapters/children/children.ts";
import type { Children } from "../../../src/adapters/children/children.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { openLoopHost } from "../../../src/adapters/trial-host/loop_host.ts";
import type { LoopNvmeHost } from "../../../src/adapters/trial-host/loop_nvme_host.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { BlockDevice } from "../../../src/domain/block_device.ts";
import type { Nqn } from "../../../src/domain/nvme.ts";
import type { FileSystems } from "../../../src/ports/file_systems.ts";
import type { Mounter, MountRequest } from "../../../src/ports/mounter.ts";
import { checkoutProgram } from "../../../tools/trial/processes.ts";
import { FOREVER } from "../../contract/node_harness.ts";
import type { NodeExtras, NodeHarness } from "../../contract/node_harness.ts";
import { TestBox, writeBytes } from "../../integration/trial-host/trial_node.ts";
import { Workplace } from "../workplace.ts";

/** Everything a test of a loop node works with. */
export interface LoopNode extends NodeHarness, NodeExtras {
  readonly host: LoopNvmeHost;
  readonly box: TestBox;
  /** A directory that everything lies below. */
  readonly root: string;
  readonly children: Children;
  /** Opens the host again, as a process that was started anew, or as another node. */
  reopen(stateDirectory?: string, clock?: Clock): Promise<LoopNvmeHost>;
}

/** Opens a loop node on a fresh box, all in one workplace. */
export async function openLoopNode(): Promise<LoopNode> {
  const stack = new AsyncDisposableStack();
  const { directory: root } = stack.use(await Workplace.open());
  const box = new TestBox(join(root, "box"));
  stack.defer(() => box.close());
  const directory = join(root, "pods");
  await Deno.mkdir(directory);
  const children = stack.use(openChildren(systemClock, checkoutProgram()));
  const { programs, kernelCalls } = children;
  const reopen = (stateDirectory = "node", clock = systemClock): Promise<LoopNvmeHost> => {
    const tools = { programs, kernel: kernelCalls, clock };
    return openLoopHost(box.directory, join(root, stateDirectory), tools);
  };
  const host = await reopen();
  return {
    host,
    ...plainMounts(),
    ...{ box, root, children, directory, reopen },
    exportDisk: (sizeBytes) => box.exportDisk(sizeBytes),
    resizeDisk: (nqn, sizeBytes) => Deno.truncate(box.pathOf(nqn), sizeBytes),
    partitionDisk: (nqn) => writeBytes(box.pathOf(nqn), 510, [0x55, 0xaa]),
    loseConnection: (nqn) => Promise.resolve(box.withdraw(nqn)),
    replaceDevice: (nqn) => replaceFile(box.pathOf(nqn)),
    hold: async (nqn) => stack.defer(await hold({ host, root }, nqn)),
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
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Puts another file with the same bytes in the place of a disk's. */
export async function replaceFile(path: string): Promise<void> {
  await run("cp", "--sparse=always", "--", path, `${path}.copy`);
  await Deno.rename(`${path}.copy`, path);
}

/**
 * A file system that was unmounted lazily: no table shows it, and it is all there until what this
 * returns is called.
 */
export async function hold(
  { host, root }: Pick<LoopNode, "host" | "root">,
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

/** Runs a program. @throws {Error} when it fails. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Of the other ports the contract of this one needs a mounted disk, and nothing else. */
function plainMounts(): Pick<NodeHarness, "mounter" | "fileSystems"> {
  const format = async ({ path }: BlockDevice): Promise<void> => {
    await run("mkfs.ext4", "-q", path);
  };
  const mount = async ({ device, path }: MountRequest): Promise<void> => {
    await Deno.mkdir(path);
    await run("mount", device.path, path);
  };
  return {
    fileSystems: { format } as Partial<FileSystems> as FileSystems,
    mounter: { mount } as Partial<Mounter> as Mounter,
  };
}
