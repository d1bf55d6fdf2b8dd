/** Which nodes may use a volume, and what they need to know to reach it. */
import { checkCapabilities, isMultiNode } from "../domain/access.ts";
import type { VolumeCapability } from "../domain/access.ts";
import { StorageError } from "../domain/errors.ts";
import { parseNodeId } from "../domain/node_id.ts";
import type { NodeId } from "../domain/node_id.ts";
import { publishContextOf } from "../domain/publish_context.ts";
import { effectivePolicyOf } from "../domain/reconnect_policy.ts";
import { planPublish, planUnpublish } from "../domain/volume.ts";
import type { Publication, Volume } from "../domain/volume.ts";
import { parseVolumeContext } from "../domain/volume_context.ts";
import { parseVolumeId } from "../domain/volume_id.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { VolumeAmendment } from "../ports/volume_store.ts";
import { amendVolume, volumeNotFound } from "./amendment.ts";
import type { Backends } from "./backends.ts";
import type { KeyedLock } from "./keyed_lock.ts";

/** A node that is to use a volume. */
export interface PublishRequest {
  readonly volumeId: VolumeId;
  /** As the node called itself. */
  readonly nodeId: string;
  readonly capability: VolumeCapability;
  readonly isReadOnly: boolean;
  /** What CreateVolume answered with. */
  readonly volumeContext: Readonly<Record<string, string>>;
}

/** Publishing of volumes to nodes. Every method is safe to repeat. */
export class Publications {
  readonly #backends: Backends;
  readonly #locks: KeyedLock;

  constructor(backends: Backends, locks: KeyedLock) {
    this.#backends = backends;
    this.#locks = locks;
  }

  /**
   * Records that the node may use the volume, and says what it needs to reach it. The record is on
   * the array before this returns.
   * @throws {StorageError} `not-found` for the volume or a node that cannot be ours; `in-use` naming
   * the holder; `already-exists` when the node has it in another way; `invalid`; `busy`.
   */
  async publish(request: PublishRequest, signal: AbortSignal): Promise<Record<string, string>> {
    checkCapabilities([request.capability]);
    const { nvmeAddress, reconnect } = parseVolumeContext(request.volumeContext);
    const wanted = publicationOf(request);
    using _turn = this.#locks.take(request.volumeId);
    const found = await this.#amend(request.volumeId, (volume) => {
      return planPublish(volume, wanted);
    }, signal);
    if (found === undefined) throw volumeNotFound(request.volumeId);
    const { backend, item: volume } = found;
    return publishContextOf({
      nqn: volume.nqn,
      at: { address: nvmeAddress ?? backend.storageAddress, port: volume.port },
      policy: effectivePolicyOf(reconnect, volume.reconnect),
      capacityBytes: volume.capacityBytes,
      isCopy: volume.source !== undefined,
    });
  }

  /**
   * Records that the node no longer uses the volume; no node named: that none does. A volume or a
   * node that is unknown is a success.
   * @param nodeId as the node called itself; empty = every node
   * @throws {StorageError} `busy`.
   */
  async unpublish(id: string, nodeId: string, signal: AbortSignal): Promise<void> {
    const volumeId = parseVolumeId(id);
    const node = nodeId === "" ? undefined : parseNodeId(nodeId);
    if (volumeId === undefined || (node === undefined && nodeId !== "")) return;
    using _turn = this.#locks.take(volumeId);
    try {
      await this.#amend(volumeId, (volume) => planUnpublish(volume, node), signal);
    } catch (error) {
      if (error instanceof StorageError && error.code === "not-found") return;
      throw error;
    }
  }

  #amend(
    id: VolumeId,
    plan: (volume: Volume) => Publication[] | undefined,
    signal: AbortSignal,
  ): ReturnType<typeof amendVolume> {
    const amendmentOf = (volume: Volume): VolumeAmendment | undefined => {
      const publications = plan(volume);
      return publications === undefined ? undefined : { publications };
    };
    return amendVolume(this.#backends, id, amendmentOf, signal);
  }
}

function publicationOf({ nodeId, capability, isReadOnly }: PublishRequest): Publication {
  return {
    node: requiredNode(nodeId),
    isReadOnly: isReadOnly || capability.mode === "SINGLE_NODE_READER_ONLY",
    isShared: isMultiNode(capability.mode),
  };
}

function requiredNode(text: string): NodeId {
  const node = parseNodeId(text);
  if (node !== undefined) return node;
  throw new StorageError("not-found", `Cannot find node "${text}": it is no id of this driver`);
}
