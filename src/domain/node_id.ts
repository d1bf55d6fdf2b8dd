/**
 * What a node is called in CSI: `<node name>@<host id>`. It names the machine for people and
 * carries its NVMe host identity, so the controller needs no other source to know both.
 */
import { StorageError } from "./errors.ts";

/** Made only by {@link parseNodeId} and {@link nodeIdOf}; at most 101 bytes (CSI allows 256). */
export type NodeId = string & { readonly brand: "NodeId" };

const NODE_NAME = /^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$/;
const HOST_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The node id that `text` is, or undefined: no node of this driver can have that id. */
export function parseNodeId(text: string): NodeId | undefined {
  const at = text.indexOf("@");
  if (at < 0) return undefined;
  const wellFormed = NODE_NAME.test(text.slice(0, at)) && HOST_ID.test(text.slice(at + 1));
  return wellFormed ? (text as NodeId) : undefined;
}

/**
 * The id of the node `name` with NVMe host id `hostId`.
 * @throws {StorageError} `invalid` when the name is not a DNS name of at most 64 characters or the
 * host id is no UUID in lower case.
 */
export function nodeIdOf(name: string, hostId: string): NodeId {
  if (!NODE_NAME.test(name)) {
    throw new StorageError(
      "invalid",
      `Cannot use node name "${name}": at most 64 of a-z, 0-9, "-" and "." are allowed`,
    );
  }
  if (!HOST_ID.test(hostId)) {
    throw new StorageError("invalid", `Cannot use host id "${hostId}": it is not a UUID`);
  }
  return `${name}@${hostId}` as NodeId;
}

/** The node's name, for people. */
export function nodeNameOf(id: NodeId): string {
  return id.slice(0, id.indexOf("@"));
}

/** The node's NVMe host id, a UUID. */
export function hostIdOf(id: NodeId): string {
  return id.slice(id.indexOf("@") + 1);
}
