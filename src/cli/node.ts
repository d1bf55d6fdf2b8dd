/** The node, put together: this machine's ports, use cases, guardian, CSI services, signals. */
import { Identity, Node } from "../adapters/csi-grpc/gen/csi_pb.ts";
import { identityHandlers } from "../adapters/csi-grpc/identity.ts";
import { nodeHandlers } from "../adapters/csi-grpc/node.ts";
import { serveCsi } from "../adapters/csi-grpc/server.ts";
import { offer } from "../adapters/csi-grpc/service.ts";
import { openLog } from "../adapters/logging/log.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { systemRandom } from "../adapters/system/random.ts";
import { Guardian } from "../application/guardian.ts";
import { KeyedLock } from "../application/keyed_lock.ts";
import type { NodeShared } from "../application/node_ports.ts";
import { reconcileNode } from "../application/node_reconciling.ts";
import { NodeVolumes } from "../application/node_volumes.ts";
import { Reconnects } from "../application/reconnects.ts";
import { VERSION } from "../version.ts";
import { parseAttachment, stateDirectoryFor } from "./attach.ts";
import { madeDirectory } from "./flag_values.ts";
import { openNodePorts } from "./node_ports.ts";
import type { Interpose, OpenedNode } from "./node_ports.ts";
import { missingTools } from "./node_tools.ts";
import type { Output } from "./output.ts";
import { nodeSettings, serveUntilAsked, type ServingFlags, socketAccess } from "./serving.ts";

/** The flags of `rds-csi node`, as they were written. */
export interface NodeFlags extends ServingFlags {
  readonly nodeName: string;
  readonly attach: string;
  readonly stateDirectory?: string;
}

/** The orchestrator decides how many volumes a node gets. */
const NO_LIMIT = 0;

/**
 * Serves as node until a signal asks for the end. Ending disconnects and unmounts nothing.
 * @param interpose puts something around every port, for tests; absent: nothing
 * @throws {FlagError} and {@link StorageError} for what is written wrongly or cannot be done here,
 * before anything listens.
 */
export async function runNode(
  flags: NodeFlags,
  output: Output,
  interpose?: Interpose,
): Promise<void> {
  const { driverName, log } = nodeSettings(flags);
  const access = socketAccess(flags);
  const attachment = parseAttachment(flags.attach);
  const directory = stateDirectoryFor(attachment, flags.stateDirectory);
  const stateDirectory = await madeDirectory("--state-directory", directory);
  const observe = openLog({ ...log, write: output.err });
  const clock = systemClock;

  await using stack = new AsyncDisposableStack();
  const opening = { attachment, stateDirectory, clock, isServing: true };
  const node = await openNodePorts(
    interpose === undefined ? opening : { ...opening, interpose },
    stack,
  );
  const { ports, bootId } = node;
  const reconnects = new Reconnects(systemRandom);
  const shared = { locks: new KeyedLock(), clock, observe, reconnects };
  const settings = { name: flags.nodeName, volumesMax: NO_LIMIT, bootId };
  const volumes = new NodeVolumes(ports, shared, settings);

  const identity = { name: driverName, version: VERSION, isReady: () => true };
  const server = await serveCsi({
    ...access,
    endpoint: flags.endpoint,
    services: [
      offer(Identity, identityHandlers(identity)),
      offer(Node, nodeHandlers(volumes)),
    ],
    observe,
    clock,
  });
  stack.use(server);

  const stopping = new AbortController();
  const tools = await missingTools(attachment);
  if (tools.length > 0) observe({ kind: "tools-missing", tools });
  const guarded = lookAfter(node, shared, stopping.signal);
  stack.defer(() => guarded);
  stack.defer(() => stopping.abort(new Error("the driver is stopping")));
  await serveUntilAsked(server, { role: "node", version: VERSION, observe });
}

/** Sets in order what an earlier process left, then looks after the volumes, beside the server. */
async function lookAfter(
  { ports, bootId, children }: OpenedNode,
  shared: NodeShared,
  signal: AbortSignal,
): Promise<void> {
  await reconcileNode(ports, shared, { bootId }, signal);
  const stuckChildren = (): ReturnType<typeof children.programs.stuck> => children.programs.stuck();
  await new Guardian(ports, shared, { bootId, stuckChildren }).run(signal);
}
