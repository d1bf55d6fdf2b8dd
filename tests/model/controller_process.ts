/** A controller as it is shipped, but in this process: composed anew for every life. */
import { join } from "node:path";
import { serveCsi } from "../../src/adapters/csi-grpc/server.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import type { Backend } from "../../src/application/backends.ts";
import { controllerServices } from "../../src/cli/controller.ts";
import { CsiClient } from "../../tools/trial/csi_client.ts";

/** One life of a controller. */
export interface ControllerProcess {
  readonly client: CsiClient;
  /** Ends it without waiting for its calls; resolves when nothing of it is left. */
  end(): Promise<void>;
}

const READY_WITHIN_MS = 10_000;

/**
 * Serves CSI over `backend` on a Unix socket in `directory`.
 * @param life tells this life from others, for the name of the socket
 */
export async function startController(
  backend: Backend,
  directory: string,
  life: number,
): Promise<ControllerProcess> {
  const names = { driverName: "rds.csi.srvlab.io", defaultBackend: backend.name };
  const server = await serveCsi({
    endpoint: join(directory, `csi-${life}.sock`),
    services: controllerServices([backend], names, systemClock),
    observe: () => {},
    clock: systemClock,
    limits: { drainMs: 0 },
  });
  const client = new CsiClient(server.path);
  await client.waitForReady(READY_WITHIN_MS);
  return {
    client,
    end: async () => {
      client[Symbol.dispose]();
      await server.close();
    },
  };
}
