/** The calls that only look, and what the model says they must show. */
import assert from "node:assert/strict";
import { Controller } from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import type {
  ListSnapshotsResponse,
  ListVolumesResponse,
  VolumeCondition,
} from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import type { CsiClient } from "../../tools/trial/csi_client.ts";
import type { ExpectedVolume, Oracle } from "./oracle.ts";
import { planned } from "./planned_call.ts";
import type { PlannedCall } from "./planned_call.ts";
import { checkSnapshot } from "./snapshot_calls.ts";
import { VOLUME_NAMES } from "./steps.ts";
import type { Look } from "./steps.ts";
import { capabilityOf, checkVolume } from "./volume_calls.ts";

/** More pages than any list of a sequence has. */
const PAGES_MAX = 100;

/** Plans one call. */
export function planLook(oracle: Oracle, step: Look): PlannedCall {
  switch (step.call) {
    case "get-volume":
      return planGetVolume(oracle, step.name);
    case "get-snapshot":
      return planGetSnapshot(oracle, step.name);
    case "validate":
      return planValidate(oracle, step.name);
    case "list-volumes":
      return planListVolumes(oracle, step.pageSize);
    case "list-snapshots":
      return planListSnapshots(oracle, step);
    case "get-capacity":
      return planned(Controller.method.getCapacity, {}, [], ({ availableCapacity }) => {
        assert.equal(
          availableCapacity === 0n,
          oracle.isFull,
          `${availableCapacity} bytes are free`,
        );
      });
    case "list-with-bad-token":
      return planned(Controller.method.listVolumes, { startingToken: "MQ" }, ["ABORTED"]);
  }
}

/** Lists all volumes, in pages of `pageSize`; 0 = in one. */
export function planListVolumes(oracle: Oracle, pageSize: number): PlannedCall {
  const expected = [...oracle.volumes.values()];
  return paged<ListVolumesResponse>(
    (client, deadlineMs, startingToken) =>
      client.call(
        Controller.method.listVolumes,
        { maxEntries: pageSize, startingToken },
        { deadlineMs },
      ),
    pageSize,
    (pages) => {
      const entries = pages.flatMap((page) => page.entries);
      assert.deepEqual(
        entries.map(({ volume }) => volume?.volumeId ?? "").sort(),
        expected.map(({ id }) => id).sort(),
        "ListVolumes",
      );
      for (const { volume: shown, status } of entries) {
        const volume = expected.find(({ id }) => id === shown?.volumeId);
        assert.ok(volume);
        checkVolume(shown, volume);
        checkStatus(status, volume);
      }
    },
  );
}

/** Lists the snapshots of that name, of that source, or all; in pages. */
export function planListSnapshots(
  oracle: Oracle,
  { pageSize, name, source }: Look & { call: "list-snapshots" },
): PlannedCall {
  const snapshotId = name === undefined ? "" : oracle.snapshotId(name);
  const sourceVolumeId = source === undefined ? "" : oracle.volumeId(source);
  const expected = [...oracle.snapshots.values()].filter((snapshot) =>
    (snapshotId === "" || snapshot.id === snapshotId) &&
    (sourceVolumeId === "" || snapshot.sourceId === sourceVolumeId)
  ).sort((left, right) => left.takenAtMs - right.takenAtMs || (left.id < right.id ? -1 : 1));
  return paged<ListSnapshotsResponse>(
    (client, deadlineMs, startingToken) =>
      client.call(
        Controller.method.listSnapshots,
        { maxEntries: pageSize, startingToken, snapshotId, sourceVolumeId },
        { deadlineMs },
      ),
    pageSize,
    (pages) => {
      const entries = pages.flatMap((page) => page.entries);
      assert.deepEqual(
        entries.map(({ snapshot }) => snapshot?.snapshotId),
        expected.map(({ id }) => id),
        "ListSnapshots",
      );
      expected.forEach((snapshot, index) => checkSnapshot(entries[index]?.snapshot, snapshot));
    },
  );
}

function planGetVolume(oracle: Oracle, name: number): PlannedCall {
  const volume = oracle.volumes.get(name);
  return planned(
    Controller.method.controllerGetVolume,
    { volumeId: oracle.volumeId(name) },
    volume === undefined ? ["NOT_FOUND"] : [],
    (reply) => {
      assert.ok(volume);
      checkVolume(reply.volume, volume);
      checkStatus(reply.status, volume);
    },
  );
}

function planGetSnapshot(oracle: Oracle, name: number): PlannedCall {
  const snapshot = oracle.snapshots.get(name);
  return planned(
    Controller.method.getSnapshot,
    { snapshotId: oracle.snapshotId(name) },
    snapshot === undefined ? ["NOT_FOUND"] : [],
    (reply) => {
      assert.ok(snapshot);
      checkSnapshot(reply.snapshot, snapshot);
    },
  );
}

function planValidate(oracle: Oracle, name: number): PlannedCall {
  return planned(
    Controller.method.validateVolumeCapabilities,
    { volumeId: oracle.volumeId(name), volumeCapabilities: [capabilityOf("mount")] },
    oracle.volumes.has(name) ? [] : ["NOT_FOUND"],
    ({ confirmed }) => assert.equal(confirmed?.volumeCapabilities.length, 1),
  );
}

function checkStatus(
  status: { publishedNodeIds: string[]; volumeCondition?: VolumeCondition | undefined } | undefined,
  { id, publications }: ExpectedVolume,
): void {
  assert.deepEqual(
    status?.publishedNodeIds,
    publications.map(({ node }) => node),
    `nodes of ${id}`,
  );
  assert.deepEqual(
    { abnormal: status.volumeCondition?.abnormal, message: status.volumeCondition?.message },
    { abnormal: false, message: "The volume is in order" },
  );
}

interface PageReply {
  readonly entries: readonly unknown[];
  readonly nextToken: string;
}

/** All pages of a list are one call here: while it runs, nothing changes. */
function paged<Reply extends PageReply>(
  ask: (client: CsiClient, deadlineMs: number, startingToken: string) => Promise<Reply>,
  pageSize: number,
  accept: (pages: readonly Reply[]) => void,
): PlannedCall {
  return {
    expected: ["OK"],
    attempt: async (client, deadlineMs) => {
      const pages: Reply[] = [];
      let token = "";
      do {
        const page = await ask(client, deadlineMs, token);
        pages.push(page);
        token = page.nextToken;
        if (pageSize > 0) assert.ok(page.entries.length <= pageSize);
        if (token !== "") {
          assert.equal(page.entries.length, pageSize, "only the last page is short");
        }
        assert.ok(pages.length < PAGES_MAX, "the pages have no end");
      } while (token !== "");
      return () => Promise.resolve(accept(pages));
    },
  };
}

/** Every name there is, for steps that deal with all. */
export const EVERY_VOLUME: readonly number[] = VOLUME_NAMES.map((_, index) => index);
