/** A node of the laboratory: a machine with the driver in its node role. */
import { Identity, Node } from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { CsiClient } from "../trial/csi_client.ts";
import { Forward } from "./forward.ts";
import { GuestProgram } from "./guest_program.ts";
import type { Machine } from "./machine.ts";
import { guestScript } from "./segment.ts";

/** The port that leads to the driver's socket in a node. */
export const CSI_PORT = 7001;
const GUEST_SOCKET = "/run/rds-csi/csi.sock";
const SETUP_MS = 120_000;
const PROBE_MS = 10_000;

/** One node. Its machine is off until {@link boot}. */
export class DriverNode implements AsyncDisposable {
  readonly machine: Machine;
  readonly name: string;
  /** The path of a Unix socket of this host that is the driver's endpoint. */
  readonly socket: string;
  readonly csi: CsiClient;
  readonly #driver: GuestProgram;
  readonly #forward: Forward;
  #nodeId: string | undefined;

  /** @param socket a free path for the endpoint on this host */
  constructor(machine: Machine, socket: string) {
    this.machine = machine;
    this.name = machine.name;
    this.socket = socket;
    this.#driver = new GuestProgram(machine, "driver");
    this.#forward = Forward.onSocket(socket, () => machine.hostPort(CSI_PORT));
    this.csi = new CsiClient(socket);
  }

  /** The id that NodeGetInfo gave first; a node keeps it. */
  async nodeId(): Promise<string> {
    this.#nodeId ??= (await this.csi.call(Node.method.nodeGetInfo, {})).nodeId;
    return this.#nodeId;
  }

  /** The driver's process in the machine. */
  driverPid(): Promise<number> {
    return Promise.resolve(this.#driver.pid);
  }

  /** Boots the machine, also after a power cut, and starts the driver. @throws {Error} */
  async boot(): Promise<void> {
    this.#driver.forget();
    await this.machine.boot();
    const script = `bash ${guestScript("node.sh")} ${GUEST_SOCKET} ${CSI_PORT}`;
    await this.machine.run(script, { deadlineMs: SETUP_MS });
    await this.startDriver();
  }

  /** Starts the driver and waits until it takes calls. @throws {Error} with the end of its log */
  async startDriver(): Promise<void> {
    await this.#driver.start([
      ...["node", "--node-name", this.name, "--attach", "kernel"],
      ...["--endpoint", `unix://${GUEST_SOCKET}`, "--log-level", "debug"],
    ]);
    await this.#driver.waitUntil(async () => {
      // The way to a driver that is not there ends at once.
      const probe = this.csi.call(Identity.method.probe, {}, { deadlineMs: PROBE_MS });
      return await probe.then(() => true, () => undefined);
    });
  }

  /** Ends the driver's process, and none of its children. */
  async stopDriver(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#driver.stop(signal);
  }

  /** What the driver wrote so far, of all starts. */
  async driverLog(): Promise<string> {
    return await this.#driver.log();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.csi[Symbol.dispose]();
    this.#forward[Symbol.dispose]();
    await this.machine.powerOff();
  }
}
