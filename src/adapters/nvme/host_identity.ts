/**
 * Who this node is to every array: a host NQN and a host id that stay the same for ever. Newer
 * kernels want the two to be one-to-one over all connections of a node, also those of others.
 */
import { StorageError } from "../../domain/errors.ts";
import type { HostIdentity } from "./connect_options.ts";

/** The files that an identity is read from and kept in. */
export interface IdentityFiles {
  /** A file's text; undefined when it is not there. */
  read(path: string): Promise<string | undefined>;
  /**
   * Makes a file, durably and all at once. When there is one already it stays, and nothing is
   * thrown.
   */
  create(path: string, text: string): Promise<void>;
}

/** Where an identity can be. */
export interface IdentityPaths {
  /** The directory of the node's own pair, `/etc/nvme`. */
  readonly etcNvme: string;
  /** The driver's directory on the node, which outlives the container. */
  readonly state: string;
}

/** An identity, and what a person should know of it. */
export interface KeptIdentity extends HostIdentity {
  readonly warnings: readonly string[];
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NQN_OF_UUID = "nqn.2014-08.org.nvmexpress:uuid:";
const NQN = /^nqn\.\d{4}-\d{2}\.[\x21-\x2b\x2d-\x7e]+$/;
const NQN_BYTES_MAX = 223;
const FILE = "nvme_host.json";

/**
 * The identity of this node. The first answer is kept and given ever after: a node that changed it
 * would be another host to the array, and would not know its own connections again. The first
 * answer is the node's own pair in /etc/nvme where that is sound, and else a new one.
 * @param newUuid draws a random UUID
 * @throws {StorageError} `not-ready` when what is kept cannot be read or does not parse.
 */
export async function hostIdentity(
  files: IdentityFiles,
  { etcNvme, state }: IdentityPaths,
  newUuid: () => string,
): Promise<KeptIdentity> {
  const path = `${state}/${FILE}`;
  const ofNode = nodePair(
    await files.read(`${etcNvme}/hostnqn`),
    await files.read(`${etcNvme}/hostid`),
  );
  if (await files.read(path) === undefined) {
    const fresh = ofNode ?? identityFrom(newUuid());
    const { hostNqn, hostId } = fresh;
    await files.create(path, `${JSON.stringify({ version: 1, hostNqn, hostId }, null, 2)}\n`);
  }
  // Read back what is there now: another process may have been first.
  const kept = parseKept(path, await files.read(path));
  return { ...kept, warnings: warningsFor(kept, ofNode, etcNvme, path) };
}

/**
 * What the node's own two files say, when both belong together. Debian's package makes two that do
 * not: the array could not tell from one who the other is.
 */
function nodePair(
  nqnText: string | undefined,
  idText: string | undefined,
): HostIdentity | undefined {
  const [hostNqn = "", hostId = ""] = [nqnText?.trim(), idText?.trim().toLowerCase()];
  if (!NQN.test(hostNqn) || hostNqn.length > NQN_BYTES_MAX || !isHostId(hostId)) return undefined;
  const uuid = hostNqn.startsWith(NQN_OF_UUID) ? hostNqn.slice(NQN_OF_UUID.length) : hostId;
  return uuid.toLowerCase() === hostId ? { hostNqn, hostId } : undefined;
}

function warningsFor(
  kept: HostIdentity,
  ofNode: HostIdentity | undefined,
  etcNvme: string,
  path: string,
): string[] {
  if (ofNode === undefined) return [];
  if (ofNode.hostNqn === kept.hostNqn && ofNode.hostId === kept.hostId) return [];
  return [
    `${etcNvme} says host NQN ${ofNode.hostNqn}, the driver keeps ${kept.hostNqn}, under which ` +
    `the array knows this node; to change it, drain the node and remove ${path}`,
  ];
}

function identityFrom(uuid: string): HostIdentity {
  const hostId = uuid.toLowerCase();
  return { hostNqn: `${NQN_OF_UUID}${hostId}`, hostId };
}

function parseKept(path: string, text: string | undefined): HostIdentity {
  try {
    const value: unknown = JSON.parse(text ?? "");
    if (typeof value === "object" && value !== null && "hostNqn" in value && "hostId" in value) {
      const { hostNqn, hostId } = value;
      if (
        typeof hostNqn === "string" && NQN.test(hostNqn) && hostNqn.length <= NQN_BYTES_MAX &&
        typeof hostId === "string" && isHostId(hostId)
      ) return { hostNqn, hostId };
    }
  } catch {
    // Said below.
  }
  throw new StorageError(
    "not-ready",
    `Cannot use the host's identity in ${path}: it is damaged; put back what the array knows ` +
      `this node as, or drain the node and remove the file`,
  );
}

function isHostId(text: string): boolean {
  return UUID.test(text) && /[1-9a-f]/.test(text);
}
