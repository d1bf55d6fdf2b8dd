/** Lists of our items: complete or an error, in pieces of bounded size, whatever changes meanwhile. */
import { StorageError } from "../../domain/errors.ts";
import { explain } from "./box.ts";
import type { Box } from "./box.ts";
import { guardRefusalOf, refusalKindOf } from "./failures.ts";
import { poolGuard } from "./guards.ts";
import { recordPrefix } from "./record.ts";
import { parseObjects, parseRows, PUT_ROW, putJson } from "./rows.ts";
import type { DiskRow } from "./rows.ts";
import { Refusal } from "./session.ts";
import { itemId, NOTHING, script } from "./syntax.ts";
import type { Script } from "./syntax.ts";

/** Rows per command. */
export const LIST_CHUNK = 500;

const ITEMS_MAX = 100_000;
const TRIES = 5;

/**
 * What `read` makes of every item of ours of one kind; undefined leaves an item out. Rows are read
 * piece by piece, so that those of a long list are never in memory together. Pieces follow the id of
 * the last item seen, not its place, so what is removed in between hides nothing that stays.
 * @throws {StorageError} `unavailable` when the list kept changing under us.
 */
export async function listItems<Item>(
  box: Box,
  kind: "v" | "s",
  read: (row: DiskRow) => Item | undefined,
  signal: AbortSignal,
): Promise<Item[]> {
  const { name } = box.settings;
  const what = `Cannot list ${kind === "v" ? "volumes" : "snapshots"} on array "${name}"`;
  for (let attempt = 1;; attempt++) {
    try {
      return await readAll(box, kind, read, what, signal);
    } catch (error) {
      if (!hasMoved(error) || attempt === TRIES || signal.aborted) {
        throw explain(box, error, what);
      }
    }
  }
}

/** Whether an item went away between two pieces, or between two statements. */
function hasMoved(error: unknown): boolean {
  if (!(error instanceof Refusal)) return false;
  if (guardRefusalOf(error.text)?.code === "csi-list-moved") return true;
  return refusalKindOf(error.text) === "no-such-item";
}

async function readAll<Item>(
  box: Box,
  kind: "v" | "s",
  read: (row: DiskRow) => Item | undefined,
  what: string,
  signal: AbortSignal,
): Promise<Item[]> {
  const items: Item[] = [];
  let [last, count]: [DiskRow | undefined, number] = [undefined, 0];
  while (true) {
    const line = chunkLine(box, kind, last);
    const printed = await box.session.read(line, what, signal);
    const rows = parseRows(printed);
    for (const row of rows) {
      const item = read(row);
      if (item !== undefined) items.push(item);
    }
    last = rows.at(-1) ?? last;
    count += rows.length;
    const left = parseObjects(printed.slice(-1))[0]?.["left"];
    if (typeof left !== "number") {
      throw new StorageError("unavailable", `${what}: the reply lacks its count`);
    }
    if (left <= LIST_CHUNK) return items;
    if (count >= ITEMS_MAX) {
      throw new StorageError("out-of-space", `${what}: there are more than ${ITEMS_MAX}`);
    }
  }
}

/**
 * Prints at most {@link LIST_CHUNK} rows after the item `after`, and how many were left before. The
 * pool is looked for last: one that goes away meanwhile may take items with it.
 */
function chunkLine({ settings }: Box, kind: "v" | "s", after: DiskRow | undefined): Script {
  const mine = `^${recordPrefix(kind, settings.clusterId)}`;
  return script`:local first 0;
    :local ids [/disk/find where type="file" comment~${mine}];
    ${skipTo(after)}
    :foreach i in=[:pick $ids $first ($first + ${LIST_CHUNK})]
      do={ :local r [/disk/get $i]; ${PUT_ROW} };
    ${poolGuard(settings.pool)}
    ${putJson(script`{"left"=([:len $ids] - $first)}`)}`;
}

/** Ids hold until a reboot: the last item seen must still be the one that has its id. */
function skipTo(last: DiskRow | undefined): Script {
  if (last?.ref === undefined) return NOTHING;
  return script`:local place [:find $ids ${itemId(last.ref)}];
    :if ([:typeof $place] != "num") do={ :error "csi-list-moved" };
    :if ([/disk/get ${itemId(last.ref)} slot] != ${last.slot ?? ""})
      do={ :error "csi-list-moved" };
    :set first ($place + 1);`;
}
