/** The port `NvmeHost` over a {@link HostWorld}. */
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import { isManagedNqn } from "../../domain/nvme.ts";
import type { Nqn } from "../../domain/nvme.ts";
import type { NvmeHost, NvmeSession, NvmeTarget } from "../../ports/nvme_host.ts";
import { answer } from "./answer.ts";
import type { ExportedDisk, HostWorld } from "./host_world.ts";

/** The NVMe host of a node in memory. */
export class MemoryNvmeHost implements NvmeHost {
  readonly hostId: string;
  readonly #world: HostWorld;

  constructor(world: HostWorld, hostId: string) {
    this.#world = world;
    this.hostId = hostId;
  }

  connect({ nqn, at }: NvmeTarget, signal: AbortSignal): Promise<BlockDevice> {
    return answer(signal, () => {
      if (!isManagedNqn(nqn)) {
        throw new StorageError("invalid", `Cannot connect to ${nqn}: it is none of our volumes`);
      }
      const state = this.#stateOf(nqn);
      if (state === "lost") throw lost(nqn);
      if (state !== "live") this.#world.connect(this.#diskAt(nqn, at));
      return this.#deviceOf(nqn);
    });
  }

  find(nqn: Nqn, signal: AbortSignal): Promise<BlockDevice | undefined> {
    return answer(signal, () => this.#world.deviceOf(nqn));
  }

  rescan(nqn: Nqn, signal: AbortSignal): Promise<BlockDevice> {
    return answer(signal, () => {
      const state = this.#stateOf(nqn);
      if (state === undefined) {
        throw new StorageError("not-ready", `Cannot rescan ${nqn}: it is not connected`);
      }
      if (state !== "live") throw lost(nqn);
      this.#world.rescan(nqn);
      return this.#deviceOf(nqn);
    });
  }

  disconnect(nqn: Nqn, signal: AbortSignal): Promise<void> {
    return answer(signal, () => {
      const device = this.#world.deviceOf(nqn);
      if (device !== undefined && this.#world.isHeld(device.number)) {
        throw new StorageError(
          "in-use",
          `Cannot disconnect ${nqn}: something holds its device ${device.path}`,
        );
      }
      this.#world.disconnect(nqn);
    });
  }

  abandon(nqn: Nqn, signal: AbortSignal): Promise<void> {
    return answer(signal, () => this.#world.disconnect(nqn));
  }

  async session(nqn: Nqn, signal: AbortSignal): Promise<NvmeSession | undefined> {
    return (await this.sessions(signal)).find((each) => each.nqn === nqn);
  }

  sessions(signal: AbortSignal): Promise<NvmeSession[]> {
    return answer(signal, () =>
      this.#world.connections().map((each, index) => ({
        ...each,
        controllers: each.state === "closing" ? [] : [`nvme${index}`],
        device: this.#world.deviceOf(each.nqn),
      })));
  }

  dangers(signal: AbortSignal): Promise<string[]> {
    return answer(signal, () => []);
  }

  #stateOf(nqn: Nqn): NvmeSession["state"] | undefined {
    return this.#world.connections().find((each) => each.nqn === nqn)?.state;
  }

  #diskAt(nqn: Nqn, { address, port }: NvmeTarget["at"]): ExportedDisk {
    const disk = this.#world.disks.get(nqn);
    if (disk?.at.address === address && disk.at.port === port) return disk;
    const finding = `${address} port ${port} does not answer`;
    throw new StorageError("unavailable", `Cannot connect to ${nqn}: ${finding}`);
  }

  #deviceOf(nqn: Nqn): BlockDevice {
    const device = this.#world.deviceOf(nqn);
    if (device !== undefined) return device;
    throw new StorageError("unavailable", `Cannot use ${nqn}: it shows no namespace`);
  }
}

function lost(nqn: Nqn): StorageError {
  return new StorageError("unavailable", `Cannot reach ${nqn}: the connection is lost`);
}
