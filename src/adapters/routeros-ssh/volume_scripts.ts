/** The command lines for volumes: guards, change and read-back in one line each. */
import type { ContentSource } from "../../domain/volume.ts";
import type { VolumeId } from "../../domain/volume_id.ts";
import type { BoxSettings } from "./box.ts";
import { compareSamples, copyStatements, SOURCE_FACTS } from "./copies.ts";
import type { CopyStrategy } from "./copies.ts";
import * as guard from "./guards.ts";
import * as item from "./items.ts";
import { backingFileOf } from "./paths.ts";
import type { FileName } from "./paths.ts";
import { recordPrefix } from "./record.ts";
import { PUT_ROW } from "./rows.ts";
import { listOf, NOTHING, script } from "./syntax.ts";
import type { Script } from "./syntax.ts";

/** What the line that makes a volume needs to know. */
export interface VolumePlan {
  readonly id: VolumeId;
  readonly slot: string;
  readonly file: FileName;
  readonly nqn: string;
  /** The record while it is made, and when it is ready. */
  readonly draft: string;
  readonly final: string;
  readonly capacityBytes: number;
  /** 0 = no limit. */
  readonly limitBytes: number;
  /** The ports to try, best first; a fixed port may be shared. */
  readonly ports: { readonly kind: "fixed" | "own"; readonly candidates: readonly number[] };
  readonly copy: CopyPlan | undefined;
}

/** Where the bytes of a new volume come from, and how. */
export interface CopyPlan {
  readonly source: ContentSource;
  readonly strategy: CopyStrategy;
  readonly isFull: boolean;
  readonly refusesPublished: boolean;
}

const MIB = 1024 ** 2;
/** The end of the record of a volume that is ready and published nowhere. */
const READY_UNPUBLISHED = ";a=-;st=r";

/** Makes a volume, or leaves the one that is there; prints its row. */
export function createLine(settings: BoxSettings, plan: VolumePlan): Script {
  const prefix = recordPrefix("v", settings.clusterId);
  const make = plan.copy === undefined ? makeEmpty(plan) : makeCopy(settings, plan, plan.copy);
  return script`${guard.lookUp(plan.id, prefix)}
    :local keep false;
    :if ([:len $found] = 1) do={
      :if (${guard.noteEnds(";st=r")}) do={ :set keep true } else={
        ${guard.poolGuard(settings.pool)}
        ${guard.unfinishedGuard()}
        ${item.discard(script`$found`, `/${plan.id}.img`)}
      }
    };
    :if ($keep = false) do={
      ${guard.poolGuard(settings.pool, settings.minFreePercent)}
      ${item.discardReservation(plan.id, prefix)}
      ${guard.fileGuard(plan.file)}
      ${guard.countGuard(prefix, settings.volumesMax)}
      ${nqnGuard(plan.nqn)}
      ${choosePort(plan)}
      :local draft ${plan.draft};
      ${make}
    };
    ${putRows(plan.id)}`;
}

/** Prints the row of an item, or makes sure that it is really missing. */
export function findLine(settings: BoxSettings, where: Script): Script {
  return script`:local rows 0;
    :foreach r in=[/disk/print detail as-value where ${where}] do={
      :set rows ($rows + 1); ${PUT_ROW}
    };
    :if ($rows = 0) do={ ${guard.poolGuard(settings.pool)} };`;
}

/** Grows a volume unless it is as large already; prints its row. */
export function expandLine(settings: BoxSettings, id: VolumeId, capacityBytes: number): Script {
  return script`${lookUpReady(settings, id)}
    :local sizeNow [/disk/get $found size];
    :if ($sizeNow < ${capacityBytes}) do={
      ${guard.poolGuard(settings.pool, settings.minFreePercent)}
      ${guard.spaceGuard(script`(${capacityBytes} - $sizeNow)`)}
      /disk/set $found file-size=${capacityBytes};
      ${item.waitWhile(script`[/disk/get $found size] < ${capacityBytes}`)}
      :if ([/disk/get $found size] < ${capacityBytes})
        do={ :error ("csi-mismatch size " . [/disk/get $found size]) }
    };
    ${putRows(id)}`;
}

/** Replaces the record `before` by `after`, unless it is that already; prints the row. */
export function amendLine(
  settings: BoxSettings,
  id: VolumeId,
  before: string,
  after: string,
): Script {
  return script`${lookUpReady(settings, id)}
    :if ($note != ${after}) do={
      :if ($note != ${before}) do={ :error ("csi-changed " . $note) };
      /disk/set $found comment=${after};
      :if (("" . [/disk/get $found comment]) != ${after}) do={
        /disk/set $found comment=${before};
        :error "csi-mismatch comment"
      }
    };
    ${putRows(id)}`;
}

/** Removes a volume: export, item, file; nothing there is a success. */
export function deleteLine(settings: BoxSettings, id: VolumeId): Script {
  const published = script`[:pick $note ([:len $note] - 9) ([:len $note] - 5)] != ";a=-"`;
  return removeLine(settings, id, "v", script`:if (${published}) do={ :error "csi-published" };`);
}

/**
 * Removes an item of ours and its file, after `guards`; nothing there is a success. The pool is
 * looked for once more in the end: a file on a pool that went away meanwhile is not gone.
 */
export function removeLine(
  settings: BoxSettings,
  id: Parameters<typeof guard.lookUp>[0],
  kind: "v" | "s",
  guards: Script,
): Script {
  const files = settings.basePaths.map((basePath) => backingFileOf(basePath, id));
  return script`${guard.poolGuard(settings.pool)}
    ${guard.lookUp(id, recordPrefix(kind, settings.clusterId))}
    :if ([:len $found] = 1) do={
      ${guards}
      /disk/set $found comment=([:pick $note 0 ([:len $note] - 1)] . "d");
      ${item.removeItem(script`$found`, `/${id}.img`)}
    };
    ${item.discardReservation(id, recordPrefix(kind, settings.clusterId))}
    ${
    files.map((file) => script`${item.removeFile(file)} ${item.goneGuard(guard.slotIs(id), file)}`)
  }
    :if (true) do={ ${guard.poolGuard(settings.pool)} };`;
}

function lookUpReady(settings: BoxSettings, id: VolumeId): Script {
  return script`${guard.lookUp(id, recordPrefix("v", settings.clusterId))}
    :if ([:len $found] = 0) do={ ${guard.poolGuard(settings.pool)} :error "csi-missing" };
    :if (!(${guard.noteEnds(";st=r")})) do={ :error "csi-missing" };`;
}

function putRows(id: VolumeId): Script {
  return script`:foreach r in=[/disk/print detail as-value where ${
    guard.slotIs(id)
  }] do={ ${PUT_ROW} };`;
}

function nqnGuard(nqn: string): Script {
  return script`:foreach other in=[/disk/find where nvme-tcp-server-nqn=${nqn}]
    do={ :error ("csi-nqn-taken " . [/disk/get $other slot]) };`;
}

/** Leaves the port in `$onPort`. Raises `csi-ports-taken` when none of the candidates is free. */
function choosePort({ ports: { kind, candidates } }: VolumePlan): Script {
  if (kind === "fixed") return script`:local onPort ${candidates[0] ?? 0};`;
  return script`:local onPort 0;
    :foreach tried in=${listOf(candidates)} do={
      :if ($onPort = 0) do={
        :if ([:len [/disk/find where nvme-tcp-server-port=$tried]] = 0)
          do={ :set onPort $tried }
      }
    };
    :if ($onPort = 0) do={ :error "csi-ports-taken" };`;
}

function makeEmpty(plan: VolumePlan): Script {
  const { slot, file, capacityBytes } = plan;
  const statements = script`:set made [/disk/add type=file slot=${slot} file-path=${file}
      file-size=${capacityBytes} ${item.privateProperties(false)} comment=$draft];
    :set added true;
    ${item.verifyMade(slot, file, script`${capacityBytes}`)}
    ${exportMade(plan)}`;
  return script`${guard.spaceGuard(capacityBytes)} ${item.undoneOnError(file, statements)}`;
}

function makeCopy(settings: BoxSettings, plan: VolumePlan, copy: CopyPlan): Script {
  const { slot, file, capacityBytes, limitBytes } = plan;
  const wholeMib = script`(($sourceBytes + ${MIB - 1}) / ${MIB} * ${MIB})`;
  const limit = limitBytes === 0
    ? NOTHING
    : script`:if ($wantBytes > ${limitBytes}) do={ :error ("csi-out-of-range " . $sourceBytes) };`;
  const target = { slot, file, isReadOnly: false, reservation: guard.reservationSlotOf(plan.id) };
  const statements = script`${copyStatements(copy.strategy, target)}
    ${item.verifyMade(slot, file, script`$sourceBytes`)}
    ${compareSamples(file, plan.id)}
    :if ($wantBytes > $sourceBytes) do={
      /disk/set $made file-size=$wantBytes;
      ${item.waitWhile(script`[/disk/get $made size] != $wantBytes`)}
      :if ([/disk/get $made size] != $wantBytes)
        do={ :error ("csi-mismatch size " . [/disk/get $made size]) }
    };
    ${exportMade(plan)}`;
  return script`${sourceGuard(settings.clusterId, copy)}
    ${SOURCE_FACTS}
    :local wantBytes ${capacityBytes};
    :if (${wholeMib} > $wantBytes) do={ :set wantBytes ${wholeMib} };
    ${limit}
    ${guard.spaceGuard(copy.isFull ? script`$wantBytes` : script`($wantBytes - $sourceBytes)`)}
    ${item.undoneOnError(file, statements)}`;
}

/**
 * Leaves the item of the source in `$source`, and in `$isWritten` whether somebody may write to it
 * now. Raises `csi-source-missing` or `csi-source-published`.
 */
export function sourceGuard(
  clusterId: string,
  { source, refusesPublished }: Pick<CopyPlan, "source" | "refusesPublished">,
): Script {
  const prefix = recordPrefix(source.kind === "volume" ? "v" : "s", clusterId);
  const published = refusesPublished
    ? script`:error "csi-source-published"`
    : script`:set isWritten true`;
  const watch = source.kind === "snapshot"
    ? NOTHING
    : script`:if (!(${guard.noteEnds(READY_UNPUBLISHED)})) do={ ${published} };`;
  return script`:local source [/disk/find where ${guard.slotIs(source.id)}];
    :if ([:len $source] != 1) do={ :error "csi-source-missing" };
    :local isWritten false;
    :local note ("" . [/disk/get $source comment]);
    :if ([:pick $note 0 ${prefix.length}] != ${prefix}) do={ :error "csi-source-missing" };
    :if (!(${guard.noteEnds(";st=r")})) do={ :error "csi-source-missing" };
    ${watch}`;
}

/** Exports `$made`, and only then calls it ready. */
function exportMade({ nqn, final }: VolumePlan): Script {
  return script`/disk/set $made nvme-tcp-server-port=$onPort nvme-tcp-server-nqn=${nqn}
      nvme-tcp-export=yes;
    ${item.waitWhile(script`[/disk/get $made nvme-tcp-export] != true`)}
    :if ([/disk/get $made nvme-tcp-export] != true) do={ :error "csi-mismatch nvme-tcp-export" };
    :if ([/disk/get $made nvme-tcp-server-nqn] != ${nqn})
      do={ :error "csi-mismatch nvme-tcp-server-nqn" };
    :if ([/disk/get $made nvme-tcp-server-port] != $onPort)
      do={ :error "csi-mismatch nvme-tcp-server-port" };
    /disk/set $made comment=${final};
    :if (("" . [/disk/get $made comment]) != ${final}) do={ :error "csi-mismatch comment" };`;
}
