/** A node whose disks are loop devices and whose mounts and file systems are real. */
import { join } from "node:path";
import { openMountAdapters } from "../../../src/adapters/mount/mount_adapters.ts";
import type {
  MountAdapterOptions,
  MountAdapters,
} from "../../../src/adapters/mount/mount_adapters.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import type { BlockDevice } from "../../../src/domain/block_device.ts";
import type { Nqn } from "../../../src/domain/nvme.ts";
import { FOREVER } from "../../contract/node_harness.ts";
import type { NodeNeed } from "../../contract/node_harness.ts";
import { openLoopNode, replaceFile, run } from "../nvme_host/loop_node.ts";
import type { LoopNode } from "../nvme_host/loop_node.ts";

/** Everything a test of the mount adapters works with. */
export interface LinuxNode extends LoopNode {
  /** Where the node keeps its notes. */
  readonly stateDirectory: string;
  /** Opens the adapters again, as a process that was started anew, or with tools that misbehave. */
  reopenMounts(odd?: Partial<MountAdapterOptions>): Promise<MountAdapters>;
  /** The file of a disk, which the box would keep. */
  backingPathOf(nqn: Nqn): string;
}

/** What a loop device cannot do on this machine, each with the reason. */
export const MISSING: Readonly<Partial<Record<NodeNeed, string>>> = mayGrowExt()
  ? {}
  : { "grow-mounted-ext": "growing a mounted ext4 needs CAP_SYS_RESOURCE" };

/** Opens a node on a fresh box, all in one workplace. */
export async function openLinuxNode(): Promise<LinuxNode> {
  const node = await openLoopNode();
  const { programs, kernelCalls } = node.children;
  const stateDirectory = join(node.root, "node");
  const options = { programs, kernelCalls, clock: systemClock, stateDirectory, sweeps: true };
  const adapters = await openMountAdapters(options);
  const backingPathOf = (nqn: Nqn): string => node.box.pathOf(nqn);
  return {
    ...node,
    ...adapters,
    ...{ stateDirectory, backingPathOf },
    reopenMounts: (odd) => openMountAdapters({ ...options, ...odd }),
    // Reads of a loop device behind the end of its file are errors.
    loseConnection: async (nqn) => {
      await node.loseConnection(nqn);
      await Deno.truncate(backingPathOf(nqn), 0);
    },
    replaceDevice: async (nqn) => {
      const device = await node.host.find(nqn, FOREVER);
      if (device !== undefined) await killDevice(node.root, device);
      await replaceFile(backingPathOf(nqn));
    },
    stack: async (_nqn, path) => {
      await run("mount", "--bind", path, path);
    },
  };
}

/** Where the device is mounted, by the kernel's own table. */
export async function mountPathsOf({ number }: BlockDevice): Promise<string[]> {
  const lines = (await Deno.readTextFile("/proc/self/mountinfo")).split("\n");
  return lines.map((line) => line.split(" ")).filter((fields) => fields[2] === number)
    .map((fields) => fields[4] ?? "");
}

/**
 * As dead as a loop device can be made: a mounted file system is shut down, as the kernel does when
 * its device is removed; a device that nothing has mounted goes, and its number to another one.
 */
async function killDevice(root: string, device: BlockDevice): Promise<void> {
  const [path] = await mountPathsOf(device);
  if (path !== undefined) {
    await run("xfs_io", "-F", "-x", "-c", "shutdown", path);
    return;
  }
  const stranger = join(root, `stranger-${device.number.replace(":", "-")}`);
  await Deno.writeFile(stranger, new Uint8Array(1024 ** 2));
  await run("losetup", "--detach", device.path);
  await run("losetup", device.path, stranger);
}

/** CAP_SYS_RESOURCE is bit 24 of the capabilities in force. */
function mayGrowExt(): boolean {
  if (Deno.build.os !== "linux") return false;
  const status = Deno.readTextFileSync("/proc/self/status");
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return (capabilities >> 24n & 1n) === 1n;
}
