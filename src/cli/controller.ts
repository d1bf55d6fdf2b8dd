/** The controller, put together: configuration, arrays, use cases, CSI services, signals. */
import { controllerHandlers } from "../adapters/csi-grpc/controller.ts";
import { Controller, Identity } from "../adapters/csi-grpc/gen/csi_pb.ts";
import { identityHandlers } from "../adapters/csi-grpc/identity.ts";
import { serveCsi } from "../adapters/csi-grpc/server.ts";
import { offer } from "../adapters/csi-grpc/service.ts";
import type { OfferedService } from "../adapters/csi-grpc/service.ts";
import { openLog } from "../adapters/logging/log.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { systemRandom } from "../adapters/system/random.ts";
import { Backends } from "../application/backends.ts";
import type { Backend } from "../application/backends.ts";
import { KeyedLock } from "../application/keyed_lock.ts";
import { Publications } from "../application/publication.ts";
import { Snapshots } from "../application/snapshots.ts";
import { Volumes } from "../application/volumes.ts";
import type { Config } from "../config/shape.ts";
import type { Clock } from "../ports/clock.ts";
import { VERSION } from "../version.ts";
import { openBackends, prepareArrays } from "./arrays.ts";
import { loadConfig } from "./config_file.ts";
import type { Output } from "./output.ts";
import { configOverrides, serveUntilAsked, type ServingFlags, socketAccess } from "./serving.ts";

/** The flags of `rds-csi controller`, as they were written. */
export interface ControllerFlags extends ServingFlags {
  readonly config: string;
}

/**
 * The CSI services of a controller over `opened`, with use cases as a fresh process has them.
 * @throws {StorageError} `invalid` when no backend has the name of the default one.
 */
export function controllerServices(
  opened: readonly Backend[],
  { driverName, defaultBackend }: Pick<Config, "driverName" | "defaultBackend">,
  clock: Clock,
): OfferedService[] {
  const backends = new Backends(opened, defaultBackend, clock);
  const locks = new KeyedLock();
  const volumes = new Volumes(backends, locks, clock);
  const snapshots = new Snapshots(backends, locks, clock);
  const publications = new Publications(backends, locks);
  const isReady = (): boolean => opened.some((backend) => backend.isReachable());
  return [
    offer(Identity, identityHandlers({ name: driverName, version: VERSION, isReady })),
    offer(Controller, controllerHandlers({ volumes, snapshots, publications })),
  ];
}

/**
 * Serves as controller until a signal asks for the end.
 * @throws {ConfigError} and {@link FlagError} for what is written wrongly, before anything listens.
 */
export async function runController(flags: ControllerFlags, output: Output): Promise<void> {
  const config = await loadConfig(flags.config, configOverrides(flags));
  const access = socketAccess(flags);
  const observe = openLog({ ...config.log, write: output.err });
  const [clock, random] = [systemClock, systemRandom];

  await using stack = new AsyncDisposableStack();
  const opened = await openBackends(config, { clock, random, observe }, stack);
  const server = await serveCsi({
    ...access,
    endpoint: flags.endpoint,
    services: controllerServices(opened, config, clock),
    observe,
    clock,
  });
  stack.use(server);

  const stopping = new AbortController();
  const prepared = prepareArrays(opened, { clock, observe }, stopping.signal);
  stack.defer(() => prepared);
  stack.defer(() => stopping.abort(new Error("the driver is stopping")));
  await serveUntilAsked(server, { role: "controller", version: VERSION, observe });
}
