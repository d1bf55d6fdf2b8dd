/**
 * A node over a kernel in memory, served as the shipped node serves: what is left of its size is
 * the node role's own. `benches/node_memory.ts` starts it as a process.
 *
 * Arguments: the path of the socket to serve.
 */
import { nodeHandlers } from "../src/adapters/csi-grpc/node.ts";
import { Node } from "../src/adapters/csi-grpc/gen/csi_pb.ts";
import { serveCsi } from "../src/adapters/csi-grpc/server.ts";
import { offer } from "../src/adapters/csi-grpc/service.ts";
import { systemClock } from "../src/adapters/system/clock.ts";
import { aNode } from "../tests/builders/node.ts";

const [socket = ""] = Deno.args;
const { promise: asked, resolve: end } = Promise.withResolvers<void>();
Deno.addSignalListener("SIGTERM", end);
await using _server = await serveCsi({
  endpoint: `unix://${socket}`,
  services: [offer(Node, nodeHandlers(aNode().volumes))],
  observe: () => {},
  clock: systemClock,
});
await asked;
Deno.exit(0);
