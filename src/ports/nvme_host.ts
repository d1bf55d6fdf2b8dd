/**
 * The NVMe over Fabrics host of this node: the connections to our volumes.
 *
 * Only subsystems whose NQN carries the managed prefix are ever touched. Truth is what the kernel
 * says at the moment of the call, never what we remember.
 */
import type { Nqn, TransportAddress } from "../domain/nvme.ts";
import type { ReconnectPolicy } from "../domain/reconnect_policy.ts";

/** What to connect to, and how a lost connection is treated. */
export interface NvmeTarget {
  readonly nqn: Nqn;
  readonly at: TransportAddress;
  readonly policy: ReconnectPolicy;
}

/** The block device of a connected namespace. Valid for the call only: names can change. */
export interface NvmeDevice {
  /** The device node, for example `/dev/nvme0n1`. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** One connection as the kernel shows it. */
export interface NvmeSession {
  readonly nqn: Nqn;
  /** `lost` while the kernel tries to bring it back. */
  readonly state: "live" | "lost" | "closing";
}

export interface NvmeHost {
  /** This node's NVMe host id, a UUID that stays the same over reboots. */
  readonly hostId: string;

  /**
   * Connects and waits until the device of namespace 1 can be used. Connected already: returns the
   * device.
   * @throws {StorageError} `unavailable` when the target does not answer or shows no device in
   * time; `invalid` when the kernel refuses the options.
   */
  connect(target: NvmeTarget, signal: AbortSignal): Promise<NvmeDevice>;

  /** The device of a connected subsystem, or undefined when there is none. */
  find(nqn: Nqn, signal: AbortSignal): Promise<NvmeDevice | undefined>;

  /** Looks at the size of the namespace again, and returns the device as it is then. */
  rescan(nqn: Nqn, signal: AbortSignal): Promise<NvmeDevice>;

  /**
   * Ends every connection to the subsystem; done only when the kernel no longer shows any. One
   * that is not connected is a success.
   * @throws {StorageError} `unavailable` when a connection is still there at the deadline.
   */
  disconnect(nqn: Nqn, signal: AbortSignal): Promise<void>;

  /** Every connection with the managed prefix. */
  sessions(signal: AbortSignal): Promise<NvmeSession[]>;
}
