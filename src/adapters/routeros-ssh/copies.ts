/** Pieces of command lines that copy the bytes of one disk's file, and prove it by samples. */
import { sha256Of } from "../../domain/digest.ts";
import { privateProperties, removeFile, waitWhile } from "./items.ts";
import { partOf } from "./paths.ts";
import type { FileName } from "./paths.ts";
import { listOf, NOTHING, script } from "./syntax.ts";
import type { Script } from "./syntax.ts";

/** How the box is told to copy. */
export type CopyStrategy = "copy-from" | "file-copy";

/** What a copy becomes. */
export interface CopyTarget {
  readonly slot: string;
  readonly file: FileName;
  readonly isReadOnly: boolean;
  /**
   * The slot of the item that holds the place of a file while it is copied; undefined: none is made,
   * and what a copy leaves that is cut short is found in another way.
   */
  readonly reservation: string | undefined;
}

/** What the file of a reservation takes. */
const RESERVATION_BYTES = 1024 ** 2;
/** What a copy of an item would inherit beyond its privacy, and must not. */
const OWN_PROPERTIES: Script = script`file-offset=0 nvme-tcp-server-allow-host-name=${""}`;
/** Bytes of one sample; the most `/file/read` gives. */
const SAMPLE_BYTES = 32_768;
/** Places are 1024ths of the size, so that they stay whole numbers on every box. */
const PLACES = 1024;
const DRAWN_PLACES = 5;

/**
 * Leaves the file of the item `$source` in `$fromFile`, without a leading slash, and its size in
 * `$sourceBytes`.
 */
export const SOURCE_FACTS: Script = script`:local sourceBytes [/disk/get $source size];
  :local fromFile ("" . [/disk/get $source file-path]);
  :if ([:pick $fromFile 0 1] = "/") do={ :set fromFile [:pick $fromFile 1 [:len $fromFile]] };`;

/** Sets `$made` to a new item with the bytes of `$source` and comment `$draft`, and `$added` to true. */
export function copyStatements(strategy: CopyStrategy, target: CopyTarget): Script {
  const { slot, file, isReadOnly } = target;
  const given = script`slot=${slot} file-path=${file} ${privateProperties(isReadOnly)}
    comment=$draft`;
  const settle = script`:set added true;
    ${waitWhile(script`[/disk/get $made size] != $sourceBytes`)}`;
  switch (strategy) {
    case "copy-from":
      return script`:set made [/disk/add type=file copy-from=$source ${given} ${OWN_PROPERTIES}];
        ${settle}`;
    case "file-copy":
      return script`${copyFile(target)} :set made [/disk/add type=file ${given}];
        ${release(target)} ${settle}`;
  }
}

/**
 * Copies the file, which may take long, in the shelter of a reservation: an item with the record of
 * what is made. When the copy is cut short, or a second driver begins the same, the reservation
 * tells the next one that the file is ours and half-made; and we go on only while it is still there.
 */
function copyFile({ file, reservation }: CopyTarget): Script {
  const copy = script`/file/copy [/file/find where name=$fromFile] name=${file};
    ${waitWhile(script`[/file/get [/file/find where name=${file}] size] != $sourceBytes`)}`;
  if (reservation === undefined) return copy;
  return script`:local held [/disk/add type=file slot=${reservation} file-path=${partOf(file)}
      file-size=${RESERVATION_BYTES} ${privateProperties(false)} comment=$draft];
    :set made $held; :set added true;
    ${copy}
    :if (("" . [/disk/get $held comment]) != $draft) do={ :error "csi-mismatch comment" };`;
}

function release({ file, reservation }: CopyTarget): Script {
  if (reservation === undefined) return NOTHING;
  return script`/disk/remove $held; ${removeFile(partOf(file))}`;
}

/**
 * Raises `csi-copy-differs` unless samples of `$fromFile` and `file` are equal: both ends, the
 * middle, and places drawn from `seed`. Where `$isWritten` is true the source may have changed
 * since, so there a sample only fails when the copy is all zeros and the source is not.
 */
export function compareSamples(file: FileName, seed: string): Script {
  const drawn = [...sha256Of(seed).subarray(0, DRAWN_PLACES)].map((byte) => byte * 4 + 1);
  const places = listOf([0, PLACES / 2, PLACES, ...drawn]);
  return script`:local zeros ${"\0"};
    :for turn from=1 to=${Math.log2(SAMPLE_BYTES)} do={ :set zeros ($zeros . $zeros) };
    :local step (($sourceBytes - ${SAMPLE_BYTES}) / ${PLACES});
    :foreach place in=${places} do={
      :local start ($step * $place);
      :local was ${sample(script`$fromFile`)};
      :local now ${sample(script`${file}`)};
      :local equal ($was = $now);
      :if ($isWritten) do={ :set equal ($equal || ($now != $zeros)) };
      :if ([:typeof $was] != "str") do={ :set equal false };
      :if ($equal = false) do={ :error ("csi-copy-differs " . $start) }
    };`;
}

function sample(file: Script): Script {
  return script`([/file/read file=${file} offset=$start chunk-size=${SAMPLE_BYTES} as-value]->"data")`;
}
