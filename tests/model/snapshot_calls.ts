/** The calls that take and delete snapshots, and what the model says must come of them. */
import assert from "node:assert/strict";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Controller } from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import type { Snapshot } from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import type { ExpectedSnapshot, Oracle } from "./oracle.ts";
import { planned } from "./planned_call.ts";
import type { PlannedCall, ReadContent, Status } from "./planned_call.ts";
import { SNAPSHOT_NAMES } from "./steps.ts";
import type { SnapshotCall } from "./steps.ts";

/** Plans one call. */
export function planSnapshotCall(
  oracle: Oracle,
  step: SnapshotCall,
  read: ReadContent,
): PlannedCall {
  switch (step.call) {
    case "create-snapshot":
      return planCreate(oracle, step.name, step.source, read);
    case "delete-snapshot":
      return planDeleteSnapshot(oracle, step.name);
  }
}

/** Deletes the snapshot called so. */
export function planDeleteSnapshot(oracle: Oracle, name: number): PlannedCall {
  return planned(
    Controller.method.deleteSnapshot,
    { snapshotId: oracle.snapshotId(name) },
    [],
    () => void oracle.snapshots.delete(name),
  );
}

/** Compares a snapshot in an answer with the one that must exist. */
export function checkSnapshot(shown: Snapshot | undefined, snapshot: ExpectedSnapshot): void {
  assert.deepEqual({
    id: shown?.snapshotId,
    sourceId: shown?.sourceVolumeId,
    sizeBytes: Number(shown?.sizeBytes),
    takenAtMs: shown?.creationTime && timestampMs(shown.creationTime),
    isReady: shown?.readyToUse,
  }, {
    id: snapshot.id,
    sourceId: snapshot.sourceId,
    sizeBytes: snapshot.sizeBytes,
    takenAtMs: snapshot.takenAtMs,
    isReady: true,
  });
}

function planCreate(
  oracle: Oracle,
  name: number,
  source: number,
  read: ReadContent,
): PlannedCall {
  const sourceVolumeId = oracle.volumeId(source);
  const beganAtMs = Date.now();
  return planned(
    Controller.method.createSnapshot,
    { name: SNAPSHOT_NAMES[name] ?? "", sourceVolumeId },
    creationFailures(oracle, name, source),
    async ({ snapshot: shown }) => {
      const existing = oracle.snapshots.get(name);
      const taken = existing ?? newSnapshot(oracle, source, shown, beganAtMs);
      checkSnapshot(shown, taken);
      assert.equal(await read(taken.id), taken.content, `content of ${taken.id} as taken`);
      oracle.snapshots.set(name, taken);
    },
  );
}

function newSnapshot(
  oracle: Oracle,
  source: number,
  shown: Snapshot | undefined,
  beganAtMs: number,
): ExpectedSnapshot {
  const volume = oracle.volumes.get(source);
  assert.ok(volume);
  const id = shown?.snapshotId ?? "";
  assert.match(id, new RegExp(`^snap-${volume.id.slice("pvc-".length)}-at-\\d{10}$`));
  assert.ok(
    [...oracle.snapshots.values()].every((other) => other.id !== id),
    `two snapshots are called ${id}`,
  );
  const takenAtMs = shown?.creationTime === undefined ? 0 : timestampMs(shown.creationTime);
  assert.ok(takenAtMs >= beganAtMs && takenAtMs <= Date.now(), `taken at ${takenAtMs}`);
  const { sizeBytes, content } = volume;
  return { id, sourceId: volume.id, sizeBytes, content, takenAtMs };
}

/** What stands in the way of a new snapshot; of several, any may be told. */
function creationFailures(oracle: Oracle, name: number, source: number): Status[] {
  const existing = oracle.snapshots.get(name);
  if (existing !== undefined) {
    return existing.sourceId === oracle.volumeId(source) ? [] : ["ALREADY_EXISTS"];
  }
  const failures: Status[] = [];
  const volume = oracle.volumes.get(source);
  if (volume === undefined) failures.push("NOT_FOUND");
  const isPublished = volume !== undefined && volume.publications.length > 0;
  if (oracle.copies === "refused" || (oracle.copies === "full" && isPublished)) {
    failures.push("FAILED_PRECONDITION");
  }
  if (oracle.isFull) failures.push("RESOURCE_EXHAUSTED");
  return failures;
}
