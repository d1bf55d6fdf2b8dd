/** The box of the laboratory: a machine with the simulator, which exports real NVMe namespaces. */
import { join } from "node:path";
import type { ControlAnswer, ControlRequest } from "../../src/simulator/control/protocol.ts";
import { generateKeyPair } from "../../src/simulator/server/key_pair.ts";
import { type BoxAccess, runOnBox } from "../trial/box_console.ts";
import type { SimulatorReady } from "../trial/processes.ts";
import { Forward } from "./forward.ts";
import { GuestProgram } from "./guest_program.ts";
import type { Machine } from "./machine.ts";
import { writeAll } from "./qmp.ts";
import { guestScript } from "./segment.ts";

/** The ports of the box that this host reaches: its console and its control socket. */
export const CONSOLE_PORT = 2222;
/** See {@link CONSOLE_PORT}. */
export const CONTROL_PORT = 7002;
const GUEST_SOCKET = "/run/simulator.sock";
const DIRECTORY = "/data/box";
const SETUP_MS = 120_000;
const CONTROL_MS = 30_000;

/** What a box is started with. */
export interface SimulatedBoxOptions {
  readonly machine: Machine;
  /** An existing directory with a short path, for keys and sockets of this host. */
  readonly directory: string;
  /** Flags for `rds-csi simulate` in every start. */
  readonly flags?: readonly string[];
}

/** The box. Its machine is off until {@link boot}. */
export class SimulatedBox implements AsyncDisposable {
  readonly machine: Machine;
  /** How this host gets to its console. */
  readonly access: BoxAccess;
  /** The path of a Unix socket of this host for `rds-csi simulate control`. */
  readonly controlSocket: string;
  readonly #flags: readonly string[];
  readonly #simulator: GuestProgram;
  readonly #forwards: readonly Forward[];
  #ready: SimulatorReady | undefined;

  constructor({ machine, directory, flags = [] }: SimulatedBoxOptions) {
    this.machine = machine;
    this.#flags = flags;
    this.#simulator = new GuestProgram(machine, "simulator");
    this.controlSocket = join(directory, "control.sock");
    const console = Forward.onPort(() => machine.hostPort(CONSOLE_PORT));
    const control = Forward.onSocket(this.controlSocket, () => machine.hostPort(CONTROL_PORT));
    this.#forwards = [console, control];
    this.access = { port: console.port, keyFile: join(directory, "id_ed25519") };
  }

  /** What the simulator said at its last start, with the port of this host. @throws {Error} */
  get ready(): SimulatorReady {
    if (this.#ready === undefined) throw new Error("Cannot describe the box: it was not started");
    return { ...this.#ready, port: this.access.port };
  }

  /** Boots the machine, also after a power cut, and starts the simulator. @throws {Error} */
  async boot(): Promise<void> {
    this.#simulator.forget();
    await this.machine.boot();
    const script = `bash ${guestScript("box.sh")} ${GUEST_SOCKET} ${CONTROL_PORT}`;
    await this.machine.run(script, { deadlineMs: SETUP_MS });
    await this.startSimulator();
  }

  /** Starts the simulator and waits until it is ready; `flags` come after its own. @throws {Error} */
  async startSimulator(flags: readonly string[] = []): Promise<void> {
    const publicKey = await this.#publicKey();
    const before = (await this.#simulator.log()).length;
    await this.#simulator.start([
      ...["simulate", "--ready-json", "--directory", DIRECTORY, "--host", "0.0.0.0"],
      ...["--port", String(CONSOLE_PORT), "--authorized-key", `/lab/${publicKey}`],
      ...["--control-socket", GUEST_SOCKET, "--export", "nvmet"],
      ...["--nvme-address", this.machine.address, ...this.#flags, ...flags],
    ]);
    this.#ready = await this.#simulator.waitUntil(async () => {
      const text = (await this.#simulator.log()).slice(before);
      const line = text.split("\n").slice(0, -1).find((one) => /^\{.*\}$/.test(one));
      return line === undefined ? undefined : JSON.parse(line) as SimulatorReady;
    });
  }

  /** Ends the simulator's process. */
  async stopSimulator(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#simulator.stop(signal);
  }

  /** What the simulator wrote so far, of all starts. */
  async simulatorLog(): Promise<string> {
    return await this.#simulator.log();
  }

  /** Runs a line on the box's console, as a person does, and gives what it prints. @throws {Error} */
  async console(line: string): Promise<string> {
    return await runOnBox(this.access, line);
  }

  /** Sends a request to the simulator's control socket; gives the result. @throws {Error} */
  async control(request: ControlRequest): Promise<unknown> {
    const line = await exchange(this.controlSocket, JSON.stringify(request));
    const answer = JSON.parse(line) as ControlAnswer;
    if (answer.ok) return answer.result;
    throw new Error(`The simulator refused ${JSON.stringify(request)}: ${answer.error}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const forward of this.#forwards) forward[Symbol.dispose]();
    await this.machine.powerOff();
  }

  /** Makes the key pair once; the name of the public one in the machine's shared directory. */
  async #publicKey(): Promise<string> {
    const name = "authorized_key.pub";
    const isThere = await Deno.stat(this.access.keyFile).then(() => true, () => false);
    if (isThere) return name;
    const keys = generateKeyPair("ed25519", "lab");
    await Deno.writeTextFile(join(this.machine.shared, name), `${keys.publicLine}\n`);
    await Deno.writeTextFile(this.access.keyFile, keys.privateText, { mode: 0o600 });
    return name;
  }
}

/** Sends one line and gives the first line of the answer. @throws {Error} when there is none */
async function exchange(socket: string, line: string): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path: socket });
  const timer = setTimeout(() => connection.close(), CONTROL_MS);
  try {
    await writeAll(connection, new TextEncoder().encode(`${line}\n`));
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    while (!text.includes("\n")) {
      const count = await connection.read(buffer);
      if (count === null) throw new Error("the connection ended without an answer");
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
    return text.slice(0, text.indexOf("\n"));
  } catch (error) {
    throw new Error(`Cannot send ${line} to the simulator`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
