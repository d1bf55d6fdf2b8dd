/** Thousands of volumes on the box in seconds: one console line makes them, from a real one. */
import type { Trial } from "../tools/trial/processes.ts";
import { runOnBox } from "../tools/trial/box_console.ts";

/** Flags for a box that can hold many volumes under names that a console line can make. */
export const ROOMY_BOX: readonly string[] = ["--pool-size", "64T", "--slot-limit", "none"];

/** The end of ids that are counted up; their digits are read as hexadecimal ones. */
const FIRST_NUMBER = 100_000;
const FIRST_PORT = 50_000;

/**
 * Makes `count` volumes as the driver would have left them: item, record, export and file of the
 * volume `modelId`, each with an id, a name digest, a path, an NQN and a port of its own.
 * @param start volumes made before by this function; the numbers go on from there
 * @throws {Error} with what the box printed when it did not make all of them
 */
export async function addVolumes(
  trial: Trial,
  modelId: string,
  start: number,
  count: number,
): Promise<void> {
  if (count === 0) return;
  const printed = await runOnBox(trial.box, lineFor(modelId, start, count));
  if (printed.trim() !== `made ${count}`) {
    throw new Error(`The box did not make ${count} volumes: ${printed.slice(0, 500)}`);
  }
}

function lineFor(modelId: string, start: number, count: number): string {
  const first = FIRST_NUMBER + start;
  // All but the last six characters of the id, of the file's name and of the name digest stay.
  const idHead = modelId.slice(0, -6);
  return [
    `:local model [/disk/get [find where slot="${modelId}"]]`,
    `:local note ($model->"comment"); :local path ($model->"file-path")`,
    `:local nameAt ([:find $note ";n="] + 3)`,
    `:local pathHead [:pick $path 0 [:find $path "${modelId}"]]`,
    `:local made 0`,
    `:for i from=${first} to=${first + count - 1} do={ ` + [
      `:local id ("${idHead}" . $i)`,
      `:local record ([:pick $note 0 ($nameAt + 15)] . $i . "A" . ` +
      `[:pick $note ($nameAt + 22) [:len $note]])`,
      `/disk/add type=file slot=$id file-path=($pathHead . $id . ".img") ` +
      `file-size=($model->"size") mount-filesystem=no comment=$record ` +
      `nvme-tcp-server-port=($i - ${FIRST_NUMBER - FIRST_PORT}) ` +
      `nvme-tcp-server-nqn=("nqn.2000-02.com.mikrotik:" . $id) nvme-tcp-export=yes`,
      `:set made ($made + 1) }`,
    ].join("; "),
    `:put ("made " . $made)`,
  ].join("; ");
}
