/** What a machine must have before disks can be exported through nvmet. */
import { ConfigfsTree, type KernelTree, NVMET_ROOT } from "./kernel_tree.ts";
import { type LoopDevices, SystemLoopDevices } from "./loop_devices.ts";

/** The parts of the kernel that make an export. */
export interface NvmetKernel {
  readonly tree: KernelTree;
  readonly loops: LoopDevices;
}

/** Where the things are that {@link openKernel} looks for. */
export interface KernelPaths {
  readonly nvmetRoot: string;
  readonly loopControl: string;
}

const KERNEL_PATHS: KernelPaths = { nvmetRoot: NVMET_ROOT, loopControl: "/dev/loop-control" };

/**
 * The kernel of this machine.
 * @throws {Error} naming what is missing and the commands that bring it.
 */
export async function openKernel(paths: KernelPaths = KERNEL_PATHS): Promise<NvmetKernel> {
  if (Deno.uid() !== 0) {
    throw new Error(`Cannot export through nvmet as user ${Deno.uid()}: it takes root`);
  }
  if (!await isThere(`${paths.nvmetRoot}/subsystems`)) {
    throw new Error(
      `Cannot export through nvmet: ${paths.nvmetRoot} is not there; as root run ` +
        "`modprobe -a configfs nvmet-tcp loop` and, if nothing is mounted there, " +
        "`mount -t configfs configfs /sys/kernel/config`",
    );
  }
  if (!await isThere(paths.loopControl)) {
    throw new Error(
      `Cannot export through nvmet: ${paths.loopControl} is not there; as root run ` +
        "`modprobe loop`",
    );
  }
  return { tree: new ConfigfsTree(paths.nvmetRoot), loops: new SystemLoopDevices() };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
