/** New connections: from an address to a controller that the kernel says is live. */
import { StorageError } from "../../domain/errors.ts";
import type { Nqn, TransportAddress } from "../../domain/nvme.ts";
import type { ReconnectPolicy } from "../../domain/reconnect_policy.ts";
import type { KernelResult } from "../../ports/kernel_calls.ts";
import type { Random } from "../../ports/random.ts";
import { AddressBreaker } from "./address_breaker.ts";
import { judgeConnect } from "./connect_failures.ts";
import { connectOptions, fewerQueues, parseSupported, queuesFor } from "./connect_options.ts";
import { ConnectQueue } from "./connect_queue.ts";
import type { NvmeContext } from "./context.ts";
import { uptimeSeconds, withKernelLog } from "./kernel_log.ts";
import type { ProbeTarget } from "./target_probe.ts";

/** What a connector stands on. */
export interface ConnectorOptions {
  readonly context: NvmeContext;
  readonly probe: ProbeTarget;
  readonly random: Random;
  /** How many processors this node has. */
  readonly processors: number;
}

/** A volume and where it may be. */
export interface Wanted {
  readonly nqn: Nqn;
  /** Numeric; at least one. */
  readonly addresses: readonly TransportAddress[];
  readonly policy: ReconnectPolicy;
}

/**
 * A box is left alone for a short time, a port of it for longer: a port that stays silent must not
 * keep the volumes on the box's other ports away for good.
 */
const BOX_LIMITS = { firstMs: 10_000, longestMs: 30_000 };
const PORT_LIMITS = { firstMs: 20_000, longestMs: 300_000 };
/** A call that took so much of its deadline counts as one that waited in vain. */
const LATE = 0.9;

/** Makes connections, one at a time, and leaves addresses alone that made the kernel wait. */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #queue: ConnectQueue;
  readonly #boxes: AddressBreaker;
  readonly #ports: AddressBreaker;
  #supported: ReadonlySet<string> | undefined;

  constructor(options: ConnectorOptions) {
    const { context: { clock, timing }, random } = options;
    this.#options = options;
    this.#queue = new ConnectQueue(clock, timing.queueMs);
    this.#boxes = new AddressBreaker(BOX_LIMITS, clock, random);
    this.#ports = new AddressBreaker(PORT_LIMITS, clock, random);
  }

  /**
   * Connects. When it returns the kernel has a controller, or had one already.
   * @throws {StorageError} why there is none: see `judgeConnect()`.
   */
  async connect(wanted: Wanted, signal: AbortSignal): Promise<"made" | "present"> {
    const at = await this.#answering(wanted, signal);
    return await this.#queue.run(at.address, () => this.#inTurn(wanted, at, signal), signal);
  }

  /** The first address where something speaks NVMe/TCP. */
  async #answering({ nqn, addresses }: Wanted, signal: AbortSignal): Promise<TransportAddress> {
    let failure: unknown;
    for (const at of addresses) {
      try {
        this.#check(at, nqn);
        await this.#options.probe(at, describe(nqn, at), signal);
        return at;
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  }

  async #inTurn(
    wanted: Wanted,
    at: TransportAddress,
    signal: AbortSignal,
  ): Promise<"made" | "present"> {
    this.#check(at, wanted.nqn);
    refuseWhileStuck(this.#options.context, `connect to ${describe(wanted.nqn, at)}`);
    const supported = await this.#supportedFor(wanted.policy, signal);
    let queues = queuesFor(wanted.policy, this.#options.processors);
    const { context } = this.#options;
    const sinceSeconds = await uptimeSeconds(context);
    for (;;) {
      const { identity: host } = context;
      const { nqn, policy } = wanted;
      const options = connectOptions({ nqn, at, host, policy, queues }, supported);
      const result = await this.#write(nqn, at, options, signal);
      if (result.isOk) {
        this.#succeeded(at);
        return "made";
      }
      const verdict = judgeConnect(result.errno, describe(nqn, at));
      if (verdict.kind === "present") return "present";
      if (verdict.kind === "refused") {
        if (verdict.isSlow) this.#failed(at, result.errno);
        throw await withKernelLog(context, verdict.error, sinceSeconds, nqn, signal);
      }
      const fewer = fewerQueues(queues);
      if (fewer === undefined) throw verdict.error;
      queues = fewer;
    }
  }

  async #write(
    nqn: Nqn,
    at: TransportAddress,
    options: string,
    signal: AbortSignal,
  ): Promise<KernelResult<"connect-nvme">> {
    const { context } = this.#options;
    const deadlineMs = context.timing.connectMs;
    const startMs = context.clock.monotonicMs();
    const call = { kind: "connect-nvme", options } as const;
    try {
      return await context.calls.call(call, { subject: nqn, deadlineMs }, signal);
    } catch (error) {
      if (context.clock.monotonicMs() - startMs >= LATE * deadlineMs) {
        this.#failed(at, `no answer in ${deadlineMs / 1000} s`);
      }
      throw error;
    }
  }

  /**
   * The options that the kernel knows, asked only where one is wanted that older ones lack, and in
   * a child: the question waits for the lock that a connect holds.
   */
  async #supportedFor(
    { fastIoFailTmo }: ReconnectPolicy,
    signal: AbortSignal,
  ): Promise<ReadonlySet<string> | undefined> {
    if (fastIoFailTmo === undefined || this.#supported !== undefined) return this.#supported;
    const { programs, paths, timing } = this.#options.context;
    const device = `${paths.dev}/nvme-fabrics`;
    const call = { program: "cat", args: [device], subject: device };
    const { code, stdout } = await programs.run(
      { ...call, deadlineMs: timing.attributeMs },
      signal,
    );
    this.#supported = code === 0 ? parseSupported(stdout) : undefined;
    return this.#supported;
  }

  #check(at: TransportAddress, nqn: Nqn): void {
    const what = describe(nqn, at);
    this.#boxes.check(at.address, what);
    this.#ports.check(portKey(at), what);
  }

  #failed(at: TransportAddress, reason: string): void {
    this.#boxes.failed(at.address, reason);
    this.#ports.failed(portKey(at), reason);
  }

  #succeeded(at: TransportAddress): void {
    this.#boxes.succeeded(at.address);
    this.#ports.succeeded(portKey(at));
  }
}

/**
 * A connect that outlived its deadline still has the kernel's lock, and may still have its effect.
 * @param nqn only those of this volume count; absent: any
 * @throws {StorageError} `unavailable`
 */
export function refuseWhileStuck({ programs }: NvmeContext, action: string, nqn?: Nqn): void {
  const stuck = programs.stuck().find(({ what, subject }) =>
    what === "connect-nvme" && (nqn === undefined || subject === nqn)
  );
  if (stuck === undefined) return;
  throw new StorageError(
    "unavailable",
    `Cannot ${action}: the kernel is busy with a connect to ${stuck.subject} for ` +
      `${Math.round(stuck.ageMs / 1000)} s (process ${stuck.pid})`,
  );
}

function describe(nqn: Nqn, { address, port }: TransportAddress): string {
  return `${nqn} at ${address} port ${port}`;
}

function portKey({ address, port }: TransportAddress): string {
  return `${address} port ${port}`;
}
