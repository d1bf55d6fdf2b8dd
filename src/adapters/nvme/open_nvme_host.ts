/** The NVMe host of the machine that this process runs on, put together. */
import type { Clock } from "../../ports/clock.ts";
import type { KernelCalls } from "../../ports/kernel_calls.ts";
import type { Programs } from "../../ports/programs.ts";
import type { Random } from "../../ports/random.ts";
import { NVME_TIMING } from "./context.ts";
import type { NvmeContext, NvmePaths, NvmeTiming } from "./context.ts";
import { hostIdentity } from "./host_identity.ts";
import { machineIdentityFiles } from "./identity_files.ts";
import { machineFiles } from "./kernel_files.ts";
import { KernelNvmeHost } from "./nvme_host.ts";
import { machineLookup, Resolver } from "./resolve.ts";
import { openTcp, targetProbe } from "./target_probe.ts";

/** What the host needs, and where things are if not at their usual places. */
export interface OpenNvmeHostOptions {
  readonly calls: KernelCalls;
  readonly programs: Programs;
  readonly clock: Clock;
  readonly random: Random;
  /** The driver's directory on the node, which outlives container and boot. */
  readonly stateDirectory: string;
  /** Default: `/sys`, `/dev`, `/proc`, `/etc/nvme`. */
  readonly paths?: Partial<NvmePaths>;
  /** Default: {@link NVME_TIMING}. */
  readonly timing?: Partial<NvmeTiming>;
}

const PATHS: NvmePaths = { sys: "/sys", dev: "/dev", proc: "/proc", etcNvme: "/etc/nvme" };

/**
 * Reads or makes the host's identity. Nothing is connected or changed.
 * @throws {StorageError} `not-ready` when the identity that is kept is damaged.
 */
export async function openNvmeHost(options: OpenNvmeHostOptions): Promise<KernelNvmeHost> {
  const { calls, programs, clock, random, stateDirectory } = options;
  const paths = { ...PATHS, ...options.paths };
  const timing = { ...NVME_TIMING, ...options.timing };
  const { warnings, ...identity } = await hostIdentity(
    machineIdentityFiles,
    { etcNvme: paths.etcNvme, state: stateDirectory },
    () => crypto.randomUUID(),
  );
  const files = machineFiles;
  const context: NvmeContext = { files, calls, programs, clock, paths, timing, identity };
  return new KernelNvmeHost({
    context,
    warnings,
    random,
    probe: targetProbe(openTcp, clock, timing.probeMs),
    processors: navigator.hardwareConcurrency,
    resolver: new Resolver(machineLookup, clock, timing.resolveMs),
  });
}
