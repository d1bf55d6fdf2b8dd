/**
 * How long slots and comments may be, tried out on a scratch item, because RouterOS documents no
 * limit and has been seen with different ones. Makes the base directories on the way.
 */
import { StorageError } from "../../domain/errors.ts";
import { SLOT_ALIAS_LENGTH } from "../../domain/slot.ts";
import { change, explain } from "./box.ts";
import type { Box, BoxLimits, BoxSettings } from "./box.ts";
import { spaceGuard } from "./guards.ts";
import { privateProperties, removeFile } from "./items.ts";
import { fileNameOf } from "./paths.ts";
import { formatScratchRecord, RECORD_LENGTH_MAX } from "./record.ts";
import { numberOf, parseObjects, putJson, textOf } from "./rows.ts";
import { newScratchNames } from "./scratch.ts";
import type { ScratchNames } from "./scratch.ts";
import { listOf, script } from "./syntax.ts";
import type { Script } from "./syntax.ts";

/** A snapshot's id, a volume's id, an alias: what a slot may have to hold. */
const SLOT_LENGTHS: readonly number[] = [55, 40, SLOT_ALIAS_LENGTH];
/** Every publication and override; one of each; a record as it is made. */
const COMMENT_LENGTHS: readonly number[] = [RECORD_LENGTH_MAX, 255, 160];
const SCRATCH_BYTES = 1024 ** 2;

/**
 * Tries out the limits.
 * @throws {StorageError} `not-ready` when even the shortest names do not fit, or a base directory
 * cannot be made; `out-of-space` when there is no room for the trial.
 */
export async function probeLimits(
  box: Box,
  random: () => number,
  signal: AbortSignal,
): Promise<BoxLimits> {
  const { settings } = box;
  const what = `Cannot prepare array "${settings.name}"`;
  let lines: readonly string[];
  try {
    const line = limitsLine(settings, newScratchNames(box, random), box.clock.wallMs());
    lines = await change(box, line, what, signal, "probe");
  } catch (error) {
    throw explain(box, error, what);
  }
  const [found] = parseObjects(lines).filter((object) => "slots" in object);
  const slotLengthMax = numberOf(found?.["slots"]) ?? 0;
  const commentLengthMax = numberOf(found?.["comments"]) ?? 0;
  if (slotLengthMax > 0 && commentLengthMax > 0) return { slotLengthMax, commentLengthMax };
  const lacking = slotLengthMax === 0
    ? `names of ${SLOT_LENGTHS.at(-1)} characters`
    : `comments of ${COMMENT_LENGTHS.at(-1)} characters`;
  const said = textOf(found?.["said"]);
  throw new StorageError(
    "not-ready",
    `${what}: a trial disk with ${lacking} was not kept${said === undefined ? "" : `: ${said}`}`,
  );
}

function limitsLine(settings: BoxSettings, names: ScratchNames, nowMs: number): Script {
  const file = names.file("l");
  const slot = names.slot("l").padEnd(Math.max(...SLOT_LENGTHS), "x");
  const plain = formatScratchRecord(settings.clusterId, nowMs);
  return script`${names.clearAway}
    ${spaceGuard(SCRATCH_BYTES)}
    :local slots 0; :local comments 0; :local said "";
    ${settings.basePaths.map(makeDirectory)}
    :foreach long in=${listOf(SLOT_LENGTHS)} do={
      :if ($slots = 0) do={
        :local wanted [:pick ${slot} 0 $long];
        :onerror problem in={
          :local made [/disk/add type=file slot=$wanted file-path=${file}
            file-size=${SCRATCH_BYTES} ${privateProperties(false)} comment=${plain}];
          :if ([/disk/get $made slot] = $wanted) do={ :set slots $long };
          ${tryComments(settings, nowMs)}
          /disk/remove $made;
        } do={ :set said $problem };
        ${removeFile(file)}
      }
    };
    ${putJson(script`{"slots"=$slots; "comments"=$comments; "said"=$said}`)}`;
}

function tryComments({ clusterId }: BoxSettings, nowMs: number): Script {
  const padded = formatScratchRecord(clusterId, nowMs, Math.max(...COMMENT_LENGTHS));
  return script`:foreach wide in=${listOf(COMMENT_LENGTHS)} do={
    :if ($comments = 0) do={
      :local text [:pick ${padded} 0 $wide];
      :onerror refused in={
        /disk/set $made comment=$text;
        :if ([/disk/get $made comment] = $text) do={ :set comments $wide }
      } do={ :set said $refused }
    }
  };`;
}

/** Makes every directory of `basePath` below the pool, and looks that each is there. */
function makeDirectory(basePath: string): Script {
  const parts = fileNameOf(basePath).split("/");
  const directories = parts.slice(1).map((_, at) => parts.slice(0, at + 2).join("/"));
  return script`${
    directories.map((name) =>
      script`:if ([:len [/file/find where name=${name}]] = 0)
        do={ :onerror other in={ /file/add name=${name} type=directory } do={ :set said $other } };
      :if ([:len [/file/find where name=${name}]] = 0)
        do={ :error ${`csi-mismatch directory ${name}`} };`
    )
  }`;
}
