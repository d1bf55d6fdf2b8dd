/** From the configured backends to arrays that are kept connected. */
import { openRouterOsArray, type RouterOsArray } from "../adapters/routeros-ssh/array.ts";
import type { Backend } from "../application/backends.ts";
import { ConfigError } from "../config/config.ts";
import type { BackendConfig, Config } from "../config/shape.ts";
import { StorageError } from "../domain/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Observe } from "../ports/events.ts";
import type { Random } from "../ports/random.ts";
import { readKeyFile } from "./key_file.ts";

/** What arrays share. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: Observe;
}

/** An array, and where nodes reach its volumes. */
export interface OpenedBackend extends Backend {
  readonly array: RouterOsArray;
}

/** How often an array is asked again whether copies can be proved, until they are. */
const PREPARE_AGAIN_MS = 30_000;

/**
 * Opens every backend; each connects in the background, for ever, and goes with `stack`.
 * @throws {ConfigError} naming each backend whose key or settings cannot be used.
 */
export async function openBackends(
  config: Config,
  around: Surroundings,
  stack: AsyncDisposableStack,
): Promise<OpenedBackend[]> {
  const problems: string[] = [];
  const opened: OpenedBackend[] = [];
  for (const [index, backend] of config.backends.entries()) {
    const key = await readKeyFile(backend.privateKeyFile);
    if ("finding" in key) {
      const { privateKeyFile: file } = backend;
      problems.push(`backends[${index}].privateKeyFile: "${file}" ${key.finding}`);
      continue;
    }
    try {
      opened.push(openBackend(config.clusterId, backend, key.text, around, stack));
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      problems.push(`backends[${index}]: ${error.message}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return opened;
}

/**
 * Has every array prove, once it is connected, how it copies, so that the first snapshot need not
 * wait for that, and remove left-overs. One that cannot is asked again; why it cannot is an event.
 */
export async function prepareArrays(
  backends: readonly OpenedBackend[],
  { clock, observe }: Pick<Surroundings, "clock" | "observe">,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(backends.map(async ({ array }) => {
    while (!signal.aborted && !await isPrepared(array, observe, signal)) {
      await clock.sleep(PREPARE_AGAIN_MS, signal).catch(() => {});
    }
  }));
}

function openBackend(
  clusterId: string,
  backend: BackendConfig,
  privateKey: string,
  around: Surroundings,
  stack: AsyncDisposableStack,
): OpenedBackend {
  const { name, address, port, user, hostKeys, storageAddress } = backend;
  const array = openRouterOsArray({
    ...{ name, address, port, user, hostKeys, clusterId, ...around },
    privateKey: { text: privateKey },
    basePath: backend.basePath,
    allowedBasePaths: backend.allowedBasePaths,
    nvmePorts: backend.nvmePorts,
    minFreePercent: backend.minFreePercent,
    volumesMax: backend.volumesMax,
    readConnections: backend.connections.reads,
    snapshots: backend.snapshots,
    timeouts: {
      dialMs: backend.timeouts.dialSeconds * 1000,
      readMs: backend.timeouts.commandSeconds * 1000,
      changeMs: backend.timeouts.changeSeconds * 1000,
      copyMs: backend.timeouts.copySeconds * 1000,
      closeMs: backend.timeouts.shutdownSeconds * 1000,
    },
  });
  stack.use(array);
  const { volumes, snapshots } = array;
  return {
    name,
    storageAddress,
    volumes,
    snapshots,
    array,
    isReachable: () => array.isReachable(),
  };
}

/** False for now whatever went wrong: calls that need the proof ask again and report the failure. */
async function isPrepared(
  array: RouterOsArray,
  observe: Observe,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await array.prepare(signal);
    return true;
  } catch (error) {
    // One that is not connected says so by itself, each time it is dialled.
    if (!signal.aborted && array.isReachable()) {
      observe({ kind: "preparation-failed", array: array.name, error });
    }
    return false;
  }
}
