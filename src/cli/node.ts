/** The node, put together: this machine's ports, use cases, CSI services, signals. */
import { join } from "node:path";
import { Identity, Node } from "../adapters/csi-grpc/gen/csi_pb.ts";
import { identityHandlers } from "../adapters/csi-grpc/identity.ts";
import { nodeHandlers } from "../adapters/csi-grpc/node.ts";
import { serveCsi } from "../adapters/csi-grpc/server.ts";
import { offer } from "../adapters/csi-grpc/service.ts";
import { openLog } from "../adapters/logging/log.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { openTrialHost } from "../adapters/trial-host/trial_host.ts";
import { KeyedLock } from "../application/keyed_lock.ts";
import { NodeVolumes } from "../application/node_volumes.ts";
import { VERSION } from "../version.ts";
import { parseAttachment } from "./attach.ts";
import { madeDirectory } from "./flag_values.ts";
import type { Output } from "./output.ts";
import { nodeSettings, serveUntilAsked, type ServingFlags, socketAccess } from "./serving.ts";

/** The flags of `rds-csi node`, as they were written. */
export interface NodeFlags extends ServingFlags {
  readonly nodeName: string;
  readonly attach: string;
  readonly stateDirectory: string;
}

/** Where a simulator keeps its box, below the directory it was started with. */
const SIMULATED_BOX = "box";
/** The orchestrator decides how many volumes a node gets. */
const NO_LIMIT = 0;

/**
 * Serves as node until a signal asks for the end.
 * @throws {FlagError} and {@link StorageError} for what is written wrongly, before anything listens.
 */
export async function runNode(flags: NodeFlags, output: Output): Promise<void> {
  const { driverName, log } = nodeSettings(flags);
  const access = socketAccess(flags);
  const { directory } = parseAttachment(flags.attach);
  const stateDirectory = await madeDirectory("--state-directory", flags.stateDirectory);
  const observe = openLog({ ...log, write: output.err });
  const ports = await openTrialHost(join(directory, SIMULATED_BOX), stateDirectory);

  const settings = { name: flags.nodeName, volumesMax: NO_LIMIT };
  const volumes = new NodeVolumes(ports, new KeyedLock(), settings);

  const identity = { name: driverName, version: VERSION, isReady: () => true };
  await using server = await serveCsi({
    ...access,
    endpoint: flags.endpoint,
    services: [
      offer(Identity, identityHandlers(identity)),
      offer(Node, nodeHandlers(volumes)),
    ],
    observe,
    clock: systemClock,
  });
  await serveUntilAsked(server, { role: "node", version: VERSION, observe });
}
