/**
 * A whole trial installation as child processes of the shipped program: the simulator, a
 * controller and a node, in one directory, with keys of its own. The demo, the benches, csi-sanity
 * and the end-to-end tests all start the driver this way, so what they show is what is shipped.
 */
import { join } from "node:path";
import { generateKeyPair } from "../../src/simulator/server/key_pair.ts";
import { CsiClient } from "./csi_client.ts";

/** What to start, and how. */
export interface TrialOptions {
  /** An existing, empty directory; everything the processes keep is below it. */
  readonly directory: string;
  /** Flags for `rds-csi simulate` beyond the address, the keys and the directory. */
  readonly simulatorFlags?: readonly string[];
  /** Lines added to the controller's only backend, as YAML mapping entries. */
  readonly backendSettings?: Readonly<Record<string, unknown>>;
  /** The program: its path and leading arguments. Default: this checkout, by the running Deno. */
  readonly program?: readonly string[];
  /** The program for the simulator alone, where it is to be run otherwise. Default: `program`. */
  readonly simulatorProgram?: readonly string[];
  /** Whether a node is started too; default yes. */
  readonly hasNode?: boolean;
}

/** What the simulator prints on its first line with `--ready-json`. */
export interface SimulatorReady {
  readonly port: number;
  readonly hostKeyFingerprint: string;
  readonly controlSocket: string;
  readonly directory: string;
}

const BASE_PATH = "/storage-pool/trial";
/** How long a process may take until it answers. */
const START_DEADLINE_MS = 30_000;
const APPEND: Deno.OpenOptions = { append: true, create: true };
const ROOT = new URL("../../", import.meta.url);

/** Runs the program of this checkout under the Deno that runs us. */
export function checkoutProgram(): string[] {
  return [Deno.execPath(), "run", "--quiet", "-A", new URL("src/main.ts", ROOT).pathname];
}

/** One child process whose output goes to a file. */
class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #output: Promise<unknown>;

  constructor(process: Deno.ChildProcess, output: Promise<unknown>) {
    this.#process = process;
    this.#output = output;
  }

  get pid(): number {
    return this.#process.pid;
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }

  /** Sends a signal and waits for the end; a process that is gone already is fine. */
  async end(signal: Deno.Signal): Promise<void> {
    try {
      this.#process.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.#process.status;
    await this.#output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGTERM");
  }
}

/** A running trial installation; disposing of it ends the processes and keeps the directory. */
export class Trial implements AsyncDisposable {
  readonly directory: string;
  readonly simulator: SimulatorReady;
  readonly controllerSocket: string;
  readonly nodeSocket: string;
  readonly #program: readonly string[];
  readonly #simulatorProcess: Child;
  #controller: Child | undefined;
  #node: Child | undefined;

  constructor(options: TrialOptions, simulator: SimulatorReady, simulatorProcess: Child) {
    this.directory = options.directory;
    this.#program = options.program ?? checkoutProgram();
    this.simulator = simulator;
    this.controllerSocket = join(options.directory, "controller.sock");
    this.nodeSocket = join(options.directory, "node.sock");
    this.#simulatorProcess = simulatorProcess;
  }

  /** The controller's process id, for measurements; undefined when it is not running. */
  get controllerPid(): number | undefined {
    return this.#controller?.pid;
  }

  /** Starts the controller and waits until it takes calls. */
  async startController(): Promise<void> {
    const config = join(this.directory, "config.yaml");
    const flags = [
      "controller",
      "--config",
      config,
      "--endpoint",
      `unix://${this.controllerSocket}`,
    ];
    this.#controller = spawn([...this.#program, ...flags], this.directory, "controller.log");
    await waitFor(this.controllerSocket, this.#controller);
  }

  /** Starts the node, which reaches the simulator's disks directly, and waits for it. */
  async startNode(): Promise<void> {
    const flags = [
      ...["node", "--node-name", "trial-node", "--endpoint", `unix://${this.nodeSocket}`],
      ...["--attach", `trial:${this.simulator.directory}`],
      ...["--state-directory", join(this.directory, "node-state")],
    ];
    this.#node = spawn([...this.#program, ...flags], this.directory, "node.log");
    await waitFor(this.nodeSocket, this.#node);
  }

  /** Ends the controller with `signal` (SIGKILL: as a crash) and starts it again. */
  async restartController(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    await this.#controller?.end(signal);
    await this.startController();
  }

  /** Ends the node with `signal` and starts it again. */
  async restartNode(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    await this.#node?.end(signal);
    await this.startNode();
  }

  /** The files on the box below our base path: nothing, once everything is deleted. */
  async filesOnBox(): Promise<string[]> {
    const directory = join(this.simulator.directory, "box", "files", BASE_PATH);
    const names: string[] = [];
    for await (const { name } of Deno.readDir(directory)) names.push(name);
    return names.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node?.[Symbol.asyncDispose]();
    await this.#controller?.[Symbol.asyncDispose]();
    await this.#simulatorProcess[Symbol.asyncDispose]();
  }
}

/**
 * Starts simulator, controller and node.
 * @throws {Error} naming the process and the end of its output when one does not come up.
 */
export async function startTrial(options: TrialOptions): Promise<Trial> {
  const keys = generateKeyPair("ed25519", "trial");
  const keyFile = join(options.directory, "id_ed25519");
  await Deno.writeTextFile(keyFile, keys.privateText, { mode: 0o600 });
  await Deno.writeTextFile(`${keyFile}.pub`, `${keys.publicLine}\n`);
  const program = options.program ?? checkoutProgram();
  const [ready, simulatorProcess] = await startSimulatorProcess(
    options.simulatorProgram ?? program,
    options,
  );
  await Deno.writeTextFile(
    join(options.directory, "config.yaml"),
    renderConfig(ready, keyFile, options.backendSettings ?? {}),
  );
  const trial = new Trial(options, ready, simulatorProcess);
  try {
    await trial.startController();
    if (options.hasNode ?? true) await trial.startNode();
  } catch (error) {
    await trial[Symbol.asyncDispose]();
    throw error;
  }
  return trial;
}

async function startSimulatorProcess(
  program: readonly string[],
  options: TrialOptions,
): Promise<[SimulatorReady, Child]> {
  const flags = [
    ...["simulate", "--ready-json", "--directory", join(options.directory, "rds")],
    ...["--authorized-key", join(options.directory, "id_ed25519.pub")],
    ...(options.simulatorFlags ?? []),
  ];
  const child = spawn([...program, ...flags], options.directory, "simulator.log");
  const log = join(options.directory, "simulator.log");
  const line = await waitForLine(log, child);
  return [JSON.parse(line) as SimulatorReady, child];
}

/** Starts a process whose output, both streams, is appended to `log` in `directory`. */
function spawn(argv: readonly string[], directory: string, log: string): Child {
  const [program = "", ...args] = argv;
  const path = join(directory, log);
  const command = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const process = command.spawn();
  const output = Promise.all([append(process.stdout, path), append(process.stderr, path)]);
  return new Child(process, output);
}

/** Appends a stream to a file as it comes; `pipeTo` would hold the text back until the end. */
async function append(stream: ReadableStream<Uint8Array>, path: string): Promise<void> {
  using file = await Deno.open(path, APPEND);
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
  }
}

async function waitFor(socket: string, child: Child): Promise<void> {
  using client = new CsiClient(socket);
  const ended = child.status.then(({ code }) => {
    throw new Error(`The process for ${socket} ended with code ${code}; see its log beside it`);
  });
  ended.catch(() => {});
  await Promise.race([client.waitForReady(START_DEADLINE_MS), ended]);
}

/** The first line of a growing file that is a JSON object. */
async function waitForLine(file: string, child: Child): Promise<string> {
  const deadline = Date.now() + START_DEADLINE_MS;
  let isRunning = true;
  child.status.then(() => isRunning = false);
  while (Date.now() < deadline) {
    const text = await Deno.readTextFile(file).catch(() => "");
    const line = text.split("\n").find((candidate) => /^\{.*\}$/.test(candidate));
    if (line !== undefined) return line;
    if (!isRunning) throw new Error(`The simulator ended at start:\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await child.end("SIGKILL");
  throw new Error(`The simulator was not ready within ${START_DEADLINE_MS} ms`);
}

function renderConfig(
  ready: SimulatorReady,
  privateKeyFile: string,
  settings: Readonly<Record<string, unknown>>,
): string {
  const backend = {
    name: "trial",
    address: "127.0.0.1",
    port: ready.port,
    user: "admin",
    privateKeyFile,
    hostKeys: [ready.hostKeyFingerprint],
    storageAddress: "127.0.0.1",
    basePath: BASE_PATH,
    ...settings,
  };
  // JSON is YAML; the program reads it as it would a person's file.
  return JSON.stringify({ clusterId: "trial", backends: [backend] }, undefined, 2);
}
