/** One box, opened: its volumes, its snapshots, its health. */
import { StorageError } from "../../domain/errors.ts";
import { checkPort } from "../../domain/nvme.ts";
import type { PortRange } from "../../domain/nvme.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Observe } from "../../ports/events.ts";
import type { Random } from "../../ports/random.ts";
import type { SnapshotStore } from "../../ports/snapshot_store.ts";
import type { VolumeStore } from "../../ports/volume_store.ts";
import type { Box, BoxLimits, BoxSettings, CopyMethod, WhileAttached } from "./box.ts";
import { checkClientKey } from "./client_key.ts";
import { probeCopies } from "./copy_probe.ts";
import type { CopyStrategy } from "./copies.ts";
import { unlessAborted } from "./deadline.ts";
import { parseHostKeyPin } from "./host_keys.ts";
import { probeLimits } from "./limits.ts";
import { poolOf } from "./paths.ts";
import { probeBox } from "./probe.ts";
import type { BoxFeatures } from "./probe.ts";
import { isClusterId } from "./record.ts";
import { Session } from "./session.ts";
import type { SentCommand, SessionTimeouts } from "./session.ts";
import { RouterOsSnapshots } from "./snapshots.ts";
import { sweepLeftOvers } from "./sweep.ts";
import { RouterOsVolumes } from "./volumes.ts";

/** How a box is reached and what we may do there. */
export interface RouterOsArrayOptions {
  /** The backend's name, for events and messages. */
  readonly name: string;
  /** A host name or an IPv4 or IPv6 literal. */
  readonly address: string;
  /** The SSH port. */
  readonly port: number;
  readonly user: string;
  /** The private key, OpenSSH or PEM text, and what opens it when it is encrypted. */
  readonly privateKey: { readonly text: string; readonly passphrase?: string };
  /** The host keys accepted, as `SHA256:…` or `ssh-ed25519 AAAA…`; at least one. */
  readonly hostKeys: readonly string[];
  /** What tells our cluster from others on the box: 1 to 16 of a-z, 0-9 and `-`. */
  readonly clusterId: string;
  /** Where files go, for example `/storage-pool/k8s`. */
  readonly basePath: string;
  /** Other directories that a volume may ask for, on the same pool. */
  readonly allowedBasePaths?: readonly string[];
  /** The TCP ports that volumes are exported on. */
  readonly nvmePorts: PortRange;
  /** The percentage of the pool that stays free, 0 to 90. */
  readonly minFreePercent: number;
  /** The most volumes; undefined = as many as fit. */
  readonly volumesMax?: number;
  /** SSH connections for reads, beside the one for changes; 2 where nothing is said. */
  readonly readConnections?: number;
  readonly snapshots: {
    /** `auto` tries `copy-from`, then `file-copy`. */
    readonly strategy: "auto" | CopyStrategy;
    readonly whileAttached: WhileAttached;
  };
  /** Parts of {@link DEFAULT_TIMEOUTS} to replace, in milliseconds. */
  readonly timeouts?: Partial<SessionTimeouts>;
  readonly observe: Observe;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of every command as it is sent. */
  readonly onExec?: (sent: SentCommand) => void;
}

/** How long things may take where nothing else is said, in milliseconds. */
export const DEFAULT_TIMEOUTS: SessionTimeouts = {
  dialMs: 10_000,
  readMs: 15_000,
  changeMs: 60_000,
  copyMs: 600_000,
  queueMs: 60_000,
  closeMs: 2_000,
};

/** Something half-made is left over when it is older than the longest call, several times over. */
const LEFT_OVER_AFTER_CALLS = 3;
const READ_CONNECTIONS = 2;
const WAITING_MAX = 1024;
const BASE_PATH = /^(\/[A-Za-z0-9_][A-Za-z0-9._-]*){1,8}$/;

/** What is known of a box that runs one version; another version is asked anew. */
interface Knowledge {
  readonly features: BoxFeatures;
  /** Asked once at a time; found when there. */
  limits?: Promise<BoxLimits>;
  limitsFound?: BoxLimits;
  method?: Promise<CopyMethod>;
}

/** A box that is kept connected until it is disposed of. */
export class RouterOsArray implements AsyncDisposable {
  /** The backend's name. */
  readonly name: string;
  readonly volumes: VolumeStore;
  readonly snapshots: SnapshotStore;
  readonly #options: RouterOsArrayOptions;
  readonly #session: Session;
  readonly #box: Box;
  readonly #closing = new AbortController();
  #knowledge: Knowledge | undefined;

  /** For {@link openRouterOsArray} alone. */
  constructor(options: RouterOsArrayOptions, settings: BoxSettings, timeouts: SessionTimeouts) {
    const { clock, observe } = options;
    this.name = options.name;
    this.#options = options;
    this.#session = this.#openSession(timeouts);
    this.#box = {
      settings,
      session: this.#session,
      clock,
      observe,
      closing: this.#closing.signal,
      knownLimits: () => this.#knowledge?.limitsFound,
      limits: (signal) => this.#limits(signal),
      copyMethod: (signal) => this.#copyMethod(signal),
    };
    this.volumes = new RouterOsVolumes(this.#box);
    this.snapshots = new RouterOsSnapshots(this.#box);
  }

  /** Whether the box is connected and was found usable. */
  isReachable(): boolean {
    return this.#session.isUp;
  }

  /** Waits until the box is connected. @throws {StorageError} why it is not. */
  async ready(signal: AbortSignal): Promise<void> {
    await this.#session.ready(signal);
  }

  /**
   * What the box can do, as found when it was connected last, and the limits of names once they
   * were tried out; undefined before the first connection.
   */
  features(): (BoxFeatures & Partial<BoxLimits>) | undefined {
    const knowledge = this.#knowledge;
    return knowledge && { ...knowledge.features, ...knowledge.limitsFound };
  }

  /**
   * Tries out the limits of names and how copies are made, unless that is known. Calls that need
   * either do so themselves; doing it at the start keeps it out of their way. Then removes what
   * calls before us left half-made.
   * @throws {StorageError} why it could not be done; what was found out stays known.
   */
  async prepare(signal: AbortSignal): Promise<void> {
    await this.#limits(signal);
    await this.#copyMethod(signal);
    const { copyMs } = { ...DEFAULT_TIMEOUTS, ...this.#options.timeouts };
    await sweepLeftOvers(this.#box, LEFT_OVER_AFTER_CALLS * copyMs, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error("the driver is stopping"));
    await this.#session[Symbol.asyncDispose]();
  }

  #openSession(timeouts: SessionTimeouts): Session {
    const { name, address, port, user, privateKey, hostKeys } = this.#options;
    return new Session({
      name,
      target: {
        address,
        port: checkPort(port, `port of array "${name}"`),
        user,
        key: checkClientKey(privateKey.text, privateKey.passphrase),
        hostKeys: hostKeys.map(parseHostKeyPin),
      },
      timeouts,
      readConnections: this.#options.readConnections ?? READ_CONNECTIONS,
      waitingMax: WAITING_MAX,
      clock: this.#options.clock,
      random: this.#options.random,
      observe: this.#options.observe,
      onExec: this.#options.onExec ?? ((): void => {}),
      probe: async (ask, signal) => this.#learn(await probeBox(ask, name, user, signal)),
    });
  }

  #learn(features: BoxFeatures): void {
    if (this.#knowledge?.features.version === features.version) return;
    this.#knowledge = { features };
    this.#report(features);
  }

  #report(features: BoxFeatures & Partial<BoxLimits>): void {
    const { version, ...others } = features;
    this.#options.observe({ kind: "array-probed", array: this.name, version, features: others });
  }

  async #probeLimits(knowledge: Knowledge): Promise<BoxLimits> {
    const limits = await probeLimits(this.#box, this.#options.random, this.#closing.signal);
    knowledge.limitsFound = limits;
    this.#report({ ...knowledge.features, ...limits });
    return limits;
  }

  async #limits(signal: AbortSignal): Promise<BoxLimits> {
    const knowledge = await this.#known(signal);
    knowledge.limits ??= this.#probeLimits(knowledge).catch((error) => {
      delete knowledge.limits;
      throw error;
    });
    const { limits } = knowledge;
    return await unlessAborted(() => limits, signal, this.name);
  }

  async #copyMethod(signal: AbortSignal): Promise<CopyMethod> {
    await this.#limits(signal);
    const knowledge = await this.#known(signal);
    knowledge.method ??= this.#probeCopies(knowledge.features).catch((error) => {
      delete knowledge.method;
      throw error;
    });
    const { method } = knowledge;
    return await unlessAborted(() => method, signal, this.name);
  }

  async #known(signal: AbortSignal): Promise<Knowledge> {
    await this.#session.ready(signal);
    if (this.#knowledge !== undefined) return this.#knowledge;
    throw new StorageError("unavailable", `Cannot use array "${this.name}": it was not looked at`);
  }

  async #probeCopies({ hasFileCopy }: BoxFeatures): Promise<CopyMethod> {
    const { snapshots: { strategy }, random, observe } = this.#options;
    const wanted: readonly CopyStrategy[] = strategy === "auto"
      ? ["copy-from", "file-copy"]
      : [strategy];
    const possible = wanted.filter((one) => one === "copy-from" || hasFileCopy);
    const method = await probeCopies(this.#box, possible, random, this.#closing.signal);
    const { result } = method.proof;
    observe({
      kind: "copy-probed",
      array: this.name,
      result: result === "refused" ? result : `${result} by ${method.strategy}`,
      ...(method.proof.result === "refused" ? { reason: method.proof.reason } : {}),
    });
    return method;
  }
}

/**
 * Opens a box: checks the options at once, connects in the background, for ever.
 * @throws {StorageError} `invalid` naming the option that is wrong.
 */
export function openRouterOsArray(options: RouterOsArrayOptions): RouterOsArray {
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  return new RouterOsArray(options, checkedSettings(options), timeouts);
}

function checkedSettings(options: RouterOsArrayOptions): BoxSettings {
  const { name, clusterId, basePath, nvmePorts, minFreePercent, volumesMax } = options;
  const basePaths = [...new Set([basePath, ...options.allowedBasePaths ?? []])];
  const refuse = (what: string): never => {
    throw new StorageError("invalid", `Cannot use array "${name}": ${what}`);
  };
  if (!isClusterId(clusterId)) refuse(`cluster id "${clusterId}" is not 1 to 16 of a-z, 0-9, "-"`);
  for (const path of basePaths) {
    if (!BASE_PATH.test(path)) refuse(`base path "${path}" is no absolute path of plain names`);
    if (poolOf(path) !== poolOf(basePath)) refuse(`base path "${path}" is on another pool`);
  }
  checkPort(nvmePorts.first, `first NVMe port of array "${name}"`);
  checkPort(nvmePorts.last, `last NVMe port of array "${name}"`);
  if (nvmePorts.last < nvmePorts.first) refuse("the last NVMe port is below the first");
  if (!Number.isInteger(minFreePercent) || minFreePercent < 0 || minFreePercent > 90) {
    refuse(`${minFreePercent} percent cannot be kept free; 0 to 90 can`);
  }
  if (options.hostKeys.length === 0) refuse("no host key is pinned");
  return {
    name,
    clusterId,
    basePath,
    basePaths,
    pool: poolOf(basePath),
    nvmePorts,
    minFreePercent,
    volumesMax,
    whileAttached: options.snapshots.whileAttached,
  };
}
