/** The snapshots of one box, as {@link SnapshotStore}. */
import { StorageError } from "../../domain/errors.ts";
import { slotOf } from "../../domain/slot.ts";
import type { CopyProof, NewSnapshot, Snapshot } from "../../domain/snapshot.ts";
import { nextSnapshotSecond, snapshotIdOf } from "../../domain/snapshot_id.ts";
import type { SnapshotId } from "../../domain/snapshot_id.ts";
import type { SnapshotStore } from "../../ports/snapshot_store.ts";
import { change, explain, read, refusesPublished, usableMethod } from "./box.ts";
import type { Box, BoxLimits, CopyMethod } from "./box.ts";
import { guardRefusalOf } from "./failures.ts";
import { isOrWas } from "./guards.ts";
import { listItems } from "./listing.ts";
import { backingFileOf } from "./paths.ts";
import { snapshotPrefix, snapshotRecordHead } from "./record.ts";
import { parseRows } from "./rows.ts";
import { Refusal } from "./session.ts";
import { script } from "./syntax.ts";
import { isOurs, snapshotOf } from "./volume_rows.ts";
import { deleteSnapshotLine, snapshotLine } from "./snapshot_scripts.ts";
import type { SnapshotPlan } from "./snapshot_scripts.ts";
import { findLine } from "./volume_scripts.ts";

/** Seconds tried when others are taken: by another name, or by a file nobody knows. */
const SECONDS_TRIED = 5;

/** See the port for what each method promises. */
export class RouterOsSnapshots implements SnapshotStore {
  readonly #box: Box;

  /** @param box what is known of the box */
  constructor(box: Box) {
    this.#box = box;
  }

  async create(wanted: NewSnapshot, signal: AbortSignal): Promise<Snapshot> {
    const { name } = this.#box.settings;
    const what = `Cannot create snapshot of volume "${wanted.source}" on array "${name}"`;
    let prerequisites: [CopyMethod, BoxLimits];
    try {
      prerequisites = [
        usableMethod(await this.#box.copyMethod(signal), what, name),
        await this.#box.limits(signal),
      ];
    } catch (error) {
      // What the box lacks for a new snapshot does not matter where there is one.
      const existing = await this.#findNamed(wanted, what, signal);
      if (existing !== undefined) return existing;
      throw error;
    }
    const [method, { slotLengthMax }] = prerequisites;
    const taken: number[] = [wanted.afterSecond ?? 0];
    for (let attempt = 1;; attempt++) {
      const second = nextSnapshotSecond(wanted.takenAtMs, taken);
      const line = snapshotLine(
        this.#box.settings,
        this.#plan(wanted, second, slotLengthMax, method),
      );
      try {
        const kind = method.proof.result === "independent-full" ? "full-copy" : "copy";
        const lines = await change(this.#box, line, what, signal, kind);
        return this.#required(lines, what);
      } catch (error) {
        const newest = takenSecond(error, second);
        if (newest === undefined || attempt === SECONDS_TRIED) {
          throw explain(this.#box, error, what);
        }
        taken.push(newest);
      }
    }
  }

  async find(id: SnapshotId, signal: AbortSignal): Promise<Snapshot | undefined> {
    const { settings } = this.#box;
    const line = findLine(settings, isOrWas(id, settings.basePaths));
    const lines = await read(this.#box, line, this.#cannot("read", id), signal);
    return this.#snapshotsIn(lines).find((snapshot) => snapshot.id === id);
  }

  async list(signal: AbortSignal): Promise<Snapshot[]> {
    const { clusterId } = this.#box.settings;
    return await listItems(this.#box, "s", (row) => snapshotOf(row, clusterId), signal);
  }

  async delete(id: SnapshotId, signal: AbortSignal): Promise<void> {
    const what = this.#cannot("delete", id);
    try {
      await change(this.#box, deleteSnapshotLine(this.#box.settings, id), what, signal);
    } catch (error) {
      throw explain(this.#box, error, what);
    }
  }

  async copyProof(signal: AbortSignal): Promise<CopyProof> {
    return (await this.#box.copyMethod(signal)).proof;
  }

  #plan(
    wanted: NewSnapshot,
    second: number,
    slotLengthMax: number,
    method: CopyMethod,
  ): SnapshotPlan {
    const { clusterId, basePath } = this.#box.settings;
    const id = snapshotIdOf(wanted.source, second);
    return {
      id,
      nameDigest: wanted.nameDigest,
      slot: slotOf(id, slotLengthMax),
      file: backingFileOf(basePath, id),
      recordHead: snapshotRecordHead(clusterId, { ...wanted, second }),
      second,
      strategy: method.strategy,
      isFull: method.proof.result === "independent-full",
      refusesPublished: refusesPublished(this.#box, method),
    };
  }

  /** The snapshot that carries the wanted name already, on a box that makes no new ones. */
  async #findNamed(
    { nameDigest }: NewSnapshot,
    what: string,
    signal: AbortSignal,
  ): Promise<Snapshot | undefined> {
    const { settings } = this.#box;
    const named = script`comment~${`^${snapshotPrefix(settings.clusterId, nameDigest)}`}`;
    return first(this.#snapshotsIn(await read(this.#box, findLine(settings, named), what, signal)));
  }

  #snapshotsIn(lines: readonly string[]): Snapshot[] {
    const { clusterId } = this.#box.settings;
    const rows = parseRows(lines).filter((row) => isOurs(row, "s", clusterId));
    return rows.flatMap((row) => snapshotOf(row, clusterId) ?? []);
  }

  #required(lines: readonly string[], what: string): Snapshot {
    const snapshot = first(this.#snapshotsIn(lines));
    if (snapshot !== undefined) return snapshot;
    throw new StorageError("unavailable", `${what}: the array does not show it afterwards`);
  }

  #cannot(verb: string, id: SnapshotId): string {
    return `Cannot ${verb} snapshot "${id}" on array "${this.#box.settings.name}"`;
  }
}

/** Of several with one name, which only two drivers at once can make, everybody takes the same. */
function first(snapshots: readonly Snapshot[]): Snapshot | undefined {
  const ordered = [...snapshots].sort((left, right) =>
    left.takenAtMs - right.takenAtMs || (left.id < right.id ? -1 : 1)
  );
  return ordered[0];
}

/** The second that stood in the way, when a later one would do. */
function takenSecond(error: unknown, tried: number): number | undefined {
  const guard = error instanceof Refusal ? guardRefusalOf(error.text) : undefined;
  // The next command finds the snapshot that was faster, and takes none.
  if (guard?.code === "csi-overtaken") return tried;
  if (guard?.code === "csi-file-exists") return tried;
  return guard?.code === "csi-later-second" ? Number(guard.detail) : undefined;
}
