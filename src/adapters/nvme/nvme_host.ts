/**
 * The port `NvmeHost` over the Linux kernel: connections are made by a write to /dev/nvme-fabrics
 * and ended by one to sysfs, and what there is is read from sysfs at each call. Nothing is
 * remembered but which addresses made the kernel wait.
 */
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import { isManagedNqn } from "../../domain/nvme.ts";
import type { Nqn, TransportAddress } from "../../domain/nvme.ts";
import type { NvmeHost, NvmeSession, NvmeTarget } from "../../ports/nvme_host.ts";
import { Connector } from "./connector.ts";
import type { ConnectorOptions } from "./connector.ts";
import { look, refuseUnmanaged } from "./context.ts";
import type { NvmeContext } from "./context.ts";
import { readControllers, readSubsystems } from "./controllers.ts";
import { findDangers } from "./dangers.ts";
import { chosenDevice, deviceOf, readyDevice } from "./devices.ts";
import { endConnections } from "./disconnector.ts";
import { updatePolicy } from "./policy_update.ts";
import { poll } from "./polling.ts";
import type { Resolver } from "./resolve.ts";
import { chooseDevice, chooseRemains, isAt, stateOf, viewOf } from "./view.ts";
import type { VolumeView } from "./view.ts";

/** What the host stands on. */
export interface KernelNvmeHostOptions extends ConnectorOptions {
  readonly resolver: Resolver;
  /** What a person should know of the host's identity. */
  readonly warnings: readonly string[];
}

/** A connection can go in the moment it is seen; so often everything is looked at anew. */
const ROUNDS = 3;

/** The NVMe host of this kernel. */
export class KernelNvmeHost implements NvmeHost {
  readonly hostId: string;
  readonly #context: NvmeContext;
  readonly #connector: Connector;
  readonly #resolver: Resolver;
  readonly #warnings: readonly string[];

  constructor(options: KernelNvmeHostOptions) {
    this.hostId = options.context.identity.hostId;
    this.#context = options.context;
    this.#connector = new Connector(options);
    this.#resolver = options.resolver;
    this.#warnings = options.warnings;
  }

  async connect(target: NvmeTarget, signal: AbortSignal): Promise<BlockDevice> {
    signal.throwIfAborted();
    const { nqn, at, policy } = target;
    refuseUnmanaged("connect to", nqn);
    const addresses = await this.#resolver.resolve(at, signal);
    for (let round = 0; round < ROUNDS; round++) {
      const view = await look(this.#context, nqn);
      if (view.ours.length === 0) {
        refuseForeign(view);
        const end = await this.#connector.connect({ nqn, addresses, policy }, signal);
        // What was just made is live, and has the policy.
        if (end === "made") return await readyDevice(this.#context, nqn, signal);
      } else if (await this.#takeOver(view, target, addresses, signal)) {
        return await readyDevice(this.#context, nqn, signal);
      }
    }
    throw new StorageError("unavailable", `Cannot connect to ${nqn}: the connection does not stay`);
  }

  async find(nqn: Nqn, signal: AbortSignal): Promise<BlockDevice | undefined> {
    signal.throwIfAborted();
    const view = await look(this.#context, nqn);
    return await chosenDevice(this.#context, nqn, chooseRemains(view));
  }

  async rescan(nqn: Nqn, signal: AbortSignal): Promise<BlockDevice> {
    signal.throwIfAborted();
    refuseUnmanaged("rescan", nqn);
    const before = await this.#liveView(nqn);
    const sizeBytes = (await this.#deviceIn(before))?.sizeBytes;
    for (const { name, state } of before.ours) {
      if (state === "live") await this.#scan(nqn, name, signal);
    }
    const { clock, timing } = this.#context;
    const changed = await poll(clock, timing.rescanMs, async () => {
      const found = await this.#deviceIn(await look(this.#context, nqn));
      return found !== undefined && found.sizeBytes !== sizeBytes ? found : undefined;
    }, signal);
    // A kernel that lost the connection meanwhile answers the request and does nothing.
    const after = await this.#liveView(nqn);
    const device = changed ?? await this.#deviceIn(after);
    if (device !== undefined) return device;
    throw new StorageError(
      "unavailable",
      `Cannot rescan ${nqn}: the kernel shows no device for it`,
    );
  }

  async disconnect(nqn: Nqn, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    refuseUnmanaged("disconnect", nqn);
    await endConnections(this.#context, nqn, "proved-unused", signal);
  }

  async abandon(nqn: Nqn, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    refuseUnmanaged("abandon", nqn);
    await endConnections(this.#context, nqn, "whatever-uses-it", signal);
  }

  async session(nqn: Nqn, signal: AbortSignal): Promise<NvmeSession | undefined> {
    signal.throwIfAborted();
    const view = await look(this.#context, nqn);
    return isManagedNqn(nqn) && isShown(view) ? await this.#sessionOf(view) : undefined;
  }

  async sessions(signal: AbortSignal): Promise<NvmeSession[]> {
    signal.throwIfAborted();
    const { files, paths, identity } = this.#context;
    const [controllers, subsystems] = await Promise.all([
      readControllers(files, paths.sys),
      readSubsystems(files, paths.sys),
    ]);
    const nqns = new Set(
      [...controllers, ...subsystems].map(({ nqn }) => nqn).filter(isManagedNqn),
    );
    const views = [...nqns].map((nqn) =>
      viewOf(nqn as Nqn, identity.hostNqn, controllers, subsystems)
    );
    return await Promise.all(views.filter(isShown).map((each) => this.#sessionOf(each)));
  }

  async dangers(signal: AbortSignal): Promise<string[]> {
    signal.throwIfAborted();
    return [...this.#warnings, ...await findDangers(this.#context)];
  }

  /**
   * Takes a connection that is there: gives it the policy and waits for it where it is lost.
   * @returns false when it is gone, and one has to be made
   */
  async #takeOver(
    view: VolumeView,
    { nqn, at, policy }: NvmeTarget,
    addresses: readonly TransportAddress[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const state = stateOf(view.ours);
    if (state !== "closing") {
      if (!isAt(view.ours, addresses)) throw elsewhere(view, at);
      for (const each of view.ours) await updatePolicy(this.#context, each, policy, signal);
      if (state === "live") return true;
    }
    const { clock, timing } = this.#context;
    const end = await poll(clock, timing.stateMs, async () => {
      const { ours } = await look(this.#context, nqn);
      if (ours.length === 0) return "gone";
      return stateOf(ours) === "live" ? "live" : undefined;
    }, signal);
    if (end !== undefined) return end === "live";
    throw notLive("connect to", await look(this.#context, nqn));
  }

  /** @throws {StorageError} `not-ready` without a connection, `unavailable` without a live one */
  async #liveView(nqn: Nqn): Promise<VolumeView> {
    const view = await look(this.#context, nqn);
    if (view.ours.length === 0) {
      throw new StorageError("not-ready", `Cannot rescan ${nqn}: it is not connected`);
    }
    if (stateOf(view.ours) !== "live") throw notLive("rescan", view);
    return view;
  }

  async #scan(nqn: Nqn, controller: string, signal: AbortSignal): Promise<void> {
    const { calls, paths, timing } = this.#context;
    const path = `${paths.sys}/class/nvme/${controller}/rescan_controller`;
    const options = { subject: controller, deadlineMs: timing.attributeMs };
    const written = await calls.call({ kind: "write-file", path, text: "1" }, options, signal);
    if (written.isOk) return;
    throw new StorageError(
      "unavailable",
      `Cannot rescan ${nqn}: ${controller} cannot be told to look again (${written.errno})`,
    );
  }

  #deviceIn(view: VolumeView): Promise<BlockDevice | undefined> {
    return chosenDevice(this.#context, view.nqn, chooseDevice(view));
  }

  async #sessionOf(view: VolumeView): Promise<NvmeSession> {
    const choice = chooseDevice(view);
    const isOne = choice.kind === "one";
    return {
      nqn: view.nqn,
      state: stateOf(view.ours),
      at: view.ours.find(({ at }) => at !== undefined)?.at,
      controllers: view.ours.map(({ name }) => name),
      device: isOne ? await deviceOf(this.#context, choice.namespace) : undefined,
    };
  }
}

/**
 * Whether a subsystem is connected by us, or by nobody: then something still holds what it had, or
 * its head waits for a connection. Its own links do not tell: they can outlive the controller.
 */
function isShown({ ours, foreign, subsystems }: VolumeView): boolean {
  return ours.length > 0 || (foreign.length === 0 && subsystems.length > 0);
}

function refuseForeign({ nqn, foreign: [other] }: VolumeView): void {
  if (other === undefined) return;
  throw new StorageError(
    "unavailable",
    `Cannot connect to ${nqn}: ${other.name} is connected to it as host ${other.hostNqn}, which ` +
      "is not the driver",
  );
}

function elsewhere({ nqn, ours }: VolumeView, at: TransportAddress): StorageError {
  const [controller] = ours;
  const now = `${controller?.at?.address} port ${controller?.at?.port}`;
  const state = stateOf(ours) === "live" ? "connected to" : "lost from";
  return new StorageError(
    "unavailable",
    `Cannot connect to ${nqn} at ${at.address} port ${at.port}: ${controller?.name} is ${state} ` +
      `it at ${now}; where a volume in use is cannot change: it must be unstaged first`,
  );
}

function notLive(verb: string, { nqn, ours }: VolumeView): StorageError {
  const shown = ours.map(({ name, state }) => `${name} is ${state}`).join(", ");
  const what = stateOf(ours) === "lost"
    ? "the connection is lost"
    : "the old connection is closing";
  return new StorageError(
    "unavailable",
    `Cannot ${verb} ${nqn}: ${what} (${shown || "it is gone"})`,
  );
}
