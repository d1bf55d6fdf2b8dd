/**
 * Pieces of command lines that look before anything is changed. They raise our own codes
 * (failures.ts) and leave what they found in variables.
 */
import { slotAliasOf } from "../../domain/slot.ts";
import type { SnapshotId } from "../../domain/snapshot_id.ts";
import type { VolumeId } from "../../domain/volume_id.ts";
import { backingFileOf, diskPathOf } from "./paths.ts";
import type { FileName } from "./paths.ts";
import { NOTHING, script } from "./syntax.ts";
import type { Script } from "./syntax.ts";

/** The condition that an item is `id`'s, whichever form its slot has. */
export function slotIs(id: VolumeId | SnapshotId): Script {
  return script`slot=${id} || slot=${slotAliasOf(id)}`;
}

/**
 * The condition that an item is `id`'s by its slot or by its file: one whose slot was changed by a
 * person is still there, and must not be taken for missing.
 */
export function isOrWas(id: VolumeId | SnapshotId, basePaths: readonly string[]): Script {
  const byFile = basePaths.map((basePath) => script`|| ${fileIs(backingFileOf(basePath, id))}`);
  return script`${slotIs(id)} ${byFile}`;
}

/**
 * The slot of the item that stands for `id` while its file is being copied: until then there is
 * nothing to show that a copy which was cut short is ours. As long as an alias, and as unique.
 */
export function reservationSlotOf(id: VolumeId | SnapshotId): string {
  return `m-${slotAliasOf(id).slice("s-".length)}`;
}

/** The condition that an item uses `file`, with and without the leading slash. */
export function fileIs(file: FileName): Script {
  return script`file-path=${file} || file-path=${diskPathOf(file)}`;
}

/**
 * Leaves the item of `id` in `$found`, empty when there is none, and its comment in `$note`.
 * Raises `csi-ambiguous`, and `csi-foreign` when the comment does not begin with `prefix`.
 */
export function lookUp(id: VolumeId | SnapshotId, prefix: string): Script {
  return script`:local found [/disk/find where ${slotIs(id)}];
    :local note "";
    :if ([:len $found] > 1) do={ :error ${`csi-ambiguous ${id}`} };
    :if ([:len $found] = 1) do={
      :set note ("" . [/disk/get $found comment]);
      ${ours(prefix)}
    };`;
}

/** Raises `csi-foreign` unless `$note`, the comment of `$found`, begins with `prefix`. */
export function ours(prefix: string): Script {
  return script`:if ([:pick $note 0 ${prefix.length}] != ${prefix})
    do={ :error ("csi-foreign " . [/disk/get $found slot]) };`;
}

/** Whether the record in `$note` ends with `tail`, as a condition. */
export function noteEnds(tail: string): Script {
  return script`[:pick $note ([:len $note] - ${tail.length}) [:len $note]] = ${tail}`;
}

/**
 * Raises `csi-damaged` unless the record in `$note` says that its item is half-made or half-removed.
 * A record that ends otherwise was cut, edited by a person, or written by a later version: what is
 * below it may be somebody's data.
 */
export function unfinishedGuard(): Script {
  return script`:if (!(${noteEnds(";st=c")} || ${noteEnds(";st=d")}))
    do={ :error ("csi-damaged " . $note) };`;
}

/**
 * Leaves the free bytes of the pool less its reserve in `$room`. Raises `csi-pool-missing` when it
 * is not mounted, in which case files and items may be missing that are really there.
 */
export function poolGuard(pool: string, reservePercent = 0): Script {
  return script`:local room 0; :local pooled false;
    :foreach p in=[/disk/print detail as-value where mount-point=${pool}] do={
      :if ([:typeof ($p->"free")] = "num") do={
        :set pooled true;
        :set room (($p->"free") - (($p->"size") / 100 * ${reservePercent}))
      }
    };
    :if ($pooled = false) do={ :error ${`csi-pool-missing ${pool}`} };`;
}

/** Raises `csi-no-space` when `$room` is less than `bytes`, an expression or a number. */
export function spaceGuard(bytes: Script | number): Script {
  return script`:if ($room < ${bytes}) do={ :error ("csi-no-space " . $room) };`;
}

/** Raises `csi-file-exists` when `file` is there: it belongs to nothing we know. */
export function fileGuard(file: FileName): Script {
  return script`:if ([:len [/file/find where name=${file}]] > 0)
    do={ :error ${`csi-file-exists ${file}`} };`;
}

/** Raises `csi-too-many` when `countMax` records with `prefix` are there; none when undefined. */
export function countGuard(prefix: string, countMax: number | undefined): Script {
  if (countMax === undefined) return NOTHING;
  return script`:local many [:len [/disk/find where comment~${`^${prefix}`}]];
    :if ($many >= ${countMax}) do={ :error ("csi-too-many " . $many) };`;
}
