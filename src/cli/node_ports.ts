/**
 * The ports of a node, opened the same way by the process that serves and by the commands that
 * look at a node: which adapters they are is what `--attach` says.
 */
import { join } from "node:path";
import { openChildren } from "../adapters/children/children.ts";
import type { Children } from "../adapters/children/children.ts";
import { openMountAdapters } from "../adapters/mount/mount_adapters.ts";
import { openNvmeHost } from "../adapters/nvme/open_nvme_host.ts";
import { StageRecordFiles } from "../adapters/stage-records/stage_record_files.ts";
import { systemRandom } from "../adapters/system/random.ts";
import { openLoopHost } from "../adapters/trial-host/loop_host.ts";
import { openTrialHost } from "../adapters/trial-host/trial_host.ts";
import type { NodePorts } from "../application/node_ports.ts";
import { StorageError } from "../domain/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { KernelCalls } from "../ports/kernel_calls.ts";
import type { NvmeHost } from "../ports/nvme_host.ts";
import type { Programs } from "../ports/programs.ts";
import type { Attachment } from "./attach.ts";

/** Which node to open. */
export interface NodeOpening {
  readonly attachment: Attachment;
  /** Where the node keeps its records; made when missing. */
  readonly stateDirectory: string;
  readonly clock: Clock;
  /** Whether this is the process that serves, not a command beside it, which makes nothing. */
  readonly isServing: boolean;
  /** Puts something around every port, for tests that let calls fail. Absent: nothing. */
  readonly interpose?: Interpose;
}

/** Puts something around a port; what it gives is the same port to its users. */
export type Interpose = <Port extends object>(port: Port) => Port;

/** A node's ports, and the children that work for them. */
export interface OpenedNode {
  readonly ports: NodePorts;
  /** What tells this boot of the machine from every other. */
  readonly bootId: string;
  readonly children: Pick<Children, "programs" | "kernelCalls">;
}

type KernelAttachment = Exclude<Attachment, { kind: "trial" }>;

/** What adapters over the kernel are made of. */
interface Machine {
  readonly programs: Programs;
  readonly kernelCalls: KernelCalls;
  readonly clock: Clock;
  readonly stateDirectory: string;
  readonly sweeps: boolean;
}

/** Where a simulator keeps its box, below the directory it was started with. */
const SIMULATED_BOX = "box";
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/**
 * Opens the ports of this node. Nothing on the machine is changed by it but the state directory.
 * @param stack ends what was started for them
 * @throws {StorageError} `invalid` when the directory is no simulator's; `not-ready` when this
 * process or this machine cannot do what the attachment needs; `not-found` when a command looks at
 * a node that never was.
 */
export async function openNodePorts(
  opening: NodeOpening,
  stack: AsyncDisposableStack,
): Promise<OpenedNode> {
  const { attachment, stateDirectory, clock, isServing, interpose = asItIs } = opening;
  const records = isServing
    ? await StageRecordFiles.open(stateDirectory)
    : await StageRecordFiles.openExisting(stateDirectory);
  const opened = stack.use(openChildren(clock));
  const children = {
    programs: interpose(opened.programs),
    kernelCalls: interpose(opened.kernelCalls),
  };
  const machine = { ...children, clock, stateDirectory, sweeps: isServing };
  const { host, mounter, fileSystems } = await openMachine(attachment, machine);
  return {
    ports: {
      host: interpose(host),
      mounter: interpose(mounter),
      fileSystems: interpose(fileSystems),
      records: interpose(records),
    },
    bootId: await bootIdFor(attachment),
    children,
  };
}

async function openMachine(
  attachment: Attachment,
  machine: Machine,
): Promise<Omit<NodePorts, "records">> {
  if (attachment.kind === "trial") {
    return await openTrialHost(boxOf(attachment), machine.stateDirectory);
  }
  checkIsRoot();
  const host = await openKernelHost(attachment, machine);
  return { host, ...await openMountAdapters(machine) };
}

async function openKernelHost(attachment: KernelAttachment, machine: Machine): Promise<NvmeHost> {
  const { programs, kernelCalls: kernel, clock, stateDirectory } = machine;
  switch (attachment.kind) {
    case "loop":
      return await openLoopHost(boxOf(attachment), stateDirectory, { programs, kernel, clock });
    case "kernel":
      return await openNvmeHost({
        ...{ programs, calls: kernel, clock, stateDirectory },
        random: systemRandom,
      });
  }
}

/** @throws {StorageError} `not-ready`: whatever the way, only root may mount. */
function checkIsRoot(): void {
  const user = Deno.uid();
  if (user === 0) return;
  throw new StorageError(
    "not-ready",
    `Cannot mount volumes: this process is user ${user}, not root`,
  );
}

function boxOf({ directory }: { readonly directory: string }): string {
  return join(directory, SIMULATED_BOX);
}

/** A trial has no kernel, and what it keeps in its place outlives every boot. */
async function bootIdFor({ kind }: Attachment): Promise<string> {
  return kind === "trial" ? "trial" : (await Deno.readTextFile(BOOT_ID)).trim();
}

function asItIs<Port extends object>(port: Port): Port {
  return port;
}
