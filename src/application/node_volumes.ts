/**
 * Volumes on this node: from the array to a pod and back. Every method looks at the kernel first
 * and goes on from whatever it finds, so each is safe to repeat after any failure. What was meant,
 * which the kernel cannot know, is in the volume's record; nothing else is remembered.
 *
 * All methods but `stats` and `info` throw {@link StorageError} `busy` while another operation on
 * the same volume runs here.
 */
import { nodeIdOf } from "../domain/node_id.ts";
import type { NodeId } from "../domain/node_id.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import { expandVolume } from "./node_expansion.ts";
import type { NodeContext, NodePorts, NodeShared } from "./node_ports.ts";
import { publishVolume } from "./node_publishing.ts";
import type { NodeExpandRequest, NodePublishRequest, StageRequest } from "./node_requests.ts";
import { stageVolume } from "./node_staging.ts";
import { volumeStats } from "./node_stats.ts";
import type { VolumeStats } from "./node_stats.ts";
import { unpublishVolume } from "./node_unpublishing.ts";
import { unstageVolume } from "./node_unstaging.ts";

/** What this node is. */
export interface NodeSettings {
  /** The node's name in the cluster. */
  readonly name: string;
  /** How many volumes it can have at once; 0 = the orchestrator decides. */
  readonly volumesMax: number;
  /** The kernel's id of the boot that is running: records of another one are history. */
  readonly bootId: string;
}

/** What NodeGetInfo answers. */
export interface NodeInfo {
  readonly id: NodeId;
  readonly volumesMax: number;
}

/** The node's use cases. */
export class NodeVolumes {
  readonly #context: NodeContext;
  readonly #info: NodeInfo;

  /** @throws {StorageError} `invalid` when the node's name or host id cannot be used. */
  constructor(ports: NodePorts, shared: NodeShared, settings: NodeSettings) {
    this.#context = { ...ports, ...shared, bootId: settings.bootId };
    this.#info = {
      id: nodeIdOf(settings.name, ports.host.hostId),
      volumesMax: settings.volumesMax,
    };
  }

  /**
   * Connects the volume and, for the access type mount, mounts it at the staging path: formatted
   * when it is blank and was made empty, as large as its device. For raw block it connects only.
   * @throws {StorageError} `invalid`; `not-ready` when the device holds something else or needs a
   * person; `already-exists` when it is staged in another way; `unavailable` when the array does
   * not answer or the device is not whole. Once `not-ready` was the answer five times in a row, it
   * is given for a while without a look at the device.
   */
  async stage(request: StageRequest, signal: AbortSignal): Promise<void> {
    using _turn = this.#context.locks.take(request.volumeId);
    await stageVolume(this.#context, request, signal);
  }

  /**
   * Unmounts the staging path and disconnects; returns when both are over. A volume that is not
   * staged is a success. Needs no record: what the kernel shows is enough.
   * @throws {StorageError} `in-use` naming what still uses the device; `unavailable` when the
   * kernel still shows a connection at the deadline, or has not let go of the device.
   */
  async unstage(volumeId: VolumeId, stagingPath: string, signal: AbortSignal): Promise<void> {
    using _turn = this.#context.locks.take(volumeId);
    await unstageVolume(this.#context, volumeId, stagingPath, signal);
  }

  /**
   * Shows a staged volume at the target path: its tree, or for raw block its device. What was
   * staged and died since is staged again first.
   * @throws {StorageError} `not-ready` when it is not staged, or cannot be staged again;
   * `already-exists` when it is published there in another way; `in-use` when the access mode
   * allows one target path only and there is another, or something else is at the path.
   */
  async publish(request: NodePublishRequest, signal: AbortSignal): Promise<void> {
    using _turn = this.#context.locks.take(request.volumeId);
    await publishVolume(this.#context, request, signal);
  }

  /**
   * Takes the volume away from the target path, and the path itself. Nothing there is a success;
   * files that are not on the volume are never deleted.
   * @throws {StorageError} `in-use` while something uses it, and when another device is at the path;
   * `not-ready` when the path holds files of somebody's.
   */
  async unpublish(volumeId: VolumeId, targetPath: string, signal: AbortSignal): Promise<void> {
    using _turn = this.#context.locks.take(volumeId);
    await unpublishVolume(this.#context, volumeId, targetPath, signal);
  }

  /**
   * Lets the node see that the volume has grown, and grows its file system.
   * @returns the size of the device in bytes
   * @throws {StorageError} `not-found` when the volume is not at the path; `unavailable` when the
   * device is still smaller than asked; `not-ready` when its file system is mounted read-only.
   */
  async expand(request: NodeExpandRequest, signal: AbortSignal): Promise<number> {
    using _turn = this.#context.locks.take(request.volumeId);
    return await expandVolume(this.#context, request, signal);
  }

  /**
   * The use of a volume at a path it is staged or published at, and its health.
   * @throws {StorageError} `not-found` when the volume is not at the path.
   */
  async stats(volumeId: VolumeId, path: string, signal: AbortSignal): Promise<VolumeStats> {
    return await volumeStats(this.#context, volumeId, path, signal);
  }

  /** Who this node is. */
  info(): NodeInfo {
    return this.#info;
  }
}
