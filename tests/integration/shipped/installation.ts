/**
 * The shipped program as an operator installs it: simulated boxes, a controller, perhaps a node,
 * each a process of its own in one temporary directory, and whatever the configuration says.
 */
import { join } from "node:path";
import { generateKeyPair } from "../../../src/simulator/server/key_pair.ts";
import { CsiClient } from "../../../tools/trial/csi_client.ts";
import {
  backendOf,
  checkoutProgram,
  type Child,
  spawn,
  waitFor,
} from "../../../tools/trial/processes.ts";
import { Box } from "./box.ts";

/** One backend: how its box is simulated, and what the configuration says of it. */
export interface BoxPlan {
  /** Flags of `rds-csi simulate`. */
  readonly flags?: readonly string[];
  /** Keys of the backend, laid over those that lead to the box. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** What to install. */
export interface InstallationPlan {
  /** The boxes by the names of their backends; the first is the default one. */
  readonly boxes?: Readonly<Record<string, BoxPlan>>;
  /** Top-level keys of the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly controllerFlags?: readonly string[];
  /** Whether a node is started beside the first box; default no. */
  readonly hasNode?: boolean;
  /** The text of the private key that the controller uses; default: an Ed25519 key. */
  readonly privateKey?: { readonly text: string; readonly publicLine: string };
  /** Whether the controller is started and waited for; default yes. */
  readonly startsController?: boolean;
}

/** One line of the log, as far as tests look at it. */
export interface LogLine {
  readonly event: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** How long anything may take that has to happen at all. */
export const SOON_MS = 30_000;

/** A running installation; disposing of it ends every process and removes the directory. */
export class Installation implements AsyncDisposable {
  readonly directory: string;
  readonly boxes: ReadonlyMap<string, Box>;
  readonly client: CsiClient;
  readonly node: CsiClient;
  readonly #plan: InstallationPlan;
  readonly #stack: AsyncDisposableStack;
  #controller: Child | undefined;
  #node: Child | undefined;

  /** For {@link install} alone. */
  constructor(
    directory: string,
    boxes: ReadonlyMap<string, Box>,
    plan: InstallationPlan,
    stack: AsyncDisposableStack,
  ) {
    this.directory = directory;
    this.boxes = boxes;
    this.#plan = plan;
    this.#stack = stack;
    this.client = stack.use(new CsiClient(this.socket));
    this.node = stack.use(new CsiClient(this.nodeSocket));
    stack.defer(async () => {
      await this.#node?.end("SIGTERM");
      await this.#controller?.end("SIGKILL");
    });
  }

  get socket(): string {
    return join(this.directory, "controller.sock");
  }

  get nodeSocket(): string {
    return join(this.directory, "node.sock");
  }

  /** The only box, or the one of that name. */
  box(name?: string): Box {
    const box = name === undefined ? [...this.boxes.values()][0] : this.boxes.get(name);
    if (box === undefined) throw new Error(`There is no box "${name}"`);
    return box;
  }

  /** The running controller's process. */
  get controller(): Child {
    if (this.#controller === undefined) throw new Error("The controller was not started");
    return this.#controller;
  }

  /** Starts the controller without waiting for it. */
  launchController(): Child {
    const argv = [
      ...["controller", "--config", join(this.directory, "config.yaml")],
      ...["--endpoint", `unix://${this.socket}`, ...(this.#plan.controllerFlags ?? [])],
    ];
    return this.#controller = spawn(
      [...checkoutProgram(), ...argv],
      this.directory,
      "controller.log",
    );
  }

  /** Starts the controller and waits until it takes calls. */
  async startController(): Promise<Child> {
    const child = this.launchController();
    await waitFor(this.socket, child);
    return child;
  }

  /** Starts a node beside the first box and waits until it takes calls. */
  async startNode(): Promise<void> {
    const argv = [
      ...["node", "--node-name", "worker-1", "--endpoint", `unix://${this.nodeSocket}`],
      ...["--attach", `trial:${this.box().ready.directory}`, "--log-level", "debug"],
      ...["--state-directory", join(this.directory, "node-state")],
    ];
    this.#node = spawn([...checkoutProgram(), ...argv], this.directory, "node.log");
    await waitFor(this.nodeSocket, this.#node);
  }

  /** All that the controller wrote so far, of every start. */
  logText(): Promise<string> {
    return Deno.readTextFile(join(this.directory, "controller.log")).catch(() => "");
  }

  /** The controller's log, what is no JSON left out. */
  async log(): Promise<LogLine[]> {
    const lines = (await this.logText()).split("\n").filter((line) => line.startsWith("{"));
    return lines.map((line) => JSON.parse(line) as LogLine);
  }

  /** The first line of the log, written already or soon, that is `event` and `matches`. */
  async logged(event: string, matches: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    const line = await this.controller.lineWhere((text) => {
      if (!text.startsWith("{")) return false;
      const parsed = JSON.parse(text) as LogLine;
      return parsed.event === event && matches(parsed);
    }, SOON_MS);
    return JSON.parse(line) as LogLine;
  }

  /** Writes the configuration; `differing` backends are laid over those of the plan. */
  async writeConfig(
    differing: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
  ): Promise<void> {
    const [first = ""] = this.boxes.keys();
    const backends = [...this.boxes].map(([name, box]) =>
      backendOf(box.ready, join(this.directory, "key"), {
        name,
        // Every box has a storage network of its own; a trial node reaches this machine only.
        ...(this.#plan.hasNode ? {} : { storageAddress: `${name}.storage.example` }),
        ...this.#plan.boxes?.[name]?.settings,
        ...differing[name],
      })
    );
    const config = { clusterId: "shipped", defaultBackend: first, backends, ...this.#plan.config };
    await Deno.writeTextFile(join(this.directory, "config.yaml"), JSON.stringify(config));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

/** Starts what `plan` says. @throws {Error} naming the process that does not come up. */
export async function install(plan: InstallationPlan = {}): Promise<Installation> {
  await using stack = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-shipped-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const key = plan.privateKey ?? ed25519Key();
  await Deno.writeTextFile(join(directory, "key"), key.text, { mode: 0o600 });
  await Deno.writeTextFile(join(directory, "key.pub"), `${key.publicLine}\n`);
  const names = Object.entries(plan.boxes ?? { main: {} });
  const boxes = await Promise.all(
    names.map(async ([name, { flags = [] }]): Promise<[string, Box]> => {
      const below = join(directory, name);
      await Deno.mkdir(below);
      const box = new Box({ directory: below, keyFile: join(directory, "key"), flags });
      stack.use(box);
      await box.start();
      return [name, box];
    }),
  );
  const installation = new Installation(directory, new Map(boxes), plan, stack.move());
  try {
    await installation.writeConfig();
    if (plan.startsController ?? true) await installation.startController();
    if (plan.hasNode ?? false) await installation.startNode();
    return installation;
  } catch (error) {
    await installation[Symbol.asyncDispose]();
    throw error;
  }
}

function ed25519Key(): { text: string; publicLine: string } {
  const { privateText, publicLine } = generateKeyPair("ed25519", "shipped");
  return { text: privateText, publicLine };
}
