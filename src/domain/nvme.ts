/** Names and addresses of NVMe over Fabrics, as the NVMe specifications have them. */
import { StorageError } from "./errors.ts";
import { parseVolumeId } from "./volume_id.ts";
import type { VolumeId } from "./volume_id.ts";

/** An NVMe qualified name; at most 223 bytes, made only by {@link parseNqn} and {@link nqnOf}. */
export type Nqn = string & { readonly brand: "Nqn" };

/** Where an NVM subsystem listens: transport address (`traddr`) and service id (`trsvcid`). */
export interface TransportAddress {
  /** An IPv4 or IPv6 literal or a host name; adapters resolve names, the kernel takes literals. */
  readonly address: string;
  /** A TCP port, 1 to 65535. */
  readonly port: number;
}

/** A range of TCP ports, both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const NQN_BYTES_MAX = 223;
const NQN = /^nqn\.\d{4}-\d{2}\.[a-z0-9][a-z0-9.-]*:[A-Za-z0-9._:-]+$/;
/** What every NQN of ours begins with; nothing that begins otherwise is ever touched. */
export const MANAGED_NQN_PREFIX = "nqn.2000-02.com.mikrotik:pvc-";

/** The NQN that `text` is, or undefined when it is not well formed. Case is kept as it is. */
export function parseNqn(text: string): Nqn | undefined {
  return text.length <= NQN_BYTES_MAX && NQN.test(text) ? (text as Nqn) : undefined;
}

/** The NQN that volume `id` is exported under. */
export function nqnOf(id: VolumeId): Nqn {
  return `nqn.2000-02.com.mikrotik:${id}` as Nqn;
}

/** The volume that is exported under `nqn`, or undefined when it is none of ours. */
export function volumeIdOfNqn(nqn: Nqn): VolumeId | undefined {
  return isManagedNqn(nqn) ? parseVolumeId(nqn.slice(nqn.indexOf(":") + 1)) : undefined;
}

/** Whether `nqn` is one of ours: the managed prefix, then a UUID. */
export function isManagedNqn(nqn: string): boolean {
  return /^nqn\.2000-02\.com\.mikrotik:pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(nqn);
}

/**
 * The ports to try for a volume, best first: a walk through `range` that begins at a place drawn
 * from the id, so that neighbours rarely meet. At most `count` of them, without repeats.
 */
export function portCandidates(id: VolumeId, range: PortRange, count: number): number[] {
  const size = range.last - range.first + 1;
  const start = Number.parseInt(id.slice(4, 12), 16) % size;
  const stride = strideFor(size, Number.parseInt(id.slice(13, 17), 16));
  const ports: number[] = [];
  for (let step = 0; step < Math.min(count, size); step++) {
    ports.push(range.first + ((start + step * stride) % size));
  }
  return ports;
}

/** @throws {StorageError} `invalid` when `port` is no TCP port. */
export function checkPort(port: number, what: string): number {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new StorageError("invalid", `Cannot use ${what}: ${port} is not a port (1 to 65535)`);
}

/** A stride that visits every place of a ring of `size`: one that shares no divisor with it. */
function strideFor(size: number, wish: number): number {
  let stride = (wish % size) || 1;
  while (greatestCommonDivisor(stride, size) !== 1) stride++;
  return stride;
}

function greatestCommonDivisor(left: number, right: number): number {
  let [a, b] = [left, right];
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
