/** From a row of the box to a volume or a snapshot; what is damaged is an error, never a guess. */
import { StorageError } from "../../domain/errors.ts";
import { nqnOf, parseNqn } from "../../domain/nvme.ts";
import { slotAliasOf } from "../../domain/slot.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { parseSnapshotId, secondOf, sourceOf } from "../../domain/snapshot_id.ts";
import type { SnapshotId } from "../../domain/snapshot_id.ts";
import type { Volume } from "../../domain/volume.ts";
import { parseVolumeId } from "../../domain/volume_id.ts";
import type { VolumeId } from "../../domain/volume_id.ts";
import { idOfFile } from "./paths.ts";
import { parseSnapshotRecord, parseVolumeRecord, recordPrefix } from "./record.ts";
import type { DiskRow } from "./rows.ts";

/** Whether the row is a volume (`v`) or a snapshot (`s`) of that cluster. */
export function isOurs(row: DiskRow, kind: "v" | "s", clusterId: string): boolean {
  return row.comment?.startsWith(recordPrefix(kind, clusterId)) ?? false;
}

/**
 * The volume a row of ours stands for; undefined for one that is half-made or half-removed.
 * @throws {StorageError} `not-ready` when the row lacks something or contradicts itself.
 */
export function volumeOf(row: DiskRow, clusterId: string): Volume | undefined {
  const record = parseVolumeRecord(clusterId, row.comment ?? "");
  if (record === undefined) throw damaged(row, `its record is "${row.comment}"`);
  if (record.state !== "ready") return undefined;
  const id = parseVolumeId(checkedId(row));
  if (id === undefined) throw damaged(row, `its file is "${row.path}"`);
  return {
    id,
    nameDigest: record.nameDigest,
    capacityBytes: checkedSize(row),
    source: record.source,
    createdAtMs: record.createdAtMs,
    nqn: parseNqn(row.nqn ?? "") ?? nqnOf(id),
    port: row.port ?? 0,
    publications: record.publications,
    reconnect: record.reconnect,
    revision: record.revision,
    problem: problemOf(row, id),
  };
}

/**
 * The snapshot a row of ours stands for; undefined for one that is half-made or half-removed.
 * @throws {StorageError} `not-ready` when the row lacks something or contradicts itself.
 */
export function snapshotOf(row: DiskRow, clusterId: string): Snapshot | undefined {
  const record = parseSnapshotRecord(clusterId, row.comment ?? "");
  if (record === undefined) throw damaged(row, `its record is "${row.comment}"`);
  if (record.state !== "ready") return undefined;
  const id = parseSnapshotId(checkedId(row));
  if (id === undefined) throw damaged(row, `its file is "${row.path}"`);
  if (sourceOf(id) !== record.source || secondOf(id) !== record.second) {
    throw damaged(row, `its file "${row.path}" contradicts its record`);
  }
  const sizeBytes = checkedSize(row);
  if (sizeBytes !== record.sizeBytes) {
    throw damaged(row, `it has ${sizeBytes} bytes and was made with ${record.sizeBytes}`);
  }
  if (row.isExported !== false) throw damaged(row, "it is exported");
  return { id, nameDigest: record.nameDigest, sizeBytes, takenAtMs: record.takenAtMs };
}

function checkedId(row: DiskRow): VolumeId | SnapshotId {
  if (row.kind !== "file") throw damaged(row, `its type is "${row.kind}"`);
  const id = idOfFile(row.path ?? "");
  if (id === undefined) throw damaged(row, `its file is "${row.path}"`);
  if (row.slot !== id && row.slot !== slotAliasOf(id)) {
    throw damaged(row, `its file is "${row.path}"`);
  }
  return id;
}

function checkedSize(row: DiskRow): number {
  if (row.sizeBytes === undefined || row.sizeBytes === 0) throw damaged(row, "it has no size");
  return row.sizeBytes;
}

function problemOf(row: DiskRow, id: VolumeId): string | undefined {
  if (row.isDisabled === true) return "its disk is disabled on the array";
  if (row.isExported !== true) return "it is not exported";
  if (row.nqn !== nqnOf(id)) return `it is exported under another NQN: "${row.nqn}"`;
  if (row.port === undefined) return "it is exported on no port";
  if (row.isMounting !== false) return "the array mounts the file system inside it";
  return undefined;
}

function damaged(row: DiskRow, what: string): StorageError {
  return new StorageError("not-ready", `Cannot use disk "${row.slot}" on the array: ${what}`);
}
