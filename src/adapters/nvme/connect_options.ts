/**
 * The request for a connection, as the kernel takes it: `key=value` separated by commas, with no
 * quoting whatsoever. A value with a comma would be another option, and the last one wins: so
 * every value is checked here, wherever it came from.
 */
import { isIP } from "node:net";
import { StorageError } from "../../domain/errors.ts";
import type { TransportAddress } from "../../domain/nvme.ts";
import type { ReconnectPolicy } from "../../domain/reconnect_policy.ts";

/** Who this host is to every target; both are passed each time, or the kernel draws its own. */
export interface HostIdentity {
  readonly hostNqn: string;
  /** A UUID in lower case. */
  readonly hostId: string;
}

/** What a connection is asked for with. */
export interface ConnectRequest {
  readonly nqn: string;
  /** Numeric: the kernel resolves no names. */
  readonly at: TransportAddress;
  readonly host: HostIdentity;
  readonly policy: ReconnectPolicy;
  /** How many I/O queues, 1 or more. */
  readonly queues: number;
}

/** Queues of a volume whose policy names no number; each is a TCP connection to the array. */
const QUEUES_MAX = 4;
/** The kernel takes one page at most. */
const OPTIONS_BYTES_MAX = 4095;

/** I/O queues for a volume: what the policy says, else one for each processor up to four. */
export function queuesFor({ nrIoQueues }: ReconnectPolicy, processors: number): number {
  return nrIoQueues ?? Math.min(QUEUES_MAX, Math.max(1, processors));
}

/** The next smaller number of queues to ask for; undefined when there is none. */
export function fewerQueues(queues: number): number | undefined {
  return queues > 1 ? Math.floor(queues / 2) : undefined;
}

/**
 * The text to write.
 * @param supported the option names the kernel knows; undefined when it does not say
 * @throws {StorageError} `invalid` when a value cannot be passed or the kernel lacks an option.
 */
export function connectOptions(
  { nqn, at, host, policy, queues }: ConnectRequest,
  supported: ReadonlySet<string> | undefined,
): string {
  if (isIP(at.address) === 0) refuse("traddr", at.address, "is no IP address");
  const options: [key: string, value: string | number][] = [
    ["transport", "tcp"],
    ["traddr", at.address],
    ["trsvcid", at.port],
    ["nqn", nqn],
    ["hostnqn", host.hostNqn],
    ["hostid", host.hostId],
    ["nr_io_queues", queues],
    ["keep_alive_tmo", policy.keepAliveTmo],
    ["reconnect_delay", policy.reconnectDelay],
    ["ctrl_loss_tmo", policy.ctrlLossTmo],
  ];
  // Set, it lets I/O fail: absent it stays, and it is absent unless somebody wants it.
  if (policy.fastIoFailTmo !== undefined) options.push(["fast_io_fail_tmo", policy.fastIoFailTmo]);
  for (const [key, value] of options) {
    if (supported !== undefined && !supported.has(key)) {
      refuse(key, String(value), "is an option this node's kernel does not have");
    }
    checkValue(key, String(value));
  }
  const text = options.map(([key, value]) => `${key}=${value}`).join(",");
  if (text.length <= OPTIONS_BYTES_MAX) return text;
  return refuse("options", `${text.length} bytes`, "is more than the kernel takes");
}

/**
 * The option names in what the kernel prints: `instance=-1,cntlid=-1,transport=%s,…`; undefined
 * when it prints no such list, as kernels before 5.17.
 */
export function parseSupported(text: string): ReadonlySet<string> | undefined {
  const names = text.trim().split(",").map((field) => field.split("=")[0] ?? "");
  return names.includes("traddr") ? new Set(names) : undefined;
}

function checkValue(key: string, value: string): void {
  if (value === "") refuse(key, value, "is empty");
  if (!/^[\x21-\x2b\x2d-\x7e]+$/.test(value)) {
    refuse(key, value, "has a comma, white space or a character that is not ASCII");
  }
}

function refuse(key: string, value: string, why: string): never {
  throw new StorageError(
    "invalid",
    `Cannot connect with ${key} ${JSON.stringify(value)}: it ${why}`,
  );
}
