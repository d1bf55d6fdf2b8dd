/** A node in memory with one exported volume, for tests of the node's use cases. */
import { MemoryFileSystems } from "../../src/adapters/memory/file_systems.ts";
import { HostWorld } from "../../src/adapters/memory/host_world.ts";
import type {
  DiskContent,
  ExportedDisk,
  StoredFileSystem,
} from "../../src/adapters/memory/host_world.ts";
import { MemoryMounter } from "../../src/adapters/memory/mounter.ts";
import { MemoryNvmeHost } from "../../src/adapters/memory/nvme_host.ts";
import { MemoryStageRecords } from "../../src/adapters/memory/stage_records.ts";
import { Guardian } from "../../src/application/guardian.ts";
import { KeyedLock } from "../../src/application/keyed_lock.ts";
import type { NodePorts, NodeShared } from "../../src/application/node_ports.ts";
import type { NodePublishRequest, StageRequest } from "../../src/application/node_requests.ts";
import { NodeVolumes } from "../../src/application/node_volumes.ts";
import { Reconnects } from "../../src/application/reconnects.ts";
import type { AccessMode, FileSystemType, VolumeCapability } from "../../src/domain/access.ts";
import { GIB } from "../../src/domain/capacity.ts";
import { nqnOf } from "../../src/domain/nvme.ts";
import type { PublishedVolume } from "../../src/domain/publish_context.ts";
import { DEFAULT_RECONNECT_POLICY } from "../../src/domain/reconnect_policy.ts";
import { volumeIdForName } from "../../src/domain/volume_id.ts";
import type { VolumeId } from "../../src/domain/volume_id.ts";
import type { DriverEvent } from "../../src/ports/events.ts";
import type { StageRecords } from "../../src/ports/stage_records.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

/** Where the orchestrator keeps staged and published volumes. */
export const STAGING: string = "/kubelet/staging/volume";
/** Where a pod's volume goes; its directory exists. */
export const TARGET: string = "/kubelet/pods/one/volume";
/** Where a second pod's goes. */
export const OTHER_TARGET: string = "/kubelet/pods/two/volume";
/** The volume of most tests. */
export const VOLUME: VolumeId = volumeIdForName("volume");
const HOST_ID = "6a1f3c52-8f0e-4d5e-9d55-000000000001";
const AT = { address: "10.0.0.5", port: 44_200 };

/** The boot that a test's node runs in. */
export const BOOT: string = "b0070001-0000-4000-8000-000000000001";

/** A node, what is behind it, and its use cases. */
export interface TestNode {
  readonly world: HostWorld;
  readonly records: StageRecords;
  readonly ports: NodePorts;
  readonly shared: NodeShared & { readonly clock: ManualClock };
  readonly events: DriverEvent[];
  readonly volumes: NodeVolumes;
  readonly guardian: Guardian;
  /** The disk of {@link VOLUME}. */
  readonly disk: ExportedDisk;
}

/** What of a machine outlives a process of the node role, and the boot it is in. */
export interface TestMachine {
  readonly world?: HostWorld;
  readonly records?: StageRecords;
  readonly clock?: ManualClock;
  readonly bootId?: string;
}

/** A fresh process on a node that reaches one blank volume of 1 GiB. */
export function aNode(
  wrap: (ports: NodePorts) => NodePorts = (ports) => ports,
  machine: TestMachine = {},
): TestNode {
  const { world = new HostWorld(), records = new MemoryStageRecords(), bootId = BOOT } = machine;
  for (const path of [STAGING, TARGET, OTHER_TARGET]) {
    world.tree.makeDirectories(path.slice(0, path.lastIndexOf("/")));
  }
  const disk = world.exportDisk({ nqn: nqnOf(VOLUME), at: AT, sizeBytes: GIB });
  const ports = wrap({
    host: new MemoryNvmeHost(world, HOST_ID),
    mounter: new MemoryMounter(world),
    fileSystems: new MemoryFileSystems(world),
    records,
  });
  const events: DriverEvent[] = [];
  const shared = {
    locks: new KeyedLock(),
    clock: machine.clock ?? new ManualClock(),
    observe: (event: DriverEvent): void => void events.push(event),
    reconnects: new Reconnects(() => 0.5),
  };
  const volumes = new NodeVolumes(ports, shared, { name: "worker-1", volumesMax: 0, bootId });
  const guardian = new Guardian(ports, shared, { bootId });
  return { world, records, ports, shared, events, volumes, guardian, disk };
}

/** Another process on the machine of `node`, as after a kill. */
export function aNodeAfter({ world, records, shared: { clock } }: TestNode): TestNode {
  return aNode((ports) => ports, { world, records, clock });
}

/** A capability to mount a file system. */
export function aMount(
  fileSystem: FileSystemType = "ext4",
  mode: AccessMode = "SINGLE_NODE_WRITER",
  mountFlags: readonly string[] = [],
): VolumeCapability {
  return { mode, access: { type: "mount", fileSystem, mountFlags } };
}

/** A capability to use the raw block device. */
export function aBlock(mode: AccessMode = "SINGLE_NODE_WRITER"): VolumeCapability {
  return { mode, access: { type: "block" } };
}

/** What the controller says of {@link VOLUME}. */
export function aPublished(differing: Partial<PublishedVolume> = {}): PublishedVolume {
  return {
    nqn: nqnOf(VOLUME),
    at: AT,
    policy: DEFAULT_RECONNECT_POLICY,
    capacityBytes: GIB,
    isCopy: false,
    ...differing,
  };
}

/** A call that stages {@link VOLUME}. */
export function aStage(
  capability: VolumeCapability = aMount(),
  differing: Partial<StageRequest> = {},
): StageRequest {
  return {
    volumeId: VOLUME,
    stagingPath: STAGING,
    capability,
    published: aPublished(),
    parameters: { mkfsOptions: [], fsckPolicy: "check" },
    ...differing,
  };
}

/** A call that publishes {@link VOLUME} at {@link TARGET}. */
export function aNodePublish(
  capability: VolumeCapability = aMount(),
  differing: Partial<NodePublishRequest> = {},
): NodePublishRequest {
  return {
    volumeId: VOLUME,
    stagingPath: STAGING,
    targetPath: TARGET,
    capability,
    isReadOnly: false,
    ...differing,
  };
}

/** A disk's content: a file system with one file in it. */
export function aFileSystem(differing: Partial<StoredFileSystem> = {}): DiskContent {
  const stored: StoredFileSystem = {
    fileSystem: "ext4",
    uuid: "7e57ab1e-0000-4000-8000-000000000001",
    sizeBytes: GIB,
    health: "clean",
    files: new Map([["data.txt", "precious"]]),
    ...differing,
  };
  return { kind: "file-system", stored };
}

/** The file system on a disk that must have one. */
export function storedOn({ content }: ExportedDisk): StoredFileSystem {
  if (content.kind === "file-system") return content.stored;
  throw new Error(`the disk holds no file system: it is ${content.kind}`);
}

/** Everything that can be seen of a node, without the numbers that vary from run to run. */
export async function pictureOf(
  { world, disk, records }: Pick<TestNode, "world" | "disk" | "records">,
): Promise<unknown> {
  const number = world.deviceOf(disk.nqn)?.number;
  const nameOf = (device: string): string => device === number ? "current" : "stale";
  const { content } = disk;
  const listed = await records.list();
  return {
    records: listed.records.map(({ device, fileSystemUuid, ...record }) => ({
      ...record,
      device: device && { ...device, number: nameOf(device.number) },
      hasFileSystem: fileSystemUuid !== undefined,
    })),
    sessions: world.connections(),
    device: world.deviceOf(disk.nqn)?.sizeBytes,
    mounts: world.mounts.map(({ path, device, options, isReadOnly }) => ({
      path,
      device: nameOf(device),
      options,
      isReadOnly,
    })),
    paths: world.tree.entries().map(([path, entry]) => [
      path,
      entry.kind === "device-node" ? `${entry.kind} ${nameOf(entry.device)}` : entry.kind,
    ]).sort(),
    content: content.kind === "file-system"
      ? { ...content.stored, uuid: "", files: [...content.stored.files] }
      : content.kind,
  };
}
