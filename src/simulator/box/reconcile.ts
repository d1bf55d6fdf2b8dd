/** Brings records and real files together after a kill between the two. */
import type { BackingFiles } from "./backing_files.ts";
import type { Capacity } from "./capacity.ts";
import { DETACHED_PREFIX, FILES_PREFIX } from "./records.ts";
import type { BoxState } from "./state.ts";

const FIRST_FILE_NUMBER = 0xf000001;

/**
 * Drops records whose file is gone and makes records of files that have none; on a real box, too, a
 * cut in the middle of a command can leave a file without an item, or an item without its file.
 */
export function reconcileFiles(
  state: BoxState,
  backing: BackingFiles,
  capacity: Capacity,
  nowMs: number,
): void {
  // The numbers of new layers have to lie above all that are in use.
  for (const { layers } of state.all("file").values()) capacity.retain("", layers);
  for (const { layers } of state.all("file").values()) capacity.release("", layers);
  const entries = new Map(
    backing.list(FILES_PREFIX.slice(0, -1))
      .map((entry) => [entry.path.slice(FILES_PREFIX.length), entry]),
  );
  for (const name of [...state.all("file").keys()]) {
    if (!entries.has(name)) state.delete("file", name);
  }
  const mounts = mountPoints(state);
  for (const [name, { isDirectory, sizeBytes }] of entries) {
    if (mounts.has(name) || state.all("file").has(name)) continue;
    const number = state.next("last-file-number", FIRST_FILE_NUMBER);
    state.put("file", name, {
      id: `*${number.toString(16).toUpperCase()}`,
      name,
      kind: isDirectory ? "directory" : "file",
      sizeBytes,
      modifiedMs: nowMs,
      layers: sizeBytes === 0 ? [] : [capacity.layer(sizeBytes)],
    });
  }
  reconcileOpenFiles(state, backing);
}

/** Closes what disks had open and is gone, and frees what no disk has open any more. */
function reconcileOpenFiles(state: BoxState, backing: BackingFiles): void {
  const open = new Set<string>();
  for (const disk of [...state.all("disk").values()]) {
    if (disk.backing === undefined) continue;
    if (backing.exists(disk.backing)) open.add(disk.backing);
    else {state.put("disk", disk.id, {
        ...disk,
        backing: undefined,
        sizeBytes: 0,
        guest: undefined,
      });}
  }
  for (const key of [...state.all("detached").keys()]) {
    const path = DETACHED_PREFIX + key;
    if (open.has(path)) continue;
    state.delete("detached", key);
    backing.remove(path);
  }
}

function mountPoints(state: BoxState): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { facts } of state.all("disk").values()) {
    if (facts["mount-point"] !== undefined) names.add(String(facts["mount-point"]));
  }
  return names;
}
