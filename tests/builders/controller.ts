/** A controller's use cases over arrays in memory, wired as the program wires them. */
import { MemoryRds } from "../../src/adapters/memory/rds.ts";
import { Backends } from "../../src/application/backends.ts";
import type { Backend } from "../../src/application/backends.ts";
import { KeyedLock } from "../../src/application/keyed_lock.ts";
import { Publications } from "../../src/application/publication.ts";
import type { PublishRequest } from "../../src/application/publication.ts";
import { Snapshots } from "../../src/application/snapshots.ts";
import { Volumes } from "../../src/application/volumes.ts";
import type { VolumeRequest } from "../../src/application/volumes.ts";
import type { VolumeCapability } from "../../src/domain/access.ts";
import type { Volume } from "../../src/domain/volume.ts";
import type { Snapshot } from "../../src/domain/snapshot.ts";
import { volumeIdForName } from "../../src/domain/volume_id.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { aNodeId } from "./stores.ts";

/** A file system for one node. */
export const MOUNT: VolumeCapability = {
  mode: "SINGLE_NODE_WRITER",
  access: { type: "mount", fileSystem: "ext4", mountFlags: [] },
};

/** A raw device for several nodes. */
export const SHARED_BLOCK: VolumeCapability = {
  mode: "MULTI_NODE_MULTI_WRITER",
  access: { type: "block" },
};

/** A signal that never aborts. */
export const FOREVER: AbortSignal = new AbortController().signal;

/** Use cases as a fresh process has them. */
export interface Controller {
  readonly backends: Backends;
  readonly locks: KeyedLock;
  readonly volumes: Volumes;
  readonly snapshots: Snapshots;
  readonly publications: Publications;
}

/** The array in memory called `name`. */
export function aBackend(name: string, rds: MemoryRds = new MemoryRds()): Backend {
  return {
    name,
    volumes: rds.volumes,
    snapshots: rds.snapshots,
    storageAddress: `${name}.storage.example`,
    isReachable: () => true,
  };
}

/** A controller over `backends`, the first being the default one. */
export function aController(
  backends: readonly Backend[] = [aBackend("one")],
  clock: ManualClock = new ManualClock(),
): Controller {
  const all = new Backends(backends, backends[0]?.name ?? "", clock);
  const locks = new KeyedLock();
  return {
    backends: all,
    locks,
    volumes: new Volumes(all, locks, clock),
    snapshots: new Snapshots(all, locks, clock),
    publications: new Publications(all, locks),
  };
}

/** A request for an empty volume called `name`. */
export function aVolumeRequest(
  name: string,
  differing: Partial<VolumeRequest> = {},
): VolumeRequest {
  return {
    name,
    range: { requiredBytes: 0, limitBytes: 0 },
    capabilities: [MOUNT],
    parameters: {},
    mutableParameters: {},
    source: undefined,
    ...differing,
  };
}

/** A request to publish the volume called `name` to worker-1. */
export function aPublishRequest(
  name: string,
  differing: Partial<PublishRequest> = {},
): PublishRequest {
  return {
    volumeId: volumeIdForName(name),
    nodeId: aNodeId("worker-1"),
    capability: MOUNT,
    isReadOnly: false,
    volumeContext: {},
    ...differing,
  };
}

/** Makes an empty volume called `name`. */
export async function madeVolume(
  { volumes }: Controller,
  name: string,
  differing: Partial<VolumeRequest> = {},
): Promise<Volume> {
  return (await volumes.create(aVolumeRequest(name, differing), FOREVER)).volume;
}

/** Takes a snapshot called `name` of the volume called `volumeName`. */
export function takenSnapshot(
  { snapshots }: Controller,
  name: string,
  volumeName: string,
): Promise<Snapshot> {
  const sourceVolumeId = volumeIdForName(volumeName);
  return snapshots.create({ name, sourceVolumeId, parameters: {} }, FOREVER);
}
