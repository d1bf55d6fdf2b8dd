/** What a node knows of its volumes, gathered from its records and its kernel for a person. */
import { healthOf } from "../application/node_health.ts";
import type { NodePorts } from "../application/node_ports.ts";
import { Reconnects } from "../application/reconnects.ts";
import { systemRandom } from "../adapters/system/random.ts";
import type { BlockDevice } from "../domain/block_device.ts";
import { nqnOf, volumeIdOfNqn } from "../domain/nvme.ts";
import { parseVolumeId } from "../domain/volume_id.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { NvmeSession } from "../ports/nvme_host.ts";
import type { StageRecord } from "../ports/stage_records.ts";

/** One volume, as `-o json` shows it too: its fields are an interface to programs. */
export interface VolumeView {
  readonly volumeId: VolumeId;
  /** From its record; `none` where there is no record, `unreadable` where it cannot be read. */
  readonly phase: StageRecord["phase"] | "none" | "unreadable";
  readonly condition: Condition;
  /** Absent when the kernel shows no connection. */
  readonly connection?: {
    readonly state: NvmeSession["state"];
    /** Where it goes; absent when no connection is left. */
    readonly address?: string;
    readonly port?: number;
    readonly controllers: readonly string[];
  };
  /** Absent when the kernel shows no device. */
  readonly device?: BlockDevice;
  /** What its record says. */
  readonly record?: RecordView;
}

/** Whether a volume is well, and otherwise why not. */
export type Condition =
  | { readonly isWell: true }
  | { readonly isWell: false; readonly reason: string; readonly message: string };

/** A record, with what only programs of this version understand left out. */
export interface RecordView extends
  Pick<
    StageRecord,
    "stagingPath" | "bootId" | "capability" | "device" | "fileSystemUuid" | "attachmentUid"
  > {
  readonly address: string;
  readonly port: number;
  readonly trouble?: {
    readonly reason: string;
    readonly failures: number;
    readonly retryAt: string;
  };
}

/** A node and its volumes. */
export interface NodeView {
  readonly volumes: readonly VolumeView[];
  /** Names of records that cannot be read. */
  readonly unreadable: readonly string[];
  /** What about the machine endangers volumes. */
  readonly dangers: readonly string[];
}

/** Every volume of this node that has a record or a connection, by id. */
export async function viewNode(ports: NodePorts, signal: AbortSignal): Promise<NodeView> {
  const { records, unreadable } = await ports.records.list();
  const sessions = await ports.host.sessions(signal);
  const byId = new Map(records.map((record) => [record.volumeId, record]));
  const ids = new Set([
    ...byId.keys(),
    ...sessions.map(({ nqn }) => volumeIdOfNqn(nqn)),
    ...unreadable.map((name) => parseVolumeId(name.replace(/\.json$/, ""))),
  ]);
  const volumes: VolumeView[] = [];
  for (const id of ids) {
    if (id === undefined) continue;
    const session = sessions.find(({ nqn }) => nqn === nqnOf(id));
    const isUnreadable = unreadable.some((name) => name.includes(id));
    const record = byId.get(id) ?? (isUnreadable ? "unreadable" : undefined);
    volumes.push(await viewVolume(ports, id, record, session, signal));
  }
  volumes.sort((left, right) => left.volumeId < right.volumeId ? -1 : 1);
  return { volumes, unreadable, dangers: await ports.host.dangers(signal) };
}

async function viewVolume(
  ports: NodePorts,
  volumeId: VolumeId,
  record: StageRecord | "unreadable" | undefined,
  session: NvmeSession | undefined,
  signal: AbortSignal,
): Promise<VolumeView> {
  const found = typeof record === "object" ? record : undefined;
  return {
    volumeId,
    phase: found?.phase ?? (record === "unreadable" ? "unreadable" : "none"),
    condition: await conditionOf(ports, record, session, signal),
    ...(session === undefined ? {} : { connection: viewConnection(session) }),
    ...(session?.device === undefined ? {} : { device: session.device }),
    ...(found === undefined ? {} : { record: viewRecord(found) }),
  };
}

function viewConnection(
  { state, at, controllers }: NvmeSession,
): NonNullable<VolumeView["connection"]> {
  return { state, ...at, controllers };
}

async function conditionOf(
  ports: NodePorts,
  record: StageRecord | "unreadable" | undefined,
  session: NvmeSession | undefined,
  signal: AbortSignal,
): Promise<Condition> {
  if (record === undefined) {
    const message = "the node is connected to it, and no record says what for";
    return { isWell: false, reason: "unclaimed", message };
  }
  if (record === "unreadable") {
    const message = "its record cannot be read, so the node does not look after it";
    return { isWell: false, reason: "record-unreadable", message };
  }
  // What attempts to connect made of it, only the process that makes them knows.
  const reconnects = new Reconnects(systemRandom);
  const health = await healthOf({ ...ports, reconnects }, record, session, signal);
  if (health.kind === "well") return { isWell: true };
  return { isWell: false, reason: health.reason, message: health.message };
}

function viewRecord(record: StageRecord): RecordView {
  const { stagingPath, bootId, capability, published, trouble } = record;
  const { device, fileSystemUuid, attachmentUid } = record;
  return {
    stagingPath,
    bootId,
    capability,
    address: published.at.address,
    port: published.at.port,
    ...(device === undefined ? {} : { device }),
    ...(fileSystemUuid === undefined ? {} : { fileSystemUuid }),
    ...(attachmentUid === undefined ? {} : { attachmentUid }),
    ...(trouble === undefined ? {} : {
      trouble: {
        reason: trouble.reason,
        failures: trouble.count,
        retryAt: new Date(trouble.retryAtMs).toISOString(),
      },
    }),
  };
}
