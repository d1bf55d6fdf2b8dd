/** The disks of the simulated box as this node reaches them. */
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { NodeState, SessionRecord } from "./node_state.ts";
import { readExports } from "./simulator_exports.ts";
import type { ExportedFile } from "./simulator_exports.ts";

/** The simulator's exports beside the node's sessions. */
export class Disks {
  readonly #state: NodeState;
  readonly #simulatorDirectory: string;

  constructor(state: NodeState, simulatorDirectory: string) {
    this.#state = state;
    this.#simulatorDirectory = simulatorDirectory;
  }

  /** What the simulator exports under the NQN now. */
  async exportOf(nqn: string): Promise<ExportedFile | undefined> {
    const exports = await readExports(this.#simulatorDirectory);
    return exports.find((each) => each.nqn === nqn);
  }

  /** Live while the simulator exports just this file under the NQN. */
  async stateOf({ nqn, backingPath }: SessionRecord): Promise<"live" | "lost"> {
    const exported = await this.exportOf(nqn);
    return exported?.backingPath === backingPath ? "live" : "lost";
  }

  /**
   * The path to read and write a device by.
   * @throws {StorageError} `unavailable` when its path leads to another device by now, or its
   * connection is lost.
   */
  async open({ path, number }: Pick<BlockDevice, "path" | "number">): Promise<string> {
    const session = await this.#state.sessionOf(number);
    if (session?.backingPath !== path) {
      throw new StorageError("unavailable", `Cannot open ${path}: it is not device ${number}`);
    }
    if (await this.stateOf(session) !== "live") {
      throw new StorageError("unavailable", `Cannot open ${path}: the connection is lost`);
    }
    return path;
  }
}
