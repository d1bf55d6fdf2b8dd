/**
 * The whole product on real kernels: a box machine with the simulator that exports real NVMe
 * namespaces, one or two node machines with the driver, and a controller on this host.
 */
import { join } from "node:path";
import { buildBundle } from "../bundle.ts";
import { CsiClient } from "../trial/csi_client.ts";
import { backendOf, checkoutProgram, type Child, spawn, waitFor } from "../trial/processes.ts";
import { collectMachine } from "./collect.ts";
import { GuestProgram } from "./guest_program.ts";
import { kernelOf, type KernelSeries } from "./kernels.ts";
import { CONSOLE_PORT, CONTROL_PORT, SimulatedBox } from "./lab_box.ts";
import { CSI_PORT, DriverNode } from "./lab_node.ts";
import type { Machine } from "./machine.ts";
import { makeMachines } from "./segment.ts";

/** What to start. */
export interface LabOptions {
  readonly kernel: KernelSeries;
  /** How many nodes are booted at the start; the second one can be asked for later. */
  readonly nodes: 1 | 2;
  /** Flags for `rds-csi simulate` beyond the lab's own. */
  readonly boxFlags?: readonly string[];
  /** Lines added to the controller's only backend, as YAML mapping entries. */
  readonly backendSettings?: Readonly<Record<string, unknown>>;
  /** An existing, empty directory with a short path; everything the lab keeps is below it. */
  readonly directory: string;
  /** The bundled program, see tools/bundle.ts; built when absent. */
  readonly bundle?: string;
  /** Tells a person what goes on. */
  readonly print: (line: string) => void;
}

/** A running laboratory; disposing of it ends every process and keeps the directory. */
export class Lab implements AsyncDisposable {
  readonly series: KernelSeries;
  readonly box: SimulatedBox;
  /** Both nodes; the second one may be off. */
  readonly nodes: readonly [DriverNode, DriverNode];
  /** The path of the controller's Unix socket. */
  readonly controllerSocket: string;
  readonly controller: CsiClient;
  readonly #options: LabOptions;
  #controllerProcess: Child | undefined;

  /** For {@link startLab} alone. */
  constructor(options: LabOptions, box: SimulatedBox, nodes: readonly [DriverNode, DriverNode]) {
    this.#options = options;
    this.series = options.kernel;
    this.box = box;
    this.nodes = nodes;
    this.controllerSocket = join(options.directory, "controller.sock");
    this.controller = new CsiClient(this.controllerSocket);
  }

  /** The first node. */
  get node(): DriverNode {
    return this.nodes[0];
  }

  /** The second node, booted when it is off. */
  async secondNode(): Promise<DriverNode> {
    const [, second] = this.nodes;
    if (!second.machine.isRunning) await second.boot();
    return second;
  }

  /** The names of machines whose kernel ended by a panic. */
  async crashedMachines(): Promise<string[]> {
    const machines = [this.box.machine, ...this.nodes.map(({ machine }) => machine)];
    const crashed = await Promise.all(machines.map((machine) => machine.hasCrashed()));
    return machines.filter((_, index) => crashed[index]).map(({ name }) => name);
  }

  /** Tells a person what goes on. */
  print(line: string): void {
    this.#options.print(line);
  }

  /** Boots everything at once and waits until all takes calls. @throws {Error} */
  async start(): Promise<void> {
    const nodes = this.nodes.slice(0, this.#options.nodes);
    await Promise.all([this.box.boot(), ...nodes.map((node) => node.boot())]);
    await this.startController();
  }

  /** Starts the controller on this host and waits until it takes calls. @throws {Error} */
  async startController(): Promise<void> {
    const { directory, backendSettings = {} } = this.#options;
    const config = join(directory, "config.yaml");
    const backend = backendOf(this.box.ready, this.box.access.keyFile, {
      storageAddress: this.box.machine.address,
      ...backendSettings,
    });
    // JSON is YAML; the program reads it as it would a person's file.
    const text = JSON.stringify({ clusterId: "lab", backends: [backend] }, undefined, 2);
    await Deno.writeTextFile(config, text);
    const flags = ["--config", config, "--endpoint", `unix://${this.controllerSocket}`];
    // As with the machines: it does not outlive us.
    const argv = ["setpriv", "--pdeathsig", "TERM", ...checkoutProgram(), "controller", ...flags];
    this.#controllerProcess = spawn(argv, directory, "controller.log");
    await waitFor(this.controllerSocket, this.#controllerProcess);
  }

  /** Ends the controller's process; SIGKILL as a crash does. */
  async stopController(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#controllerProcess?.end(signal);
    this.#controllerProcess = undefined;
  }

  /** Pulls a machine's cable out of the private network. The way to its console stays. */
  async cutLink(machine: Machine): Promise<void> {
    await machine.setLink(false);
  }

  /** Puts the cable back. */
  async restoreLink(machine: Machine): Promise<void> {
    await machine.setLink(true);
  }

  /** Makes what a machine sends late, lost or slow: `loss 100%`, `delay 50ms 10ms`; "" ends it. */
  async netem(machine: Machine, settings: string): Promise<void> {
    const command = settings === ""
      ? "tc qdisc del dev eth0 root 2>/dev/null; true"
      : `modprobe sch_netem && tc qdisc replace dev eth0 root netem ${settings}`;
    await machine.run(command);
  }

  /** Copies logs and what the kernels say into `directory`, a folder for each machine. */
  async collect(directory: string): Promise<void> {
    await Deno.mkdir(directory, { recursive: true });
    const machines = [this.box.machine, ...this.nodes.map(({ machine }) => machine)];
    await Promise.all(machines.map((it) => collectMachine(it, join(directory, it.name))));
    const log = join(this.#options.directory, "controller.log");
    await Deno.copyFile(log, join(directory, "controller.log")).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.controller[Symbol.dispose]();
    await Promise.all([
      this.stopController("SIGTERM"),
      this.box[Symbol.asyncDispose](),
      ...this.nodes.map((node) => node[Symbol.asyncDispose]()),
    ]);
  }
}

/**
 * Starts a laboratory.
 * @throws {Error} naming what did not come up; nothing is left running then.
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const { directory, print, boxFlags = [] } = options;
  const kernel = await kernelOf(options.kernel, print);
  const bundle = options.bundle ?? await buildBundle();
  const machines = await makeMachines({
    kernel,
    directory,
    boxPorts: [CONSOLE_PORT, CONTROL_PORT],
    nodePorts: [CSI_PORT],
  });
  for (const machine of [machines.box, ...machines.nodes]) {
    await GuestProgram.install(machine, bundle);
  }
  const [first, second] = machines.nodes;
  const nodeOf = (machine: Machine): DriverNode =>
    new DriverNode(machine, join(directory, `${machine.name}.sock`));
  const box = new SimulatedBox({ machine: machines.box, directory, flags: boxFlags });
  const lab = new Lab(options, box, [nodeOf(first), nodeOf(second)]);
  try {
    await lab.start();
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
  return lab;
}
