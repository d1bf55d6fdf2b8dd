/**
 * The port `NvmeHost` by loop devices: it "connects" to a disk of a simulated box by attaching the
 * disk's file to a loop device, which is a real block device with real file systems on it. No NVMe
 * is spoken. Which device belongs to which volume is asked of the kernel at every call.
 */
import { basename } from "node:path";
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import { isManagedNqn, nqnOf } from "../../domain/nvme.ts";
import type { Nqn } from "../../domain/nvme.ts";
import { parseVolumeId } from "../../domain/volume_id.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KernelCalls } from "../../ports/kernel_calls.ts";
import type { NvmeHost, NvmeSession, NvmeTarget } from "../../ports/nvme_host.ts";
import type { Programs } from "../../ports/programs.ts";
import { labelOf, ownerOf, readLoopDevices, sizeLimitOf } from "./loop_devices.ts";
import type { LoopDevice } from "./loop_devices.ts";
import { statIfPresent } from "./paths.ts";
import { checkReachable, readExports, unanswered } from "./simulator_exports.ts";
import type { ExportedFile } from "./simulator_exports.ts";

/** What attaching is done with. */
export interface LoopTools {
  readonly programs: Programs;
  readonly kernel: KernelCalls;
  readonly clock: Clock;
}

/** A simulator's data directory with all links resolved, and the identity of this node. */
export interface LoopSettings {
  readonly simulatorDirectory: string;
  readonly hostId: string;
}

/** A loop device of ours, and the volume whose disk it is. */
interface Attached extends LoopDevice {
  readonly nqn: Nqn;
  readonly port: number;
}

const LOSETUP_MS = 20_000;
const OPEN_MS = 10_000;
/** How long a detached device may stay because something has it open for a moment. */
const DETACH_MS = 10_000;
const DETACH_POLL_MS = 20;
/** What an exclusive open says when the device is gone. */
const GONE: ReadonlySet<string> = new Set(["ENXIO", "ENODEV", "ENOENT"]);
const FILE_SUFFIX = ".img";

/** The NVMe host of a node whose connections are loop devices. */
export class LoopNvmeHost implements NvmeHost {
  readonly hostId: string;
  readonly #directory: string;
  readonly #tools: LoopTools;
  /** Identities as the simulator said them last, for devices whose disk it has no more. */
  readonly #identities = new Map<string, string>();

  constructor({ simulatorDirectory, hostId }: LoopSettings, tools: LoopTools) {
    this.hostId = hostId;
    this.#directory = simulatorDirectory;
    this.#tools = tools;
  }

  async connect({ nqn, at }: NvmeTarget, signal: AbortSignal): Promise<BlockDevice> {
    signal.throwIfAborted();
    if (!isManagedNqn(nqn)) {
      throw new StorageError("invalid", `Cannot connect to ${nqn}: it is none of our volumes`);
    }
    const exports = await readExports(this.#directory);
    const exported = exports.find((each) => each.nqn === nqn);
    if (exported === undefined) throw unanswered(nqn, at, "the simulator does not export it");
    const devices = await this.#attachedTo(nqn, exports);
    const known = devices.find((each) => isLive(each, exported));
    if (known !== undefined) return this.#deviceOf(known, exports);
    for (const device of devices.filter(({ isClosing }) => isClosing)) {
      await this.#waitUntilGone(device, signal);
    }
    checkReachable(nqn, at, exported);
    if (!(await statIfPresent(exported.backingPath))?.isFile) {
      throw unanswered(nqn, at, "it has no file");
    }
    const made = await this.#attach(exported, signal);
    await this.#dropOthers(made, exports, signal);
    return this.#deviceOf(made, exports);
  }

  async find(nqn: Nqn, signal: AbortSignal): Promise<BlockDevice | undefined> {
    signal.throwIfAborted();
    const exports = await readExports(this.#directory);
    const device = deviceAmong(await this.#attachedTo(nqn, exports));
    return device === undefined ? undefined : this.#deviceOf(device, exports);
  }

  async rescan(nqn: Nqn, signal: AbortSignal): Promise<BlockDevice> {
    signal.throwIfAborted();
    const exports = await readExports(this.#directory);
    const device = deviceAmong(await this.#attachedTo(nqn, exports));
    if (device === undefined) {
      throw new StorageError("not-ready", `Cannot rescan ${nqn}: it is not connected`);
    }
    if (!isLive(device, exports.find((each) => each.nqn === nqn))) {
      throw new StorageError("unavailable", `Cannot rescan ${nqn}: the connection is lost`);
    }
    await this.#losetup(nqn, ["--set-capacity", device.path], signal);
    const found = (await this.#attached(exports)).find(({ sequence }) =>
      sequence === device.sequence
    );
    if (found !== undefined) return this.#deviceOf(found, exports);
    throw new StorageError("unavailable", `Cannot rescan ${nqn}: ${device.path} went away`);
  }

  async disconnect(nqn: Nqn, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const devices = await this.#attachedTo(nqn, await readExports(this.#directory));
    for (const device of devices) {
      if (!await this.#isHeld(device, signal)) continue;
      throw new StorageError("in-use", `Cannot disconnect ${nqn}: ${device.path} is in use`);
    }
    for (const device of devices) await this.#detach(device, signal);
  }

  async abandon(nqn: Nqn, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const devices = await this.#attachedTo(nqn, await readExports(this.#directory));
    for (const device of devices) await this.#detach(device, signal);
  }

  async session(nqn: Nqn, signal: AbortSignal): Promise<NvmeSession | undefined> {
    return (await this.sessions(signal)).find((each) => each.nqn === nqn);
  }

  async sessions(signal: AbortSignal): Promise<NvmeSession[]> {
    signal.throwIfAborted();
    const exports = await readExports(this.#directory);
    const devices = Map.groupBy(await this.#attached(exports), ({ nqn }) => nqn);
    return [...devices].flatMap(([nqn, attached]): NvmeSession[] => {
      const device = deviceAmong(attached);
      if (device === undefined) return [];
      return [{
        nqn,
        state: stateOf(device, exports.find((each) => each.nqn === nqn)),
        at: { address: "127.0.0.1", port: device.port },
        controllers: attached.map(({ name }) => name),
        device: this.#deviceOf(device, exports),
      }];
    });
  }

  dangers(signal: AbortSignal): Promise<string[]> {
    signal.throwIfAborted();
    return Promise.resolve([
      "this is a trial: volumes are loop devices over files of a simulator on this machine",
    ]);
  }

  /** Every device of this node over a disk of the box. */
  async #attached(exports: readonly ExportedFile[]): Promise<Attached[]> {
    const owner = ownerOf(this.hostId);
    const attached: Attached[] = [];
    for (const device of await readLoopDevices()) {
      const label = labelOf(device.sizeLimit);
      if (label?.owner !== owner) continue;
      if (!device.backingPath.startsWith(`${this.#directory}/`)) continue;
      const nqn = nqnFor(device, exports);
      if (nqn !== undefined) attached.push({ ...device, nqn, port: label.port });
    }
    return attached;
  }

  async #attachedTo(nqn: Nqn, exports: readonly ExportedFile[]): Promise<Attached[]> {
    return (await this.#attached(exports)).filter((each) => each.nqn === nqn);
  }

  /**
   * Attaches the file. A `losetup` of a process that was killed may have done so at the same
   * moment: whoever looks takes the first device, and what we made beyond it goes.
   */
  async #attach(exported: ExportedFile, signal: AbortSignal): Promise<Attached> {
    const { nqn, port, backingPath } = exported;
    const limit = sizeLimitOf({ owner: ownerOf(this.hostId), port });
    const options = ["--find", "--show", "--direct-io=off", "--sizelimit", String(limit)];
    const made = (await this.#losetup(nqn as Nqn, [...options, backingPath], signal)).trim();
    const devices = (await this.#attachedTo(nqn as Nqn, [exported]))
      .filter((each) => isLive(each, exported));
    const [first, ...more] = devices;
    const surplus = more.find(({ path }) => path === made);
    if (surplus !== undefined) await this.#detach(surplus, signal);
    if (first !== undefined) return first;
    throw new StorageError("unavailable", `Cannot connect to ${nqn}: ${made} went away`);
  }

  /** Lets go of devices over files that were replaced, unless something still holds them. */
  async #dropOthers(
    { nqn, sequence }: Attached,
    exports: readonly ExportedFile[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const device of await this.#attachedTo(nqn, exports)) {
      if (device.sequence === sequence) continue;
      if (!await this.#isHeld(device, signal)) await this.#detach(device, signal);
    }
  }

  /**
   * Whether something has claimed the device (a mount, also one that no table shows any more), or
   * has it open for writing without a claim.
   */
  async #isHeld({ nqn, path, number }: Attached, signal: AbortSignal): Promise<boolean> {
    const { kernel } = this.#tools;
    const options = { deadlineMs: OPEN_MS, subject: nqn };
    const openers = { kind: "find-openers", numbers: [number] } as const;
    const found = await kernel.call(openers, options, signal);
    if (found.isOk && found.answer.some(({ canWrite }) => canWrite)) return true;
    const call = { kind: "open-exclusively", path, number } as const;
    const result = found.isOk ? await kernel.call(call, options, signal) : found;
    if (result.isOk || GONE.has(result.errno)) return false;
    if (result.errno === "EBUSY") return true;
    throw new StorageError(
      "unavailable",
      `Cannot tell whether ${path} of ${nqn} is in use: ${result.errno}`,
    );
  }

  /** Detaches a device and waits until the kernel has let go of its file. */
  async #detach(device: Attached, signal: AbortSignal): Promise<void> {
    const { nqn, path } = device;
    if (!await isThere(device)) return;
    if (!device.isClosing) await this.#losetup(nqn, ["--detach", path], signal);
    await this.#waitUntilGone(device, signal);
  }

  async #waitUntilGone(device: Attached, signal: AbortSignal): Promise<void> {
    const { nqn, path } = device;
    const { clock } = this.#tools;
    const giveUpMs = clock.monotonicMs() + DETACH_MS;
    while (await isThere(device)) {
      if (clock.monotonicMs() > giveUpMs) {
        throw new StorageError(
          "unavailable",
          `Cannot end the connection to ${nqn}: something has ${path} open`,
        );
      }
      await clock.sleep(DETACH_POLL_MS, signal);
    }
  }

  async #losetup(nqn: Nqn, args: readonly string[], signal: AbortSignal): Promise<string> {
    const call = { program: "losetup", args, deadlineMs: LOSETUP_MS, subject: nqn };
    const { code, stdout, stderr } = await this.#tools.programs.run(call, signal);
    if (code === 0) return stdout;
    const finding = stderr.trim() || `status ${code}`;
    throw new StorageError("unavailable", `Cannot attach or detach ${nqn}: ${finding}`);
  }

  #deviceOf(device: Attached, exports: readonly ExportedFile[]): BlockDevice {
    const { path, number, sizeBytes, sequence, nqn } = device;
    const said = exports.find((each) => each.nqn === nqn)?.namespaceUuid;
    if (said !== undefined && said !== "") this.#remember(sequence, said.toLowerCase());
    return { path, number, sizeBytes, identity: this.#identities.get(sequence) };
  }

  /** Devices are numbered on for ever: only the youngest of a name can still be there. */
  #remember(sequence: string, identity: string): void {
    const name = sequence.slice(0, sequence.indexOf("#") + 1);
    for (const known of this.#identities.keys()) {
      if (known.startsWith(name) && known !== sequence) this.#identities.delete(known);
    }
    this.#identities.set(sequence, identity);
  }
}

async function isThere({ sequence }: Attached): Promise<boolean> {
  return (await readLoopDevices()).some((each) => each.sequence === sequence);
}

/** The device that stands for the volume: one that will last before one that will not. */
function deviceAmong(devices: readonly Attached[]): Attached | undefined {
  return devices.find(({ isFileGone, isClosing }) => !isFileGone && !isClosing) ??
    devices.find(({ isFileGone }) => !isFileGone) ?? devices[0];
}

function stateOf(device: LoopDevice, exported: ExportedFile | undefined): NvmeSession["state"] {
  if (device.isClosing) return "closing";
  return isLive(device, exported) ? "live" : "lost";
}

function isLive(device: LoopDevice, exported: ExportedFile | undefined): boolean {
  if (device.isFileGone || device.isClosing) return false;
  return device.backingPath === exported?.backingPath;
}

/** Files of volumes are named by their ids; others can be told while they are exported. */
function nqnFor(device: LoopDevice, exports: readonly ExportedFile[]): Nqn | undefined {
  const id = parseVolumeId(basename(device.backingPath, FILE_SUFFIX));
  if (id !== undefined) return nqnOf(id);
  const nqn = exports.find(({ backingPath }) => backingPath === device.backingPath)?.nqn;
  return nqn !== undefined && isManagedNqn(nqn) ? nqn as Nqn : undefined;
}
