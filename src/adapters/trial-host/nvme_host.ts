/**
 * The port `NvmeHost` for machines without NVMe: it "connects" to a disk of a simulated box by
 * finding the disk's file, and that file is the device. No NVMe is spoken.
 */
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import { isManagedNqn } from "../../domain/nvme.ts";
import type { Nqn } from "../../domain/nvme.ts";
import type { NvmeHost, NvmeSession, NvmeTarget } from "../../ports/nvme_host.ts";
import type { Disks } from "./disks.ts";
import type { NodeState, SessionRecord } from "./node_state.ts";
import { statIfPresent } from "./paths.ts";
import { checkReachable, unanswered } from "./simulator_exports.ts";

/** The NVMe host of a trial node. */
export class TrialNvmeHost implements NvmeHost {
  readonly hostId: string;
  readonly #state: NodeState;
  readonly #disks: Disks;

  constructor(state: NodeState, disks: Disks) {
    this.hostId = state.hostId;
    this.#state = state;
    this.#disks = disks;
  }

  async connect({ nqn, at }: NvmeTarget, signal: AbortSignal): Promise<BlockDevice> {
    signal.throwIfAborted();
    if (!isManagedNqn(nqn)) {
      throw new StorageError("invalid", `Cannot connect to ${nqn}: it is none of our volumes`);
    }
    const exported = await this.#disks.exportOf(nqn);
    if (exported === undefined) throw unanswered(nqn, at, "the simulator does not export it");
    const known = await this.#present(nqn);
    if (known !== undefined && known.backingPath === exported.backingPath) return deviceOf(known);
    checkReachable(nqn, at, exported);
    const file = await statIfPresent(exported.backingPath);
    if (!file?.isFile || file.ino === null) throw unanswered(nqn, at, "it has no file");
    signal.throwIfAborted();
    const { backingPath } = exported;
    const found = { nqn, backingPath, port: at.port, inode: file.ino, sizeBytes: file.size };
    return deviceOf(await this.#state.addSession(found));
  }

  async find(nqn: Nqn, signal: AbortSignal): Promise<BlockDevice | undefined> {
    signal.throwIfAborted();
    const session = await this.#present(nqn);
    return session === undefined ? undefined : deviceOf(session);
  }

  async rescan(nqn: Nqn, signal: AbortSignal): Promise<BlockDevice> {
    signal.throwIfAborted();
    const session = await this.#present(nqn);
    if (session === undefined) {
      throw new StorageError("not-ready", `Cannot rescan ${nqn}: it is not connected`);
    }
    if (await this.#disks.stateOf(session) !== "live") {
      throw new StorageError("unavailable", `Cannot rescan ${nqn}: the connection is lost`);
    }
    const { size } = await Deno.lstat(session.backingPath);
    const grown = { ...session, sizeBytes: size };
    if (size !== session.sizeBytes) await this.#state.updateSession(grown);
    return deviceOf(grown);
  }

  async disconnect(nqn: Nqn, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const session = this.#state.sessions.find((each) => each.nqn === nqn);
    if (session === undefined) return;
    const uses = await this.#state.uses();
    const use = uses.find(({ number, mount }) => number === session.number && mount !== undefined);
    if (use !== undefined && await this.#state.isPresent(session)) {
      throw new StorageError("in-use", `Cannot disconnect ${nqn}: it is mounted at ${use.path}`);
    }
    await this.#state.dropSession(nqn);
  }

  async abandon(nqn: Nqn, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#state.dropSession(nqn);
  }

  async session(nqn: Nqn, signal: AbortSignal): Promise<NvmeSession | undefined> {
    return (await this.sessions(signal)).find((each) => each.nqn === nqn);
  }

  async sessions(signal: AbortSignal): Promise<NvmeSession[]> {
    signal.throwIfAborted();
    const sessions: NvmeSession[] = [];
    for (const session of this.#state.sessions) {
      if (!await this.#state.isPresent(session)) continue;
      sessions.push({
        nqn: session.nqn as Nqn,
        state: await this.#disks.stateOf(session),
        at: { address: "127.0.0.1", port: session.port },
        controllers: [],
        device: deviceOf(session),
      });
    }
    return sessions;
  }

  dangers(signal: AbortSignal): Promise<string[]> {
    signal.throwIfAborted();
    return Promise.resolve(["this is a trial: volumes are files of a simulator on this machine"]);
  }

  async #present(nqn: string): Promise<SessionRecord | undefined> {
    const session = this.#state.sessions.find((each) => each.nqn === nqn);
    return session !== undefined && await this.#state.isPresent(session) ? session : undefined;
  }
}

function deviceOf({ backingPath, number, sizeBytes }: SessionRecord): BlockDevice {
  return { path: backingPath, number, sizeBytes, identity: undefined };
}
