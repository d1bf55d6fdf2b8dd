/** A node for machines without NVMe, over the disks of a simulator on the same machine. */
import { resolve } from "node:path";
import { Disks } from "./disks.ts";
import { TrialFileSystems } from "./file_systems.ts";
import { TrialMounter } from "./mounter.ts";
import { NodeState } from "./node_state.ts";
import { TrialNvmeHost } from "./nvme_host.ts";
import { checkSimulatorDirectory } from "./simulator_exports.ts";

/** The three ports of a trial node. */
export interface TrialHost {
  readonly host: TrialNvmeHost;
  readonly mounter: TrialMounter;
  readonly fileSystems: TrialFileSystems;
}

/**
 * Opens a trial node. What it had connected and mounted before is as it was.
 * @param simulatorDirectory the data directory of a simulator
 * @param stateDirectory made when missing; one process uses it at a time
 * @throws {StorageError} `invalid` when the first directory is no simulator's, or the second of
 * another schema.
 */
export async function openTrialHost(
  simulatorDirectory: string,
  stateDirectory: string,
): Promise<TrialHost> {
  const directory = resolve(simulatorDirectory);
  await checkSimulatorDirectory(directory);
  const state = await NodeState.open(resolve(stateDirectory));
  const disks = new Disks(state, directory);
  return {
    host: new TrialNvmeHost(state, disks),
    mounter: new TrialMounter(state, disks),
    fileSystems: new TrialFileSystems(state, disks),
  };
}
