/**
 * What calls left half-made or half-removed, because the box or we died in the middle and nobody
 * asked again. It was never handed out, so nobody can miss it.
 */
import { change } from "./box.ts";
import type { Box } from "./box.ts";
import * as guard from "./guards.ts";
import { discard } from "./items.ts";
import { listItems } from "./listing.ts";
import { idOfFile, wholeOf } from "./paths.ts";
import { parseSnapshotRecord, parseVolumeRecord, recordPrefix } from "./record.ts";
import type { DiskRow } from "./rows.ts";
import { script } from "./syntax.ts";
import type { Script } from "./syntax.ts";

type Kind = "v" | "s";

/**
 * Removes the items of ours that are not ready and were begun more than `ageMs` ago: longer than
 * any call can last, also one of another controller that still runs on the box. Reports each.
 * @throws {StorageError} as a list or a change does; what was removed by then stays removed.
 */
export async function sweepLeftOvers(box: Box, ageMs: number, signal: AbortSignal): Promise<void> {
  const begunBeforeMs = box.clock.wallMs() - ageMs;
  for (const kind of ["v", "s"] as const) {
    const what = `Cannot remove left-overs on array "${box.settings.name}"`;
    const read = (row: DiskRow): DiskRow | undefined =>
      isLeftOver(row, kind, box.settings.clusterId, begunBeforeMs) ? row : undefined;
    for (const row of await listItems(box, kind, read, signal)) {
      await change(box, sweepLine(box, row, kind), what, signal);
    }
  }
}

function isLeftOver(row: DiskRow, kind: Kind, clusterId: string, begunBeforeMs: number): boolean {
  const record = readRecord(row, kind, clusterId);
  return record !== undefined && record.state !== "ready" && record.begunMs < begunBeforeMs;
}

function readRecord(
  { comment = "" }: DiskRow,
  kind: Kind,
  clusterId: string,
): { state: string; begunMs: number } | undefined {
  if (kind === "v") {
    const record = parseVolumeRecord(clusterId, comment);
    return record && { state: record.state, begunMs: record.createdAtMs };
  }
  const record = parseSnapshotRecord(clusterId, comment);
  return record && { state: record.state, begunMs: record.takenAtMs };
}

/** Removes one item unless it was finished, or made anew, since it was listed. */
function sweepLine({ settings }: Box, row: DiskRow, kind: Kind): Script {
  const { slot = "", path = "", comment = "" } = row;
  const id = idOfFile(wholeOf(path));
  if (id === undefined) return script`:local nothing 0;`;
  return script`${guard.poolGuard(settings.pool)}
    :local found [/disk/find where slot=${slot}];
    :if ([:len $found] = 1) do={
      :local note ("" . [/disk/get $found comment]);
      ${guard.ours(recordPrefix(kind, settings.clusterId))}
      :if ($note = ${comment}) do={ ${discard(script`$found`, `/${id}.img`)} }
    };`;
}
