/** The calls of the CSI Controller service that deal with snapshots. */
import type { Snapshots } from "../../application/snapshots.ts";
import { StorageError } from "../../domain/errors.ts";
import { parseSnapshotId } from "../../domain/snapshot_id.ts";
import type { Controller } from "./gen/csi_pb.ts";
import { required, snapshotMessage } from "./messages.ts";
import type { HandlersOf } from "./service.ts";

/** The handlers; a snapshot that is answered with is always cut, proved and ready. */
export function snapshotHandlers(snapshots: Snapshots): HandlersOf<typeof Controller> {
  return {
    createSnapshot: async (request, { signal }) => {
      const snapshot = await snapshots.create({
        name: required(request.name, "name"),
        sourceVolumeId: required(request.sourceVolumeId, "source_volume_id"),
        parameters: request.parameters,
      }, signal);
      return { snapshot: snapshotMessage(snapshot) };
    },
    deleteSnapshot: async (request, { signal }) => {
      await snapshots.delete(required(request.snapshotId, "snapshot_id"), signal);
      return {};
    },
    getSnapshot: async (request, { signal }) => {
      const text = required(request.snapshotId, "snapshot_id");
      const id = parseSnapshotId(text);
      if (id === undefined) {
        const finding = "it is no id of this driver";
        throw new StorageError("not-found", `Cannot find snapshot "${text}": ${finding}`);
      }
      return { snapshot: snapshotMessage(await snapshots.get(id, signal)) };
    },
    listSnapshots: async (request, { signal }) => {
      const { snapshotId, sourceVolumeId, maxEntries: entriesMax, startingToken } = request;
      const page = await snapshots.list(
        { snapshotId, sourceVolumeId },
        { entriesMax, startingToken },
        signal,
      );
      return {
        entries: page.items.map((snapshot) => ({ snapshot: snapshotMessage(snapshot) })),
        nextToken: page.nextToken,
      };
    },
  };
}
