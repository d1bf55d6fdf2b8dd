/**
 * The NVMe over Fabrics host of this node: the connections to our volumes.
 *
 * Only subsystems whose NQN carries the managed prefix are ever touched: a node may have booted
 * from another disk of the same array. Truth is what the kernel says at the moment of the call,
 * never what we remember. Every method is safe to repeat.
 */
import type { BlockDevice } from "../domain/block_device.ts";
import type { Nqn, TransportAddress } from "../domain/nvme.ts";
import type { ReconnectPolicy } from "../domain/reconnect_policy.ts";

/** What to connect to, and how a lost connection is treated. */
export interface NvmeTarget {
  readonly nqn: Nqn;
  readonly at: TransportAddress;
  readonly policy: ReconnectPolicy;
}

/** The connection to one subsystem as the kernel shows it. */
export interface NvmeSession {
  readonly nqn: Nqn;
  /** `lost` while the kernel tries to bring it back. */
  readonly state: "live" | "lost" | "closing";
  /** Where it goes to; undefined when no connection is left. */
  readonly at: TransportAddress | undefined;
  /** The kernel's names of its controllers, for people, for example `nvme3`. */
  readonly controllers: readonly string[];
  /** The device that stands for namespace 1; undefined while the kernel shows none. */
  readonly device: BlockDevice | undefined;
}

/** The connections of this node to volumes. */
export interface NvmeHost {
  /** This node's NVMe host id, a UUID in lower case that stays the same over reboots. */
  readonly hostId: string;

  /**
   * Connects and waits until the device of namespace 1 can be read. A live connection is taken as
   * it is and, of the policy, takes over what the kernel lets change; one that is lost or closing
   * is waited for. Never makes a second connection to the same subsystem.
   * @throws {StorageError} `unavailable` when the target does not answer or shows no device in
   * time; `invalid` when the NQN lacks the managed prefix or the kernel refuses the options.
   */
  connect(target: NvmeTarget, signal: AbortSignal): Promise<BlockDevice>;

  /**
   * The device of a connected subsystem, or undefined when there is none. The device of a lost
   * connection is still there as long as the kernel keeps it.
   */
  find(nqn: Nqn, signal: AbortSignal): Promise<BlockDevice | undefined>;

  /**
   * Looks at the size of the namespace again, and returns the device as it is then.
   * @throws {StorageError} `not-ready` when the subsystem is not connected; `unavailable` when the
   * connection is lost.
   */
  rescan(nqn: Nqn, signal: AbortSignal): Promise<BlockDevice>;

  /**
   * Ends every connection to the subsystem; done only when the kernel no longer shows any. One
   * that is not connected is a success.
   * @throws {StorageError} `in-use` when something holds the device, which is proved on the device
   * itself: a hanging unmount leaves the mount table before it lets go; or when a process has it
   * open, which only a node that sees all processes can tell (`hostPID`). `unavailable` when that
   * cannot be said, or a connection is still there at the deadline.
   */
  disconnect(nqn: Nqn, signal: AbortSignal): Promise<void>;

  /**
   * Ends every connection to the subsystem although something may use the device: whatever was
   * written and has not reached the array is lost. Only for a person who said so.
   * @throws {StorageError} `unavailable` when a connection is still there at the deadline.
   */
  abandon(nqn: Nqn, signal: AbortSignal): Promise<void>;

  /** The one of {@link sessions} that is of a subsystem; undefined when it is not among them. */
  session(nqn: Nqn, signal: AbortSignal): Promise<NvmeSession | undefined>;

  /**
   * Every connection of this host with the managed prefix, and every subsystem with it that the
   * kernel shows without one (`closing`).
   */
  sessions(signal: AbortSignal): Promise<NvmeSession[]>;

  /** What about this machine endangers volumes, in words for people; empty when nothing does. */
  dangers(signal: AbortSignal): Promise<string[]>;
}
