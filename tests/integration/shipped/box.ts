/** One simulated box as a process, and what a person at its console would see and do. */
import { basename, join } from "node:path";
import { SimulatorControl } from "../../../src/simulator/control/client.ts";
import { runOnBox } from "../../../tools/trial/box_console.ts";
import {
  BASE_PATH,
  checkoutProgram,
  type Child,
  type SimulatorReady,
  startSimulator,
} from "../../../tools/trial/processes.ts";

/** What a box is started with. */
export interface BoxStart {
  readonly directory: string;
  /** The private key of its user; the public one beside it, with the ending `.pub`. */
  readonly keyFile: string;
  /** Flags of `rds-csi simulate`. */
  readonly flags: readonly string[];
}

/** A box that can die and come back with its address, its keys and its files. */
export class Box implements AsyncDisposable {
  readonly #start: BoxStart;
  #ready: SimulatorReady | undefined;
  #process: Child | undefined;
  #control: SimulatorControl | undefined;

  constructor(start: BoxStart) {
    this.#start = start;
  }

  /** What the simulator said when it was ready. */
  get ready(): SimulatorReady {
    if (this.#ready === undefined) throw new Error("The box was never started");
    return this.#ready;
  }

  /** The simulator's control socket. */
  get control(): SimulatorControl {
    if (this.#control === undefined) throw new Error("The box is not running");
    return this.#control;
  }

  /** Starts the box, after {@link die} at its old address; `flags` are laid over its own. */
  async start(flags: readonly string[] = []): Promise<void> {
    const port = this.#ready === undefined ? [] : ["--port", String(this.#ready.port)];
    const { directory, keyFile, flags: own } = this.#start;
    [this.#ready, this.#process] = await startSimulator(checkoutProgram(), {
      directory,
      authorizedKey: `${keyFile}.pub`,
      flags: [...own, ...flags, ...port],
    });
    this.#control = await SimulatorControl.connect(this.#ready.controlSocket);
  }

  /** Ends the box as a power failure does. */
  async die(): Promise<void> {
    await this.#control?.[Symbol.asyncDispose]();
    await this.#process?.end("SIGKILL");
  }

  /** Runs one line on the console and gives what it prints. */
  async run(line: string): Promise<string> {
    return await runOnBox({ port: this.ready.port, keyFile: this.#start.keyFile }, line);
  }

  /** The rows of the disks that `condition` selects, as the console serializes them. */
  async disks(condition: string): Promise<Record<string, unknown>[]> {
    const rows = `[/disk/print detail as-value where ${condition}]`;
    const options = "options=json.no-string-conversion";
    return JSON.parse(await this.run(`:put [:serialize to=json value=${rows} ${options}]`));
  }

  /** The ids of the volumes and snapshots of a cluster, sorted. */
  async items(clusterId = "shipped"): Promise<string[]> {
    const rows = await this.disks(`comment~"k=[vs];i=${clusterId};"`);
    return rows.map((row) => basename(String(row["file-path"]), ".img")).sort();
  }

  /** The names of the files below a directory of the pool. */
  async files(path: string = BASE_PATH): Promise<string[]> {
    const names: string[] = [];
    try {
      for await (const { name } of Deno.readDir(this.#pathOf(path))) names.push(name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return names.sort();
  }

  /** Where a file of the pool is on this machine. */
  fileOf(name: string, path: string = BASE_PATH): string {
    return join(this.#pathOf(path), name);
  }

  #pathOf(path: string): string {
    return join(this.ready.directory, "box", "files", path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#control?.[Symbol.asyncDispose]();
    await this.#process?.end("SIGTERM");
  }
}
