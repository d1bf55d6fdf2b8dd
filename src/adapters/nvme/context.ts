/** What everything in this folder works with, and the two questions everything asks. */
import { StorageError } from "../../domain/errors.ts";
import { isManagedNqn } from "../../domain/nvme.ts";
import type { Nqn } from "../../domain/nvme.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KernelCalls } from "../../ports/kernel_calls.ts";
import type { Programs } from "../../ports/programs.ts";
import type { HostIdentity } from "./connect_options.ts";
import { readControllers, readSubsystems } from "./controllers.ts";
import type { KernelFiles } from "./kernel_files.ts";
import { viewOf } from "./view.ts";
import type { VolumeView } from "./view.ts";

/** Where the kernel shows things; tests have other roots. */
export interface NvmePaths {
  /** `/sys` */
  readonly sys: string;
  /** `/dev` */
  readonly dev: string;
  /** `/proc` */
  readonly proc: string;
  /** `/etc/nvme` */
  readonly etcNvme: string;
}

/** Waits, in milliseconds. */
export interface NvmeTiming {
  /** A name to be resolved. */
  readonly resolveMs: number;
  /** A target to answer from user space, with the opening handshake. */
  readonly probeMs: number;
  /** A connect to get its turn among those of this node. */
  readonly queueMs: number;
  /** The kernel to connect; it waits ten seconds for a silent target by itself. */
  readonly connectMs: number;
  /** A lost connection to come back, or an old one to go. */
  readonly stateMs: number;
  /** A connected volume to show a device that can be read. */
  readonly deviceMs: number;
  /** One read of the device, one exclusive open. */
  readonly deviceCallMs: number;
  /** A device that is in use for a moment, by a program that looks at new devices. */
  readonly busyMs: number;
  /** A connection to end. */
  readonly deleteMs: number;
  /** A write to an attribute. */
  readonly attributeMs: number;
  /** A new size to show after the kernel was told to look. */
  readonly rescanMs: number;
}

/** What a node has to wait at most, each found on real kernels or told by them. */
export const NVME_TIMING: NvmeTiming = {
  resolveMs: 5000,
  probeMs: 3000,
  queueMs: 60_000,
  connectMs: 15_000,
  stateMs: 10_000,
  deviceMs: 10_000,
  deviceCallMs: 5000,
  busyMs: 1000,
  deleteMs: 15_000,
  attributeMs: 5000,
  rescanMs: 2000,
};

/** The kernel of this node, and who it is. */
export interface NvmeContext {
  readonly files: KernelFiles;
  readonly calls: KernelCalls;
  readonly programs: Programs;
  readonly clock: Clock;
  readonly paths: NvmePaths;
  readonly timing: NvmeTiming;
  readonly identity: HostIdentity;
}

/** What the kernel has of a volume at this moment. */
export async function look(context: NvmeContext, nqn: Nqn): Promise<VolumeView> {
  const { files, paths, identity } = context;
  const [controllers, subsystems] = await Promise.all([
    readControllers(files, paths.sys, nqn),
    readSubsystems(files, paths.sys, nqn),
  ]);
  return viewOf(nqn, identity.hostNqn, controllers, subsystems);
}

/**
 * Nodes boot from other disks of the same arrays: what is not ours is never touched.
 * @throws {StorageError} `invalid`
 */
export function refuseUnmanaged(verb: string, nqn: Nqn): void {
  if (isManagedNqn(nqn)) return;
  throw new StorageError("invalid", `Cannot ${verb} ${nqn}: it is none of our volumes`);
}
