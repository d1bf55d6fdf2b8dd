/**
 * The scratch items of the probes: made under our cluster's own names below our base path, removed
 * in the end, and, after a crash, by the next probe.
 */
import * as guard from "./guards.ts";
import { discard, removeFile } from "./items.ts";
import { fileNameOf } from "./paths.ts";
import type { FileName } from "./paths.ts";
import { recordPrefix } from "./record.ts";
import { script } from "./syntax.ts";
import type { Script } from "./syntax.ts";
import type { BoxSettings } from "./box.ts";

/** What every scratch file is called like. */
const MARKER = "/csi-scratch-";

/** The scratch file `which` of our cluster. */
export function scratchFile({ basePath, clusterId }: BoxSettings, which: string): FileName {
  return fileNameOf(`${basePath}${MARKER}${clusterId}-${which}.img`);
}

/** The slot of the scratch item `which`; 26 characters at most. */
export function scratchSlot({ clusterId }: BoxSettings, which: string): string {
  return `csi-x-${clusterId}-${which}`;
}

/** Removes what earlier probes left behind: items with our scratch record, and `files`. */
export function removeScratch(settings: BoxSettings, files: readonly FileName[]): Script {
  const mine = `^${recordPrefix("x", settings.clusterId)}`;
  return script`${guard.poolGuard(settings.pool)}
    :foreach old in=[/disk/find where comment~${mine}] do={ ${discard(script`$old`, MARKER)} };
    ${files.map(removeFile)}`;
}
