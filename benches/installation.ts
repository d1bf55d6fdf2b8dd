/** The installation that is measured: simulator and controller as processes of the program. */
import { join } from "node:path";
import { SimulatorControl } from "../src/simulator/control/client.ts";
import { CsiClient } from "../tools/trial/csi_client.ts";
import { startTrial } from "../tools/trial/processes.ts";
import type { Trial } from "../tools/trial/processes.ts";
import { ControllerCalls } from "./controller_calls.ts";

/** What to start. */
export interface InstallationOptions {
  /** The program and its leading arguments; absent: this checkout. */
  readonly program?: readonly string[];
  /** The same for the simulator, which stands for hardware and need not be small. */
  readonly simulatorProgram?: readonly string[];
  readonly simulatorFlags?: readonly string[];
  readonly backendSettings?: Readonly<Record<string, unknown>>;
}

/** A simulator and a controller that run; disposing of it ends them and removes their files. */
export class Installation implements AsyncDisposable {
  readonly trial: Trial;
  readonly control: SimulatorControl;
  readonly calls: ControllerCalls;
  readonly #client: CsiClient;

  private constructor(trial: Trial, control: SimulatorControl, client: CsiClient) {
    this.trial = trial;
    this.control = control;
    this.#client = client;
    this.calls = new ControllerCalls(client);
  }

  /** Starts both in a directory of their own. @throws {Error} when one does not come up */
  static async start(options: InstallationOptions = {}): Promise<Installation> {
    const directory = await Deno.makeTempDir({ prefix: "rds-csi-bench-" });
    try {
      const trial = await startTrial({ directory, hasNode: false, ...options });
      const control = await SimulatorControl.connect(trial.simulator.controlSocket);
      return new Installation(trial, control, new CsiClient(trial.controllerSocket));
    } catch (error) {
      const log = await Deno.readTextFile(join(directory, "controller.log")).catch(() => "");
      await Deno.remove(directory, { recursive: true });
      throw new Error(`Cannot start what is measured: ${error}\n${log.slice(-2000)}`);
    }
  }

  /** The commands that came to the box since its start. */
  async commandCount(): Promise<number> {
    return (await this.control.counters()).commands;
  }

  /** The process id of the controller. */
  get controllerPid(): number {
    const pid = this.trial.controllerPid;
    if (pid === undefined) throw new Error("The controller does not run");
    return pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    await this.control[Symbol.asyncDispose]();
    await this.trial[Symbol.asyncDispose]();
    await Deno.remove(this.trial.directory, { recursive: true });
  }
}
