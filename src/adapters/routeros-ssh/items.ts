/** Pieces of command lines that make, check, undo and remove disk items with their files. */
import type { SnapshotId } from "../../domain/snapshot_id.ts";
import type { VolumeId } from "../../domain/volume_id.ts";
import { fileIs, reservationSlotOf, unfinishedGuard } from "./guards.ts";
import { diskPathOf, PART_SUFFIX, partOf } from "./paths.ts";
import type { FileName } from "./paths.ts";
import { putJson } from "./rows.ts";
import { script } from "./syntax.ts";
import type { Script } from "./syntax.ts";

/**
 * Every sharing and mounting property, stated: what is left out is inherited from the source of a
 * copy, or from the box's defaults, and the box would mount a guest's file system.
 */
export function privateProperties(isReadOnly: boolean): Script {
  return script`mount-filesystem=no mount-read-only=${isReadOnly} nvme-tcp-export=no
    iscsi-export=no smb-sharing=no nfs-sharing=no media-sharing=no swap=no`;
}

/** Waits up to five seconds until `condition` is false; costs nothing when it already is. */
export function waitWhile(condition: Script): Script {
  return script`:for turn from=1 to=50 do={ :if (${condition}) do={ :delay 100ms } };`;
}

/** Raises `csi-mismatch` unless the item `$made` kept exactly what it was given, `$draft` too. */
export function verifyMade(slot: string, file: FileName, size: Script): Script {
  return script`${waitWhile(script`[/disk/get $made size] != ${size}`)}
    :if ([/disk/get $made slot] != ${slot})
      do={ :error ("csi-mismatch slot " . [/disk/get $made slot]) };
    :if (("" . [/disk/get $made comment]) != $draft)
      do={ :error ("csi-mismatch comment " . [/disk/get $made comment]) };
    :if ([/disk/get $made size] != ${size})
      do={ :error ("csi-mismatch size " . [/disk/get $made size]) };
    :local madePath [/disk/get $made file-path];
    :if ($madePath != ${diskPathOf(file)}) do={ :if ($madePath != ${file})
      do={ :error ("csi-mismatch file-path " . $madePath) } };
    :if ([/disk/get $made mount-filesystem] != false) do={ :error "csi-mismatch mount-filesystem" };`;
}

/**
 * Runs `statements`, which set `$added` to true once they have set `$made` to the item they added.
 * When they fail, undoes what they did and raises their error again. The file goes only with our
 * own item, or when the box kept a file of an `add` that it refused: had somebody else taken our
 * item away meanwhile, the file could be theirs.
 */
export function undoneOnError(file: FileName, statements: Script): Script {
  return script`:local made ""; :local added false;
    :onerror problem in={ ${statements} } do={
      :local mine true;
      :if ($added) do={
        :onerror gone in={ /disk/set $made nvme-tcp-export=no; /disk/remove $made }
          do={ :set mine false }
      };
      :if ($mine) do={ ${removeFile(file)} ${removeFile(partOf(file))} };
      :error $problem
    };`;
}

/** Removes `file` unless an item uses it. */
export function removeFile(file: FileName): Script {
  return script`:if ([:len [/disk/find where ${fileIs(file)}]] = 0)
    do={ /file/remove [/file/find where name=${file}] };`;
}

/** {@link removeItem}, and says so in a line of its own: for what was left behind half-made. */
export function discard(item: Script, marker: string): Script {
  return script`${removeItem(item, marker)} ${putJson(script`{"removed"=$oldSlot}`)};`;
}

/**
 * Removes what a copy of files that was cut short left behind for `id`. Raises `csi-foreign` when
 * its item does not begin with `prefix`, `csi-damaged` when it is not half-made.
 */
export function discardReservation(id: VolumeId | SnapshotId, prefix: string): Script {
  return script`:foreach held in=[/disk/find where slot=${reservationSlotOf(id)}] do={
    :local note ("" . [/disk/get $held comment]);
    :if ([:pick $note 0 ${prefix.length}] != ${prefix})
      do={ :error ("csi-foreign " . [/disk/get $held slot]) };
    ${unfinishedGuard()}
    ${discard(script`$held`, `/${id}.img`)}
  };`;
}

/**
 * Removes the item in the variable `item` and then its file, unless another item uses that; for a
 * reservation also the file that it stands for, in the same way. The path must hold `marker`, or the item is not what its record says.
 */
export function removeItem(item: Script, marker: string): Script {
  return script`:local oldSlot [/disk/get ${item} slot];
    :local oldPath ("" . [/disk/get ${item} file-path]);
    :if ([:pick $oldPath 0 1] = "/") do={ :set oldPath [:pick $oldPath 1 [:len $oldPath]] };
    :if ([:typeof [:find $oldPath ${marker}]] != "num") do={ :error ("csi-foreign " . $oldSlot) };
    /disk/set ${item} nvme-tcp-export=no;
    /disk/remove ${item};
    :if ([:len [/disk/find where file-path=$oldPath || file-path=("/" . $oldPath)]] = 0)
      do={
        /file/remove [/file/find where name=$oldPath];
        :if ([:len [/file/find where name=$oldPath]] > 0)
          do={ :error ("csi-still-there file " . $oldPath) }
      };
    :local wholeEnd ([:len $oldPath] - ${PART_SUFFIX.length});
    :if ([:pick $oldPath $wholeEnd [:len $oldPath]] = ${PART_SUFFIX}) do={
      :local whole [:pick $oldPath 0 $wholeEnd];
      :if ([:len [/disk/find where file-path=$whole || file-path=("/" . $whole)]] = 0)
        do={ /file/remove [/file/find where name=$whole] }
    };`;
}

/** Raises `csi-still-there` when the item or the file is still to be seen. */
export function goneGuard(where: Script, file: FileName): Script {
  return script`:if ([:len [/disk/find where ${where}]] > 0)
      do={ :error ${`csi-still-there disk of ${file}`} };
    :if ([:len [/file/find where name=${file}]] > 0)
      do={ :error ${`csi-still-there file ${file}`} };`;
}
