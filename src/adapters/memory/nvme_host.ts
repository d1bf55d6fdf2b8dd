/** The port `NvmeHost` over a {@link HostWorld}. */
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import { isManagedNqn } from "../../domain/nvme.ts";
import type { Nqn } from "../../domain/nvme.ts";
import type { NvmeHost, NvmeSession, NvmeTarget } from "../../ports/nvme_host.ts";
import { answer } from "./answer.ts";
import type { HostWorld } from "./host_world.ts";

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
      if (this.#stateOf(nqn) === "lost") throw lost(nqn);
      if (this.#stateOf(nqn) === undefined) {
        const disk = this.#world.disks.get(nqn);
        if (disk === undefined || disk.at.address !== at.address || disk.at.port !== at.port) {
          throw new StorageError(
            "unavailable",
            `Cannot connect to ${nqn}: ${at.address} port ${at.port} does not answer`,
          );
        }
        this.#world.connect(disk);
      }
      return this.#deviceOf(nqn);
    });
  }

  find(nqn: Nqn, signal: AbortSignal): Promise<BlockDevice | undefined> {
    return answer(signal, () => this.#world.deviceOf(nqn));
  }

  rescan(nqn: Nqn, signal: AbortSignal): Promise<BlockDevice> {
    return answer(signal, () => {
      this.#deviceOf(nqn);
      if (this.#stateOf(nqn) === "lost") throw lost(nqn);
      this.#world.refreshSize(nqn);
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

  sessions(signal: AbortSignal): Promise<NvmeSession[]> {
    return answer(signal, () =>
      this.#world.connections().map((each, index) => ({
        ...each,
        controllers: [`nvme${index}`],
        device: this.#world.deviceOf(each.nqn),
      })));
  }

  dangers(signal: AbortSignal): Promise<string[]> {
    return answer(signal, () => []);
  }

  #stateOf(nqn: Nqn): "live" | "lost" | undefined {
    return this.#world.connections().find((each) => each.nqn === nqn)?.state;
  }

  #deviceOf(nqn: Nqn): BlockDevice {
    const device = this.#world.deviceOf(nqn);
    if (device !== undefined) return device;
    throw new StorageError("not-ready", `Cannot use ${nqn}: it is not connected`);
  }
}

function lost(nqn: Nqn): StorageError {
  return new StorageError("unavailable", `Cannot reach ${nqn}: the connection is lost`);
}
