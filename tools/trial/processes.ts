/**
 * A whole trial installation as child processes of the shipped program: the simulator, a
 * controller and a node, in one directory, with keys of its own. The demo, the benches, csi-sanity
 * and the end-to-end tests all start the driver this way, so what they show is what is shipped.
 */
import { join } from "node:path";
import { generateKeyPair } from "../../src/simulator/server/key_pair.ts";
import type { BoxAccess } from "./box_console.ts";
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
  /** How volumes reach the nodes; default `trial`. `loop` needs root. */
  readonly attach?: "trial" | "loop";
  /** The program for the nodes alone, where it is to be run otherwise. Default: `program`. */
  readonly nodeProgram?: readonly string[];
  /** Told of every process that is started, so that somebody else can end it when we cannot. */
  readonly onStart?: (pid: number) => void;
}

/** What the simulator prints on its first line with `--ready-json`. */
export interface SimulatorReady {
  readonly port: number;
  readonly hostKeyFingerprint: string;
  readonly controlSocket: string;
  readonly directory: string;
}

/** The directory on every simulated box where a trial keeps its files. */
export const BASE_PATH = "/storage-pool/trial";
/** How long a process may take until it answers. */
const START_DEADLINE_MS = 30_000;
const FIRST_NODE = 1;
const APPEND: Deno.OpenOptions = { append: true, create: true };
const ROOT = new URL("../../", import.meta.url);

/** Runs the program of this checkout under the Deno that runs us. */
export function checkoutProgram(): string[] {
  return [Deno.execPath(), "run", "--quiet", "-A", new URL("src/main.ts", ROOT).pathname];
}

/** One child process whose output, both streams, is appended to a file. */
export class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #log: string;
  /** How long the file was before. */
  readonly #start: number;
  readonly #output: Promise<unknown>;
  #grown = Promise.withResolvers<void>();

  /** For {@link spawn} alone. */
  constructor(process: Deno.ChildProcess, log: string) {
    this.#process = process;
    this.#log = log;
    this.#start = lengthOf(log);
    const grow = (): void => {
      this.#grown.resolve();
      this.#grown = Promise.withResolvers<void>();
    };
    const streams = [process.stdout, process.stderr];
    this.#output = Promise.all(streams.map((stream) => append(stream, log, grow)));
  }

  get pid(): number {
    return this.#process.pid;
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }

  /** Sends a signal; a process that is gone already is fine. */
  kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Sends a signal and waits for the end, and until all output is in the file. */
  async end(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    this.kill(signal);
    return await this.ended();
  }

  /** Waits for the end, and until all output is in the file. */
  async ended(): Promise<Deno.CommandStatus> {
    const status = await this.#process.status;
    await this.#output;
    return status;
  }

  /**
   * The first line of this process, written already or later, that `matches`.
   * @throws {Error} with the file's text when there is none within `withinMs`, or at the end.
   */
  async lineWhere(matches: (line: string) => boolean, withinMs: number): Promise<string> {
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const timer = setTimeout(giveUp, withinMs);
    let isOver = false;
    const over = Promise.race([late, this.ended()]).then(() => void (isOver = true));
    try {
      while (true) {
        const grown = this.#grown.promise;
        const wasOver = isOver;
        const text = new TextDecoder().decode((await Deno.readFile(this.#log)).slice(this.#start));
        const found = text.split("\n").slice(0, -1).find(matches);
        if (found !== undefined) return found;
        if (wasOver) throw new Error(`No such line within ${withinMs} ms:\n${text}`);
        await Promise.race([grown, over]);
      }
    } finally {
      clearTimeout(timer);
      giveUp();
    }
  }

  /** Ends the process with SIGTERM. */
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
  readonly #options: TrialOptions;
  readonly #simulatorProcess: Child;
  #controller: Child | undefined;
  readonly #nodes = new Map<number, Child>();

  constructor(options: TrialOptions, simulator: SimulatorReady, simulatorProcess: Child) {
    this.directory = options.directory;
    this.#options = options;
    this.simulator = simulator;
    this.controllerSocket = join(options.directory, "controller.sock");
    this.nodeSocket = this.nodeSocketOf(FIRST_NODE);
    this.#simulatorProcess = simulatorProcess;
  }

  /** The socket of the first node, the second, and so on; they count from 1. */
  nodeSocketOf(index: number): string {
    return join(this.directory, `${nodeFileName(index)}.sock`);
  }

  /** The process of a node that was started. @throws {Error} when it was not. */
  nodeProcess(index: number = FIRST_NODE): Child {
    const node = this.#nodes.get(index);
    if (node === undefined) throw new Error(`Node ${index} was not started`);
    return node;
  }

  /** How a person gets to the box's console. */
  get box(): BoxAccess {
    return { port: this.simulator.port, keyFile: join(this.directory, "id_ed25519") };
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
    const { program = checkoutProgram(), onStart } = this.#options;
    this.#controller = spawn([...program, ...flags], this.directory, "controller.log");
    onStart?.(this.#controller.pid);
    await waitFor(this.controllerSocket, this.#controller);
  }

  /** Starts a node, which reaches the simulator's disks directly, and waits for it. */
  async startNode(index: number = FIRST_NODE): Promise<void> {
    const { attach = "trial", program = checkoutProgram(), onStart } = this.#options;
    const { nodeProgram = program } = this.#options;
    const socket = this.nodeSocketOf(index);
    const name = nodeFileName(index);
    const flags = [
      ...["node", "--node-name", `trial-${name}`, "--endpoint", `unix://${socket}`],
      ...["--attach", `${attach}:${this.simulator.directory}`],
      ...["--state-directory", join(this.directory, `${name}-state`)],
    ];
    const node = spawn([...nodeProgram, ...flags], this.directory, `${name}.log`);
    this.#nodes.set(index, node);
    onStart?.(node.pid);
    await waitFor(socket, node);
  }

  /** Ends the controller with `signal` (SIGKILL: as a crash) and starts it again. */
  async restartController(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    await this.#controller?.end(signal);
    await this.startController();
  }

  /** Ends a node with `signal` and starts it again. */
  async restartNode(signal: Deno.Signal = "SIGTERM", index: number = FIRST_NODE): Promise<void> {
    await this.#nodes.get(index)?.end(signal);
    await this.startNode(index);
  }

  /** The files on the box below our base path: nothing, once everything is deleted. */
  async filesOnBox(): Promise<string[]> {
    const directory = join(this.simulator.directory, "box", "files", BASE_PATH);
    const names: string[] = [];
    for await (const { name } of Deno.readDir(directory)) names.push(name);
    return names.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes.values()) await node[Symbol.asyncDispose]();
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
  const [ready, simulatorProcess] = await startSimulator(options.simulatorProgram ?? program, {
    directory: options.directory,
    authorizedKey: `${keyFile}.pub`,
    flags: options.simulatorFlags ?? [],
  });
  options.onStart?.(simulatorProcess.pid);
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

/** One simulator to start. */
export interface SimulatorOptions {
  /** An existing directory; what the box keeps is below it. */
  readonly directory: string;
  /** The file with the public key that may log in. */
  readonly authorizedKey: string;
  /** Further flags for `rds-csi simulate`. */
  readonly flags?: readonly string[];
}

/** Starts a simulator; `program` is the program's path and leading arguments. */
export async function startSimulator(
  program: readonly string[],
  { directory, authorizedKey, flags = [] }: SimulatorOptions,
): Promise<[SimulatorReady, Child]> {
  const argv = [
    ...["simulate", "--ready-json", "--directory", join(directory, "rds")],
    ...["--authorized-key", authorizedKey, ...flags],
  ];
  const child = spawn([...program, ...argv], directory, "simulator.log");
  const line = await child.lineWhere((text) => /^\{.*\}$/.test(text), START_DEADLINE_MS);
  return [JSON.parse(line) as SimulatorReady, child];
}

/** Starts a process whose output, both streams, is appended to `log` in `directory`. */
export function spawn(argv: readonly string[], directory: string, log: string): Child {
  const [program = "", ...args] = argv;
  const command = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  return new Child(command.spawn(), join(directory, log));
}

/** What the files of a node are called: the first is just `node`. */
function nodeFileName(index: number): string {
  return index === FIRST_NODE ? "node" : `node-${index}`;
}

function lengthOf(file: string): number {
  using opened = Deno.openSync(file, APPEND);
  return opened.statSync().size;
}

/** Appends a stream to a file as it comes; `pipeTo` would hold the text back until the end. */
async function append(
  stream: ReadableStream<Uint8Array>,
  path: string,
  grow: () => void,
): Promise<void> {
  using file = await Deno.open(path, APPEND);
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
    grow();
  }
}

/** Waits until `child` takes calls on `socket`. @throws {Error} when it ends before. */
export async function waitFor(socket: string, child: Child): Promise<void> {
  using client = new CsiClient(socket);
  const ended = child.status.then(({ code }) => {
    throw new Error(`The process for ${socket} ended with code ${code}; see its log beside it`);
  });
  ended.catch(() => {});
  await Promise.race([client.waitForReady(START_DEADLINE_MS), ended]);
}

/** A backend of a configuration, as YAML mapping entries. */
export function backendOf(
  ready: SimulatorReady,
  privateKeyFile: string,
  settings: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return {
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
}

function renderConfig(
  ready: SimulatorReady,
  privateKeyFile: string,
  settings: Readonly<Record<string, unknown>>,
): string {
  const backend = backendOf(ready, privateKeyFile, settings);
  // JSON is YAML; the program reads it as it would a person's file.
  return JSON.stringify({ clusterId: "trial", backends: [backend] }, undefined, 2);
}
