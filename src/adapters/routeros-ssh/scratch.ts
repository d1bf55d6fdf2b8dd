/**
 * The scratch items of the probes. Their names are new for each probe, so that two drivers which
 * start at once do not spoil each other's: a spoiled probe would be taken for a box that cannot
 * copy. They are removed in the end, and, after a crash, by a probe that finds them old.
 */
import * as guard from "./guards.ts";
import { discard, removeFile } from "./items.ts";
import { fileNameOf } from "./paths.ts";
import type { FileName } from "./paths.ts";
import { recordPrefix } from "./record.ts";
import { script } from "./syntax.ts";
import type { Script } from "./syntax.ts";
import type { Box, BoxSettings } from "./box.ts";

/** What every scratch file is called like. */
const MARKER = "/csi-scratch-";
/** Older than any probe can be that still runs. */
const LEFT_OVER_AFTER_SECONDS = 1800;
/** Until the year 2286 every time in a scratch name has so many digits. */
const SECOND_DIGITS = 10;

/** What a scratch item is for: a trial of limits, the source of a copy, or the copy. */
type Purpose = "a" | "b" | "l";

/** The names of one probe. */
export interface ScratchNames {
  /** The slot of the item for `purpose`; 28 characters at most, the length of an alias. */
  slot(purpose: Purpose): string;
  /** The file of the item for `purpose`. */
  file(purpose: Purpose): FileName;
  /** Removes what has these names, and what earlier probes left behind; the pool must be there. */
  readonly clearAway: Script;
}

/** New names, which no other probe has. */
export function newScratchNames(
  { settings, clock }: Pick<Box, "settings" | "clock">,
  random: () => number,
): ScratchNames {
  const token = Math.floor(random() * 36 ** 4).toString(36).padStart(4, "0");
  const second = Math.floor(clock.wallMs() / 1000);
  const slot = (purpose: Purpose): string => `csi-x-${settings.clusterId}-${purpose}${token}`;
  const file = (purpose: Purpose): FileName =>
    fileNameOf(`${filePrefix(settings)}${second}-${purpose}${token}.img`);
  const files = (["a", "b", "l"] as const).map(file);
  const clearAway = script`${guard.poolGuard(settings.pool)}
    ${removeOldItems(settings, second - LEFT_OVER_AFTER_SECONDS)}
    ${removeItemsOf(settings, files)}
    ${removeOldFiles(settings, second - LEFT_OVER_AFTER_SECONDS)}
    ${files.map(removeFile)}`;
  return { slot, file, clearAway };
}

function filePrefix({ basePath, clusterId }: BoxSettings): string {
  return `${fileNameOf(basePath)}${MARKER}${clusterId}-`;
}

function removeOldItems({ clusterId }: BoxSettings, bornBefore: number): Script {
  const prefix = `${recordPrefix("x", clusterId)}t=`;
  return script`:foreach old in=[/disk/find where comment~${`^${prefix}`}] do={
    :local rest ("" . [/disk/get $old comment]);
    :set rest [:pick $rest ${prefix.length} [:len $rest]];
    :local born [:tonum [:pick $rest 0 [:find $rest ";"]]];
    :if ([:typeof $born] = "num") do={
      :if ($born < ${bornBefore}) do={ ${discard(script`$old`, MARKER)} }
    }
  };`;
}

function removeItemsOf({ clusterId }: BoxSettings, files: readonly FileName[]): Script {
  const prefix = recordPrefix("x", clusterId);
  return script`${
    files.map((file) =>
      script`:foreach own in=[/disk/find where ${guard.fileIs(file)}] do={
        :if ([:pick ("" . [/disk/get $own comment]) 0 ${prefix.length}] = ${prefix})
          do={ ${discard(script`$own`, MARKER)} }
      };`
    )
  }`;
}

/** Files that a probe made and that had no item yet, or no more. */
function removeOldFiles(settings: BoxSettings, bornBefore: number): Script {
  const prefix = filePrefix(settings);
  const digitsEnd = prefix.length + SECOND_DIGITS;
  return script`:foreach over in=[/file/find where name~${`^${prefix}[0-9]+-[abl][0-9a-z]+[.]img$`}] do={
    :local stale [/file/get $over name];
    :local born [:tonum [:pick $stale ${prefix.length} ${digitsEnd}]];
    :if ($born < ${bornBefore}) do={
      :if ([:len [/disk/find where file-path=$stale || file-path=("/" . $stale)]] = 0)
        do={ /file/remove $over }
    }
  };`;
}
