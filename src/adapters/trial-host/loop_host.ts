/** Opening an NVMe host whose connections are loop devices over a simulator's files. */
import { join } from "node:path";
import { StorageError } from "../../domain/errors.ts";
import { LoopNvmeHost } from "./loop_nvme_host.ts";
import type { LoopTools } from "./loop_nvme_host.ts";
import { isMissing } from "./paths.ts";
import { checkSimulatorDirectory } from "./simulator_exports.ts";

const HOST_ID_NAME = "host-id";
const HOST_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const LOOP_CONTROL = "/dev/loop-control";

/**
 * Opens the host. What this node had attached before it has still; all it keeps of its own is its
 * host id, in `stateDirectory`.
 * @param simulatorDirectory the data directory of a simulator
 * @param stateDirectory made when missing; one process uses it at a time
 * @throws {StorageError} `invalid` when the first directory is no simulator's, or the host id in
 * the second is none; `not-ready` when this machine has no loop devices.
 */
export async function openLoopHost(
  simulatorDirectory: string,
  stateDirectory: string,
  tools: LoopTools,
): Promise<LoopNvmeHost> {
  await checkSimulatorDirectory(simulatorDirectory);
  await checkLoopDevices();
  await Deno.mkdir(stateDirectory, { recursive: true });
  const hostId = await hostIdIn(stateDirectory);
  // The kernel names files by their real paths.
  const directory = await Deno.realPath(simulatorDirectory);
  return new LoopNvmeHost({ simulatorDirectory: directory, hostId }, tools);
}

async function checkLoopDevices(): Promise<void> {
  try {
    await Deno.stat(LOOP_CONTROL);
  } catch (cause) {
    const finding = `there is no ${LOOP_CONTROL} (load the module: modprobe loop)`;
    throw new StorageError("not-ready", `Cannot attach by loop devices: ${finding}`, { cause });
  }
}

async function hostIdIn(directory: string): Promise<string> {
  const path = join(directory, HOST_ID_NAME);
  try {
    const hostId = (await Deno.readTextFile(path)).trim();
    if (HOST_ID.test(hostId)) return hostId;
    throw new StorageError("invalid", `Cannot use the host id in "${path}": it is not a UUID`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const hostId = crypto.randomUUID();
  await writeSafely(path, `${hostId}\n`);
  return hostId;
}

/** Puts a file in place whole, and on the disk. */
async function writeSafely(path: string, text: string): Promise<void> {
  {
    using file = await Deno.open(`${path}.new`, { write: true, create: true, truncate: true });
    await file.write(new TextEncoder().encode(text));
    await file.sync();
  }
  await Deno.rename(`${path}.new`, path);
}
