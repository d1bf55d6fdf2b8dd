import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readIfPresent } from "../simulator/server/host_key.ts";
import { generateKeyPair } from "../simulator/server/key_pair.ts";
import { type Simulator, startSimulator } from "../simulator/simulator.ts";
import type { SimulatorOptions } from "../simulator/simulator_options.ts";
import { type SimulateFlags, simulatorOptionsOf } from "./simulate_flags.ts";

/** What a parent process is told with `--ready-json`. */
export interface ReadyLine {
  readonly port: number;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
  /** `SHA256:…` */
  readonly hostKeyFingerprint: string;
  readonly controlSocket: string;
  readonly directory: string;
  /** The private key to log in with, when the simulator made one. */
  readonly clientKey?: string;
}

/**
 * Runs a simulator until the process is told to end (Ctrl-C or SIGTERM).
 * @throws {FlagError} for a value that is not allowed, before anything is started.
 * @throws {StartError} when it cannot be started.
 */
export async function runSimulator(flags: SimulateFlags): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const stopped = stopRequested(stack);
  const checked = await simulatorOptionsOf(flags);
  const directory = await directoryOf(flags.directory, stack).catch(refuseStart);
  const login = await loginOf(checked, directory).catch(refuseStart);
  const simulator = await start({ ...checked, ...login.options, directory });
  stack.use(simulator);
  const ready = readyLineOf(simulator, directory, login.clientKey);
  await print(flags.readyJson === true ? JSON.stringify(ready) : describe(ready, simulator, flags));
  await stopped;
  if (flags.readyJson !== true) await print(farewell(simulator));
}

/** The simulator cannot be started on this machine now: a port in use, a locked directory. */
export class StartError extends Error {
  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`Cannot start the simulator: ${reason}`, { cause });
    this.name = "StartError";
  }
}

async function start(options: SimulatorOptions): Promise<Simulator> {
  try {
    return await startSimulator(options);
  } catch (error) {
    throw new StartError(error);
  }
}

function refuseStart(cause: unknown): never {
  throw new StartError(cause);
}

/** Resolves at the first SIGINT or SIGTERM. */
function stopRequested(stack: AsyncDisposableStack): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, resolve);
    stack.defer(() => Deno.removeSignalListener(signal, resolve));
  }
  return promise;
}

/** The directory given, or a temporary one that goes with `stack`. */
async function directoryOf(
  given: string | undefined,
  stack: AsyncDisposableStack,
): Promise<string> {
  if (given !== undefined) {
    await mkdir(given, { recursive: true });
    return resolve(given);
  }
  const temporary = await mkdtemp(join(tmpdir(), "rds-csi-simulator-"));
  stack.defer(() => rm(temporary, { recursive: true, force: true }));
  return temporary;
}

interface Login {
  readonly options: Pick<SimulatorOptions, "authorizedKeys">;
  readonly clientKey: string | undefined;
}

/** What the flags say; without password and keys a client key is made, kept in the directory. */
async function loginOf(options: SimulatorOptions, directory: string): Promise<Login> {
  const hasKeys = (options.authorizedKeys ?? "").trim() !== "";
  if (hasKeys || options.password !== undefined) return { options: {}, clientKey: undefined };
  const clientKey = join(directory, "client_key");
  const stored = await readIfPresent(`${clientKey}.pub`);
  if (stored !== undefined) return { options: { authorizedKeys: stored }, clientKey };
  const pair = generateKeyPair("ed25519", "simulator");
  await writeFile(clientKey, pair.privateText, { mode: 0o600 });
  await chmod(clientKey, 0o600);
  await writeFile(`${clientKey}.pub`, pair.publicLine + "\n");
  return { options: { authorizedKeys: pair.publicLine }, clientKey };
}

function readyLineOf(
  simulator: Simulator,
  directory: string,
  clientKey: string | undefined,
): ReadyLine {
  return {
    port: simulator.port,
    hostKey: simulator.hostKeyLine,
    hostKeyFingerprint: simulator.hostKeyFingerprint,
    controlSocket: simulator.control,
    directory,
    ...(clientKey === undefined ? {} : { clientKey }),
  };
}

function describe(ready: ReadyLine, simulator: Simulator, flags: SimulateFlags): string {
  const { settings } = simulator.box;
  const identity = ready.clientKey === undefined ? "" : ` -i ${ready.clientKey}`;
  const host = simulator.host;
  const kept = flags.directory === undefined ? "removed at the end" : "kept";
  return [
    `RouterOS ${settings.version} simulator listening on ${host} port ${ready.port}`,
    "",
    `  log in     ssh -p ${ready.port}${identity} admin@${host} '/disk print'`,
    `  users      ${settings.users.map((user) => user.name).join(", ")}`,
    `  host key   ${ready.hostKeyFingerprint}`,
    `  directory  ${ready.directory} (${kept})`,
    `  control    rds-csi simulate control --socket ${ready.controlSocket} status`,
    ...describeExports(simulator, flags),
    "",
    "Press Ctrl-C to stop.",
  ].join("\n");
}

/** With real exports: how many there are, and what is wrong with the others. */
function describeExports(simulator: Simulator, flags: SimulateFlags): string[] {
  if (flags.export === undefined) return [];
  const exports = simulator.exports();
  const ready = exports.filter(({ state }) => state === "exported").length;
  const address = flags.nvmeAddress ?? flags.host;
  const problems = exports.flatMap(({ problem }) => problem === undefined ? [] : [problem]);
  return [
    `  NVMe/TCP   ${ready} of ${exports.length} exports at ${address}`,
    ...problems.map((problem) => `             ${problem}`),
  ];
}

function farewell(simulator: Simulator): string {
  const violations = simulator.violations();
  const count = simulator.counters().commands;
  return [
    "",
    `Stopped after ${count} command${count === 1 ? "" : "s"}, ${violations.length} violation` +
    `${violations.length === 1 ? "" : "s"} recorded${violations.length === 0 ? "." : ":"}`,
    ...violations.map((violation) => `  ${violation.kind}: ${violation.detail}`),
  ].join("\n");
}

async function print(text: string): Promise<void> {
  const writer = Deno.stdout.writable.getWriter();
  await writer.write(new TextEncoder().encode(text + "\n"));
  writer.releaseLock();
}
