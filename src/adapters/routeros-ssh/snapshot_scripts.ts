/** The command lines for snapshots: guards, copy, proof and read-back in one line. */
import { sourceOf } from "../../domain/snapshot_id.ts";
import type { SnapshotId } from "../../domain/snapshot_id.ts";
import type { NameDigest } from "../../domain/volume_id.ts";
import type { BoxSettings } from "./box.ts";
import { compareSamples, copyStatements, SOURCE_FACTS } from "./copies.ts";
import type { CopyStrategy } from "./copies.ts";
import * as guard from "./guards.ts";
import * as item from "./items.ts";
import type { FileName } from "./paths.ts";
import { compactSource, recordPrefix, secondOffset, snapshotPrefix } from "./record.ts";
import { PUT_ROW } from "./rows.ts";
import { NOTHING, script } from "./syntax.ts";
import type { Script } from "./syntax.ts";
import { removeLine, sourceGuard } from "./volume_scripts.ts";

/** What the line that takes a snapshot needs to know. */
export interface SnapshotPlan {
  readonly id: SnapshotId;
  readonly nameDigest: NameDigest;
  readonly slot: string;
  readonly file: FileName;
  /** The record up to the size, which the box fills in. */
  readonly recordHead: string;
  /** The second in the id; must be later than every other of the source. */
  readonly second: number;
  readonly strategy: CopyStrategy;
  readonly isFull: boolean;
  readonly refusesPublished: boolean;
}

const READ_ONLY_PROPERTIES: readonly (readonly [name: string, value: boolean])[] = [
  ["nvme-tcp-export", false],
  ["iscsi-export", false],
  ["mount-filesystem", false],
  ["mount-read-only", true],
  ["smb-sharing", false],
  ["nfs-sharing", false],
  ["media-sharing", false],
];

/** Takes a snapshot, or leaves those with the same name digest; prints the rows of all of them. */
export function snapshotLine(settings: BoxSettings, plan: SnapshotPlan): Script {
  const named = namedPattern(settings, plan);
  return script`${guard.poolGuard(settings.pool, settings.minFreePercent)}
    :local ready 0;
    :foreach found in=[/disk/find where comment~${named}] do={
      :local note ("" . [/disk/get $found comment]);
      :if (${guard.noteEnds(";st=r")})
        do={ :set ready ($ready + 1); :local r [/disk/get $found]; ${PUT_ROW} }
        else={ ${guard.unfinishedGuard()} ${item.discard(script`$found`, "/snap-")} }
    };
    :if ($ready = 0) do={ ${takeSnapshot(settings, plan)} };`;
}

/** Removes a snapshot, item and file; nothing there is a success. */
export function deleteSnapshotLine(settings: BoxSettings, id: SnapshotId): Script {
  return removeLine(settings, id, "s", NOTHING);
}

function takeSnapshot(settings: BoxSettings, plan: SnapshotPlan): Script {
  const { id, slot, file, recordHead } = plan;
  const source = { kind: "volume", id: sourceOf(id) } as const;
  const target = { slot, file, isReadOnly: true, reservation: guard.reservationSlotOf(id) };
  const statements = script`${copyStatements(plan.strategy, target)}
    /disk/set $made !nvme-tcp-server-nqn !nvme-tcp-server-port;
    ${item.verifyMade(slot, file, script`$sourceBytes`)}
    ${compareSamples(file, id)}
    ${verifyPrivate()}
    ${aloneGuard(settings, plan)}
    /disk/set $made comment=$final;
    ${aloneGuard(settings, plan)}
    :if (("" . [/disk/get $made comment]) != $final) do={ :error "csi-mismatch comment" };`;
  return script`${sourceGuard(settings.clusterId, { ...plan, source })}
    ${SOURCE_FACTS}
    ${secondGuard(settings, plan)}
    ${guard.fileGuard(file)}
    ${guard.spaceGuard(plan.isFull ? script`$sourceBytes` : 0)}
    :local draft (${recordHead} . $sourceBytes . ";st=c");
    :local final (${recordHead} . $sourceBytes . ";st=r");
    ${item.undoneOnError(file, statements)}
    :local r [/disk/get $made]; ${PUT_ROW}`;
}

function namedPattern({ clusterId }: BoxSettings, { nameDigest }: SnapshotPlan): string {
  return `^${snapshotPrefix(clusterId, nameDigest)}`;
}

/**
 * Raises `csi-overtaken` when another snapshot of this name is ready: two drivers, or a command that
 * ran on when its connection was lost, took one each, and one name has one snapshot. Looked for
 * before ours is called ready and once more after, so that of two at least one sees the other.
 */
function aloneGuard(settings: BoxSettings, plan: SnapshotPlan): Script {
  return script`:foreach other in=[/disk/find where comment~${namedPattern(settings, plan)}] do={
    :local note ("" . [/disk/get $other comment]);
    :if ([/disk/get $other slot] != ${plan.slot} && ${guard.noteEnds(";st=r")})
      do={ :error ("csi-overtaken " . [/disk/get $other slot]) }
  };`;
}

/** Raises `csi-later-second` with the newest second of the source unless ours is later. */
function secondGuard({ clusterId }: BoxSettings, { id, second }: SnapshotPlan): Script {
  const offset = secondOffset(clusterId);
  const mine = `^${recordPrefix("s", clusterId)}n=[^;]*;s=${compactSource(sourceOf(id))};`;
  return script`:local newest 0;
    :foreach other in=[/disk/find where comment~${mine}] do={
      :local digits [:pick [/disk/get $other comment] ${offset} ${offset + 10}];
      :if ([:tonum $digits] > $newest) do={ :set newest [:tonum $digits] }
    };
    :if ($newest >= ${second}) do={ :error ("csi-later-second " . $newest) };`;
}

/** Raises `csi-mismatch` when the copy is exported, mounted, shared or named like its source. */
function verifyPrivate(): Script {
  const checks = READ_ONLY_PROPERTIES.map(([name, value]) =>
    script`:if ([/disk/get $made ${name}] != ${value}) do={ :error ${`csi-mismatch ${name}`} };`
  );
  return script`${checks}
    :if ([:len ("" . [/disk/get $made nvme-tcp-server-nqn])] > 0)
      do={ :error "csi-mismatch nvme-tcp-server-nqn" };`;
}
