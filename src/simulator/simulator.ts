import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Box, openBox } from "./box/box.ts";
import { ControlServer, isSocketPath } from "./control/control_server.ts";
import {
  type CommandList,
  type CommandQuery,
  type ControlRequest,
  type ControlResults,
  DEFAULT_LISTED_COMMANDS,
  type SimulatorStatus,
} from "./control/protocol.ts";
import { type Fault, isExportFault, type Violation } from "./faults.ts";
import { runLine } from "./language/console.ts";
import { Exporter, type ExportState } from "./nvmet/exporter.ts";
import { exportingTree } from "./nvmet/exporting_console.ts";
import { openKernel } from "./nvmet/machine.ts";
import { CommandLog, type Counters } from "./server/command_log.ts";
import type { RunLine } from "./server/exec.ts";
import { FaultPlan } from "./server/fault_plan.ts";
import type { HostKey } from "./server/host_key.ts";
import { type Latency, NO_LATENCY, pause } from "./server/latency.ts";
import { SshServer } from "./server/ssh_server.ts";
import { accountOf, boxOptionsOf, hostKeyOf, type SimulatorOptions } from "./simulator_options.ts";

/** RouterOS's default for `max-sessions` of the service ssh. */
const DEFAULT_MAX_SESSIONS = 20;

/** Nobody published the real limit; one client should not need more. */
const DEFAULT_COMMANDS_PER_CONNECTION = 8;

const DEFAULT_HOST = "127.0.0.1";

/**
 * Starts a box, its SSH server and its control socket. Dispose of it to stop all three.
 * @throws {Error} when a key cannot be read, or an address or path cannot be used.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const resources = new AsyncDisposableStack();
  try {
    if (options.directory !== undefined) await mkdir(options.directory, { recursive: true });
    const hostKey = await hostKeyOf(options);
    const box = resources.use(await openBox(boxOptionsOf(options)));
    const state = {
      plan: new FaultPlan(),
      log: new CommandLog(() => performance.now()),
      latency: { ...NO_LATENCY, ...options.latency },
    };
    const exporter = await startExporter(box, state.plan, options, resources);
    const server = resources.use(await startServer(box, exporter, hostKey, state, options));
    const controlSocket = await controlSocketOf(options, resources);
    const host = options.host ?? DEFAULT_HOST;
    const simulator = new Simulator(
      { box, exporter, server, hostKey, host, controlSocket, state },
      resources,
    );
    for (const fault of options.faults ?? []) {
      if (!isExportFault(fault)) await simulator.addFault(fault);
    }
    resources.use(await ControlServer.start(controlSocket, (request) => simulator.handle(request)));
    return simulator;
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

/** What changes while a simulator runs, shared by it and its server. */
interface SharedState {
  readonly plan: FaultPlan;
  readonly log: CommandLog;
  latency: Latency;
}

interface Parts {
  readonly box: Box;
  readonly exporter: Exporter | undefined;
  readonly server: SshServer;
  readonly hostKey: HostKey;
  readonly host: string;
  readonly controlSocket: string;
  readonly state: SharedState;
}

/** A running simulator. The control socket offers the same as its methods. */
export class Simulator implements AsyncDisposable {
  /** The box behind the console. */
  readonly box: Box;
  readonly host: string;
  readonly port: number;
  /** `ssh-ed25519 AAAA…`: the host key as in a known_hosts file. */
  readonly hostKeyLine: string;
  /** `SHA256:…`: the host key as OpenSSH shows it. */
  readonly hostKeyFingerprint: string;
  /** The path of the control socket. */
  readonly control: string;
  readonly #exporter: Exporter | undefined;
  readonly #server: SshServer;
  readonly #state: SharedState;
  readonly #resources: AsyncDisposableStack;
  readonly #closing = new AbortController();
  #diskFull: Extract<Fault, { kind: "disk-full" }> | undefined;
  #reboots = 0;

  /** Made by {@link startSimulator}; `resources` are released with it. */
  constructor(parts: Parts, resources: AsyncDisposableStack) {
    this.box = parts.box;
    this.host = parts.host;
    this.port = parts.server.port;
    this.hostKeyLine = parts.hostKey.publicLine;
    this.hostKeyFingerprint = parts.hostKey.fingerprint;
    this.control = parts.controlSocket;
    this.#exporter = parts.exporter;
    this.#server = parts.server;
    this.#state = parts.state;
    this.#resources = resources;
  }

  /**
   * Adds a fault; gives what waits now.
   * @throws {RangeError} when too many wait, or none of this kind can strike this simulator.
   */
  async addFault(fault: Fault): Promise<readonly Fault[]> {
    if (isExportFault(fault) && this.#exporter === undefined) throw exportsNothing(fault.kind);
    if (fault.kind === "reboot") await this.reboot(fault.seconds);
    else if (fault.kind === "disk-full") this.#fillDisk(fault);
    else this.#state.plan.add(fault);
    return this.#waitingFaults();
  }

  /** Removes every fault; gives what had still waited. Links that hang already stay so. */
  clearFaults(): readonly Fault[] {
    const waiting = this.#waitingFaults();
    this.#state.plan.clear();
    this.#fillDisk(undefined);
    return waiting;
  }

  /** Changes the latency of some classes, in milliseconds; gives that of all. */
  setLatency(latency: Partial<Latency>): Latency {
    this.#state.latency = { ...this.#state.latency, ...latency };
    return this.#state.latency;
  }

  /**
   * Reboots the box: drops every connection and export, stops every command, and lets nobody in
   * for `seconds`. Returns when the box is down; a second reboot meanwhile counts from then.
   */
  async reboot(seconds: number): Promise<void> {
    const reboot = ++this.#reboots;
    await this.#server.goDown();
    await this.#exporter?.shutDown();
    await this.box.reboot();
    await this.#exporter?.save();
    pause(seconds * 1000, this.#closing.signal).then(() => {
      if (reboot !== this.#reboots || this.#closing.signal.aborted) return;
      this.#exporter?.boot();
      this.#server.goUp();
    });
  }

  /** The exports in the kernel; none when the simulator makes no real ones. */
  exports(): readonly ExportState[] {
    return this.#exporter?.states() ?? [];
  }

  /** What the box recorded that must never happen. */
  violations(): readonly Violation[] {
    return this.box.violations();
  }

  /** The last commands, oldest first, and how many there were in all. */
  commands(query: Partial<CommandQuery> = {}): CommandList {
    const { log } = this.#state;
    return {
      count: log.counters().commands,
      commands: log.records(query.last ?? DEFAULT_LISTED_COMMANDS, query.since ?? 0),
    };
  }

  /** The sums since the start. */
  counters(): Counters {
    return this.#state.log.counters();
  }

  /** The state now. */
  status(): SimulatorStatus {
    return {
      host: this.host,
      port: this.port,
      hostKeyFingerprint: this.hostKeyFingerprint,
      isUp: this.#server.isUp,
      openConnections: this.#server.openConnections,
      sessionLimit: this.#server.sessionLimit,
      latency: this.#state.latency,
      faults: this.#waitingFaults(),
      struck: this.#state.plan.struck(),
      violations: this.violations().length,
    };
  }

  /** Waits until no command runs any more, also those whose client is gone. */
  idle(): Promise<void> {
    return this.#server.idle();
  }

  /** Carries out one request of the control socket. */
  async handle(request: ControlRequest): Promise<ControlResults[keyof ControlResults]> {
    if ("add" in request) return await this.addFault(request.add);
    if ("clear" in request) return this.clearFaults();
    if ("latency" in request) return this.setLatency(request.latency);
    if ("violations" in request) return this.violations();
    if ("status" in request) return this.status();
    if ("commands" in request) return this.commands(request.commands);
    if ("counters" in request) return this.counters();
    if ("exports" in request) return this.exports();
    await this.reboot(request.reboot.seconds);
    return request.reboot;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#resources.disposeAsync();
  }

  #fillDisk(fault: Extract<Fault, { kind: "disk-full" }> | undefined): void {
    this.#diskFull = fault;
    this.box.setFreeLimit(fault?.freeBytes);
  }

  #waitingFaults(): readonly Fault[] {
    const waiting = this.#state.plan.waiting();
    return this.#diskFull === undefined ? waiting : [...waiting, this.#diskFull];
  }
}

/** The export faults given from the start are there before the first export begins. */
async function startExporter(
  box: Box,
  plan: FaultPlan,
  options: SimulatorOptions,
  resources: AsyncDisposableStack,
): Promise<Exporter | undefined> {
  const faults = (options.faults ?? []).filter(isExportFault);
  if (options.nvmet === undefined) {
    const [fault] = faults;
    if (fault !== undefined) throw exportsNothing(fault.kind);
    return undefined;
  }
  for (const fault of faults) plan.add(fault);
  return resources.use(
    await Exporter.start({
      box,
      kernel: options.nvmet.kernel ?? await openKernel(),
      address: options.nvmet.address ?? options.host ?? DEFAULT_HOST,
      strike: (slot) => plan.strikeExport(slot),
    }),
  );
}

function exportsNothing(kind: Fault["kind"]): RangeError {
  return new RangeError(`Cannot add fault "${kind}": this simulator has no export nvmet`);
}

function startServer(
  box: Box,
  exporter: Exporter | undefined,
  hostKey: HostKey,
  state: SharedState,
  options: SimulatorOptions,
): Promise<SshServer> {
  return SshServer.start({
    host: options.host ?? DEFAULT_HOST,
    port: options.port ?? 0,
    hostKey,
    maxSessions: options.maxSessions ?? DEFAULT_MAX_SESSIONS,
    commandsPerConnection: options.commandsPerConnection ?? DEFAULT_COMMANDS_PER_CONNECTION,
    accountOf: (name) => accountOf(box.user(name), options),
    runLine: consoleOf(box, exporter),
    plan: state.plan,
    log: state.log,
    latency: () => state.latency,
    onDisconnect: options.onDisconnect ?? "finish",
    exitStatusOnError: options.exitStatusOnError ?? 0,
  });
}

/** The console of a box, as the server calls it. */
function consoleOf(box: Box, exporter: Exporter | undefined): RunLine {
  const tree = exporter === undefined ? box.tree : exportingTree(box.tree, exporter);
  return async (line, session, { print, signal }) => {
    let failed = false;
    await runLine(line, tree, session, {
      print,
      signal,
      onFailure: () => failed = true,
      log: (level, message) => box.log(`script,${level}`, message),
    });
    await exporter?.save();
    return failed;
  };
}

/** The path of the control socket; a temporary directory made for it goes with `resources`. */
async function controlSocketOf(
  options: SimulatorOptions,
  resources: AsyncDisposableStack,
): Promise<string> {
  if (options.controlSocket !== undefined) return options.controlSocket;
  const beside = join(options.directory ?? "", "control.sock");
  if (options.directory !== undefined && isSocketPath(beside)) return beside;
  const temporary = await mkdtemp(join(tmpdir(), "rds-csi-simulator-"));
  resources.defer(() => rm(temporary, { recursive: true, force: true }));
  return join(temporary, "control.sock");
}
