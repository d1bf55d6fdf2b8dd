/**
 * What is tried on real kernels: each scenario makes volumes of its own in a running laboratory,
 * does something bad, and asserts what has to come of it. The failure matrix is in plans.ts.
 */
import type { ControlRequest } from "../../src/simulator/control/protocol.ts";
import type { CsiClient } from "../../tools/trial/csi_client.ts";
import type { KernelSeries } from "../../tools/lab/kernels.ts";
import type { Machine } from "../../tools/lab/machine.ts";

/** What a scenario is called: a row of the failure matrix, or a word. */
export type ScenarioId = string;

/** A scenario without its code: what the reference page is made from. Pure data. */
export interface ScenarioPlan {
  readonly id: ScenarioId;
  /** The rows of the failure matrix that it shows, for example `F2`; empty for other promises. */
  readonly rows: readonly string[];
  /** The fault, or what is done, in a few words. */
  readonly title: string;
  /** What has to come of it, in words; by kernel where kernels differ. */
  readonly expected: string | Readonly<Record<KernelSeries, string>>;
  /** Kernels it makes no sense on, with the reason. */
  readonly notOn?: Readonly<Partial<Record<KernelSeries, string>>>;
  /** The whole scenario may take so long. */
  readonly deadlineMs: number;
  /** Whether it needs the second node. */
  readonly needsSecondNode?: boolean;
  /** Whether box and nodes have to be booted afresh for it, and thrown away after. */
  readonly needsOwnBoot?: boolean;
}

/** A row of the matrix, or a part of one, that no scenario shows. */
export interface UnshownRow {
  readonly row: string;
  readonly title: string;
  readonly reason: string;
}

/** What a scenario measured, by a name that ends in its unit, for example `longestFsyncMs`. */
export type Figures = Readonly<Record<string, number | string>>;

/** A node of the laboratory with the driver in its node role. */
export interface LabNode {
  readonly machine: Machine;
  /** What `--node-name` says. */
  readonly name: string;
  /** The driver's endpoint; of the present boot. */
  readonly csi: CsiClient;
  /** The id that NodeGetInfo gave; also when the machine is off. */
  nodeId(): Promise<string>;
  /** The driver's process in the machine. */
  driverPid(): Promise<number>;
  /** Starts the driver and waits until it takes calls. */
  startDriver(): Promise<void>;
  /** Ends the driver's process; SIGKILL as a crash does. */
  stopDriver(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** What the driver wrote so far, of all starts. */
  driverLog(): Promise<string>;
  /** Boots the machine (after a power cut) and starts the driver. */
  boot(): Promise<void>;
}

/** The box of the laboratory: the simulator with real exports. */
export interface LabBox {
  readonly machine: Machine;
  /** Starts the simulator and waits until its exports are there again; `flags` beyond its own. */
  startSimulator(flags?: readonly string[]): Promise<void>;
  /** Ends the simulator's process. */
  stopSimulator(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Runs a line on the box's console, as a person does, and gives what it prints. */
  console(line: string): Promise<string>;
  /** Sends a request to the simulator's control socket; gives the result. @throws {Error} */
  control(request: ControlRequest): Promise<unknown>;
  /** Boots the machine (after a power cut) and starts the simulator. */
  boot(): Promise<void>;
}

/** A running laboratory: a box, one or two nodes, and a controller on this host. */
export interface KernelLab {
  readonly series: KernelSeries;
  readonly box: LabBox;
  readonly node: LabNode;
  /** The second node; booted when it is first asked for. */
  secondNode(): Promise<LabNode>;
  /** The controller's endpoint. */
  readonly controller: CsiClient;
  /** Tells a person what goes on. */
  print(line: string): void;
}

/** Runs a scenario. @throws {Error} when something did not come as it has to */
export type RunScenario = (lab: KernelLab, signal: AbortSignal) => Promise<Figures>;

/** Minutes in milliseconds. */
export function minutes(count: number): number {
  return count * 60_000;
}

/** A scenario as it is run. */
export interface Scenario {
  readonly plan: ScenarioPlan;
  readonly run: RunScenario;
}
