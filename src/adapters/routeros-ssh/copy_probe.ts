/**
 * Whether the box makes real copies, found by making some. `copy-from` is documented to copy
 * properties, not data; believing it would make empty snapshots. So random text is copied and
 * read back, the source is changed and then removed, and the text must still be there.
 */
import { StorageError } from "../../domain/errors.ts";
import type { CopyProof } from "../../domain/snapshot.ts";
import { change, explain } from "./box.ts";
import type { Box, CopyMethod } from "./box.ts";
import { copyStatements, SOURCE_FACTS } from "./copies.ts";
import type { CopyStrategy } from "./copies.ts";
import { guardRefusalOf } from "./failures.ts";
import { poolGuard, spaceGuard } from "./guards.ts";
import { privateProperties, removeFile, waitWhile } from "./items.ts";
import type { FileName } from "./paths.ts";
import { formatScratchRecord } from "./record.ts";
import { booleanOf, numberOf, parseObjects, putJson } from "./rows.ts";
import { Refusal } from "./session.ts";
import { newScratchNames } from "./scratch.ts";
import { script } from "./syntax.ts";
import type { Script } from "./syntax.ts";

const TEXT_BYTES = 16_384;
const SEED_BYTES = 64;
/** Large enough that what others write meanwhile hardly matters. */
const LARGE_BYTES = 256 * 1024 ** 2;
/** Only `file-copy` is ever missing on a box, and here nothing else is configured. */
const NOTHING_TO_TRY = "file-copy: the box has no /file/copy, which came with RouterOS 7.23";
/** A copy that takes less than this part of its size shares the data. */
const SHARED_PART = 4;

/**
 * Tries the strategies in order, until one makes real copies.
 * @throws {StorageError} when the trial itself cannot be made: no space, no pool, no answer.
 */
export async function probeCopies(
  box: Box,
  strategies: readonly CopyStrategy[],
  random: () => number,
  signal: AbortSignal,
): Promise<CopyMethod> {
  const refusals: string[] = [];
  for (const strategy of strategies) {
    const proof = await probeStrategy(box, strategy, random, signal);
    if (proof.result !== "refused") return { strategy, proof };
    refusals.push(`${strategy}: ${proof.reason}`);
  }
  const reason = refusals.join("; ") || NOTHING_TO_TRY;
  return { strategy: strategies[0] ?? "copy-from", proof: { result: "refused", reason } };
}

/**
 * An error may be an accident, and space that went away may have gone to somebody else: either is
 * believed only when it is seen again.
 */
async function probeStrategy(
  box: Box,
  strategy: CopyStrategy,
  random: () => number,
  signal: AbortSignal,
): Promise<CopyProof> {
  const first = await tryStrategy(box, strategy, random, signal);
  const isDoubtful = first instanceof Refusal || first.result === "independent-full";
  const seen = isDoubtful ? await tryStrategy(box, strategy, random, signal) : first;
  return seen instanceof Refusal ? { result: "refused", reason: `error: ${seen.text}` } : seen;
}

/** What the copies were, or what the box said instead of making them. */
async function tryStrategy(
  box: Box,
  strategy: CopyStrategy,
  random: () => number,
  signal: AbortSignal,
): Promise<CopyProof | Refusal> {
  const what = `Cannot try out copies on array "${box.settings.name}"`;
  const names = namesOf(box, random);
  try {
    const line = script`${names.clearAway}
      ${poolGuard(box.settings.pool, box.settings.minFreePercent)}
      ${spaceGuard(3 * LARGE_BYTES)}
      ${tryBytes(strategy, names, seed(random), seed(random))}
      ${trySpace(strategy, names, box.settings.pool)}`;
    return judge(parseObjects(await change(box, line, what, signal, "probe")));
  } catch (error) {
    const refusal = error instanceof Refusal ? error : undefined;
    if (refusal === undefined || guardRefusalOf(refusal.text) !== undefined) {
      throw explain(box, error, what);
    }
    await cleanUp(box, names, what, signal);
    return refusal;
  }
}

async function cleanUp(box: Box, names: Names, what: string, signal: AbortSignal): Promise<void> {
  try {
    await change(box, names.clearAway, what, signal, "probe");
  } catch (error) {
    throw explain(box, error, what);
  }
}

interface Names {
  readonly source: FileName;
  readonly copy: FileName;
  readonly sourceSlot: string;
  readonly copySlot: string;
  readonly clearAway: Script;
  readonly comment: string;
}

function namesOf(box: Box, random: () => number): Names {
  const names = newScratchNames(box, random);
  return {
    source: names.file("a"),
    copy: names.file("b"),
    sourceSlot: names.slot("a"),
    copySlot: names.slot("b"),
    clearAway: names.clearAway,
    comment: formatScratchRecord(box.settings.clusterId, box.clock.wallMs()),
  };
}

/** Copies a text, then changes and removes what it was copied from; prints what the copy held. */
function tryBytes(strategy: CopyStrategy, names: Names, first: string, second: string): Script {
  const { source, copy, sourceSlot, comment } = names;
  const held =
    script`([/file/read file=${copy} offset=0 chunk-size=${TEXT_BYTES} as-value]->"data")`;
  const grown = script`:for turn from=1 to=${Math.log2(TEXT_BYTES / SEED_BYTES)}`;
  return script`:if (true) do={
    :local text ${first}; :local other ${second};
    ${grown} do={ :set text ($text . $text); :set other ($other . $other) };
    /file/add name=${source} type=file contents=$text;
    :local source [/disk/add type=file slot=${sourceSlot} file-path=${source}
      ${privateProperties(false)} comment=${comment}];
    ${copyOnce(strategy, names)}
    :local real (${held} = $text);
    :if ($real) do={ /file/set [/file/find where name=${source}] contents=$other };
    :local apart (${held} = $text);
    /disk/remove $source;
    ${removeFile(source)}
    :local lasting false;
    :onerror lost in={ :set lasting (${held} = $text) } do={ :set lasting false };
    /disk/remove $made;
    ${removeFile(copy)}
    ${putJson(script`{"real"=$real; "apart"=$apart; "lasting"=$lasting}`)}
  };`;
}

/** Copies a large disk; prints what the copy took of the pool, and what its removal gave back. */
function trySpace(strategy: CopyStrategy, names: Names, pool: string): Script {
  const { source, copy, sourceSlot, comment } = names;
  const free = (variable: Script): Script =>
    script`:foreach p in=[/disk/print detail as-value where mount-point=${pool}] do={
      :if ([:typeof ($p->"free")] = "num") do={ :set ${variable} ($p->"free") } };`;
  return script`:local before 0; :local during 0; :local after 0;
    :local source [/disk/add type=file slot=${sourceSlot} file-path=${source}
      file-size=${LARGE_BYTES} ${privateProperties(false)} comment=${comment}];
    ${waitWhile(script`[/disk/get $source size] != ${LARGE_BYTES}`)}
    ${free(script`before`)}
    ${copyOnce(strategy, names)}
    ${free(script`during`)}
    /disk/remove $made; ${removeFile(copy)}
    ${free(script`after`)}
    /disk/remove $source; ${removeFile(source)}
    ${putJson(script`{"before"=$before; "during"=$during; "after"=$after}`)}`;
}

function copyOnce(strategy: CopyStrategy, { copy, copySlot, comment }: Names): Script {
  const target = { slot: copySlot, file: copy, isReadOnly: true, reservation: undefined };
  return script`${SOURCE_FACTS}
    :local draft ${comment}; :local made ""; :local added false;
    ${copyStatements(strategy, target)}`;
}

function judge(objects: readonly Readonly<Record<string, unknown>>[]): CopyProof {
  const seen: Record<string, unknown> = Object.assign({}, ...objects);
  const refused = (reason: string): CopyProof => ({ result: "refused", reason });
  if (booleanOf(seen["real"]) !== true) {
    return refused("property-only: the copy does not hold the bytes of its source");
  }
  if (booleanOf(seen["apart"]) !== true) {
    return refused("shared: the copy changes when its source is written");
  }
  if (booleanOf(seen["lasting"]) !== true) {
    return refused("shared: the copy is gone when its source is removed");
  }
  const [before, during, after] = ["before", "during", "after"].map((key) => numberOf(seen[key]));
  if (before === undefined || during === undefined || after === undefined) {
    throw new StorageError("unavailable", "Cannot try out copies: the pool's space is not known");
  }
  const taken = Math.max(before - during, after - during);
  return { result: taken < LARGE_BYTES / SHARED_PART ? "independent-cow" : "independent-full" };
}

/** Text that no earlier trial can have left behind. */
function seed(random: () => number): string {
  let text = "";
  while (text.length < SEED_BYTES) text += Math.floor(random() * 2 ** 32).toString(36);
  return text.slice(0, SEED_BYTES);
}
