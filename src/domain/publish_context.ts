/**
 * What ControllerPublishVolume tells the node about a volume: where it is and how a lost
 * connection is treated. CSI carries it as a map of texts; both sides use this file, so the node
 * reads exactly what the controller writes.
 */
import { StorageError } from "./errors.ts";
import { isManagedNqn, parseNqn } from "./nvme.ts";
import type { Nqn, TransportAddress } from "./nvme.ts";
import {
  parseReconnectChange,
  RECONNECT_KEYS,
  reconnectParameters,
  reconnectPolicyOf,
} from "./reconnect_policy.ts";
import type { ReconnectPolicy } from "./reconnect_policy.ts";

/** Where a published volume is, and the policy its connection is made with. */
export interface PublishedVolume {
  readonly nqn: Nqn;
  readonly at: TransportAddress;
  readonly policy: ReconnectPolicy;
  /** The size when it was published; it may have grown since. A smaller device is not whole. */
  readonly capacityBytes: number;
  /** Whether it was made from a snapshot or another volume: then it is never formatted. */
  readonly isCopy: boolean;
  /** The UID of the VolumeAttachment it is published under, where it is known. */
  readonly attachmentUid?: string;
}

type Texts = Readonly<Record<string, string>>;

const KEYS: ReadonlySet<string> = new Set([
  ...["nqn", "address", "port", "capacityBytes", "isCopy", "attachmentUid"],
  ...RECONNECT_KEYS,
]);
/** An IPv4 or IPv6 literal or a host name; nothing that a kernel option line could stumble over. */
const ADDRESS = /^[A-Za-z0-9:]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9:])?$/;
const PORT = /^[1-9]\d{0,4}$/;
const CAPACITY = /^[1-9]\d{0,15}$/;
const ATTACHMENT_UID = /^[A-Za-z0-9-]{1,64}$/;

/** The publish context that says `volume`; the inverse of {@link parsePublishContext}. */
export function publishContextOf(volume: PublishedVolume): Record<string, string> {
  const { nqn, at, policy, capacityBytes, isCopy, attachmentUid } = volume;
  return {
    nqn,
    address: at.address,
    port: String(at.port),
    capacityBytes: String(capacityBytes),
    isCopy: String(isCopy),
    ...(attachmentUid === undefined ? {} : { attachmentUid }),
    ...reconnectParameters(policy),
  };
}

/**
 * The volume that a publish context says. Reconnect keys that are missing take their defaults, so
 * a context written before a key existed stays readable.
 * @throws {StorageError} `invalid` naming the key, the value and what is allowed: a key that is
 * unknown, missing or malformed, or an NQN that is not one of ours.
 */
export function parsePublishContext(context: Texts): PublishedVolume {
  const unknown = Object.keys(context).find((key) => !KEYS.has(key));
  if (unknown !== undefined) {
    refuse(unknown, context[unknown], `one of the keys ${[...KEYS].join(", ")}`);
  }
  return {
    nqn: parseManagedNqn(context["nqn"]),
    at: { address: parseAddress(context["address"]), port: parsePort(context["port"]) },
    policy: reconnectPolicyOf(parseReconnectChange(context)),
    capacityBytes: parseCapacity(context["capacityBytes"]),
    isCopy: parseIsCopy(context["isCopy"]),
    ...parseAttachmentUid(context["attachmentUid"]),
  };
}

function parseManagedNqn(text: string | undefined): Nqn {
  const nqn = parseNqn(text ?? "");
  if (nqn !== undefined && isManagedNqn(nqn)) return nqn;
  return refuse("nqn", text, "the NQN of a volume of this driver");
}

function parseAddress(text: string | undefined): string {
  if (text !== undefined && ADDRESS.test(text)) return text;
  return refuse("address", text, "an IP address or a host name");
}

function parsePort(text: string | undefined): number {
  if (text !== undefined && PORT.test(text) && Number(text) <= 65_535) return Number(text);
  return refuse("port", text, "1 to 65535");
}

function parseCapacity(text: string | undefined): number {
  const capacityBytes = text !== undefined && CAPACITY.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(capacityBytes)) return capacityBytes;
  return refuse("capacityBytes", text, "a number of bytes");
}

/** Never guessed: whether an empty-looking device may be formatted hangs on it. */
function parseIsCopy(text: string | undefined): boolean {
  if (text === "true" || text === "false") return text === "true";
  return refuse("isCopy", text, "true or false");
}

function parseAttachmentUid(text: string | undefined): Pick<PublishedVolume, "attachmentUid"> {
  if (text === undefined) return {};
  if (ATTACHMENT_UID.test(text)) return { attachmentUid: text };
  return refuse("attachmentUid", text, "the UID of a VolumeAttachment");
}

function refuse(key: string, value: string | undefined, allowed: string): never {
  const shown = value === undefined ? "it is missing" : `"${value}"`;
  throw new StorageError(
    "invalid",
    `Cannot use publish context key ${key}: ${shown}, allowed is ${allowed}`,
  );
}
