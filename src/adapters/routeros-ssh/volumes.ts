/** The volumes of one box, as {@link VolumeStore}. One command per call, where nothing is lost. */
import { StorageError } from "../../domain/errors.ts";
import { nqnOf, portCandidates } from "../../domain/nvme.ts";
import { slotOf } from "../../domain/slot.ts";
import type { NewVolume, Volume } from "../../domain/volume.ts";
import type { VolumeId } from "../../domain/volume_id.ts";
import type { PoolCapacity, VolumeAmendment, VolumeStore } from "../../ports/volume_store.ts";
import { change, explain, read, refusesPublished, usableMethod } from "./box.ts";
import type { Box, BoxLimits, ChangeKind } from "./box.ts";
import { guardRefusalOf } from "./failures.ts";
import { isOrWas } from "./guards.ts";
import { listItems } from "./listing.ts";
import { backingFileOf } from "./paths.ts";
import { formatVolumeRecord, parseVolumeRecord } from "./record.ts";
import type { RecordState, VolumeRecord } from "./record.ts";
import { numberOf, parseObjects, parseRows, putJson } from "./rows.ts";
import { Refusal } from "./session.ts";
import { script } from "./syntax.ts";
import { isOurs, volumeOf } from "./volume_rows.ts";
import { amendLine, createLine, deleteLine, expandLine, findLine } from "./volume_scripts.ts";
import type { CopyPlan, VolumePlan } from "./volume_scripts.ts";

const PORTS_TRIED = 16;

/** See the port for what each method promises. */
export class RouterOsVolumes implements VolumeStore {
  readonly #box: Box;

  /** @param box what is known of the box */
  constructor(box: Box) {
    this.#box = box;
  }

  async create(wanted: NewVolume, signal: AbortSignal): Promise<Volume> {
    const what = this.#cannot("create", wanted.id);
    const basePath = this.#checkBasePath(wanted.basePath, what);
    let plan: VolumePlan;
    try {
      plan = await this.#plan(wanted, basePath, what, signal);
    } catch (error) {
      // What the box lacks for a new volume does not matter where there is one.
      const existing = await this.find(wanted.id, signal);
      if (existing !== undefined) return existing;
      throw error;
    }
    try {
      return await this.#make(plan, what, signal);
    } catch (error) {
      if (!isGuard(error, "csi-ports-taken")) throw explain(this.#box, error, what);
    }
    const candidates = await this.#freePorts(wanted.id, what, signal);
    try {
      return await this.#make({ ...plan, ports: { kind: "own", candidates } }, what, signal);
    } catch (error) {
      throw explain(this.#box, error, what);
    }
  }

  async find(id: VolumeId, signal: AbortSignal): Promise<Volume | undefined> {
    const { settings } = this.#box;
    const line = findLine(settings, isOrWas(id, settings.basePaths));
    return this.#volumeIn(await read(this.#box, line, this.#cannot("read", id), signal), id);
  }

  async list(signal: AbortSignal): Promise<Volume[]> {
    const { clusterId } = this.#box.settings;
    return await listItems(this.#box, "v", (row) => volumeOf(row, clusterId), signal);
  }

  async expand(id: VolumeId, capacityBytes: number, signal: AbortSignal): Promise<Volume> {
    const line = expandLine(this.#box.settings, id, capacityBytes);
    const what = this.#cannot("expand", id);
    return this.#required(await this.#change(line, what, signal), id, what);
  }

  async amend(volume: Volume, amendment: VolumeAmendment, signal: AbortSignal): Promise<Volume> {
    const { settings } = this.#box;
    const what = this.#cannot("change the record of", volume.id);
    const before = recordOf(volume, "ready");
    const revision = volume.revision + 1;
    let unknown: VolumeRecord["unknown"] = [];
    // The second try carries pairs of a later version that our reading of a volume does not show.
    for (let attempt = 1;; attempt++) {
      const from = formatVolumeRecord(settings.clusterId, { ...before, unknown });
      const to = formatVolumeRecord(settings.clusterId, {
        ...before,
        ...amendment,
        revision,
        unknown,
      });
      const line = amendLine(settings, volume.id, from, to);
      checkRecord(to, this.#box.knownLimits(), what);
      try {
        const lines = await change(this.#box, line, what, signal);
        return this.#required(lines, volume.id, what);
      } catch (error) {
        const shown = isGuard(error, "csi-changed") ? this.#unknownPairs(error, before) : undefined;
        if (shown === undefined || attempt === 2) throw explain(this.#box, error, what);
        unknown = shown;
      }
    }
  }

  async delete(id: VolumeId, signal: AbortSignal): Promise<void> {
    await this.#change(deleteLine(this.#box.settings, id), this.#cannot("delete", id), signal);
  }

  async capacity(signal: AbortSignal): Promise<PoolCapacity> {
    const { pool, name, minFreePercent } = this.#box.settings;
    const what = `Cannot read the capacity of array "${name}"`;
    const row = putJson(script`{"free"=($p->"free"); "total"=($p->"size")}`);
    const line = script`:foreach p in=[/disk/print detail as-value where mount-point=${pool}]
      do={ ${row} };`;
    const rows = parseObjects(await read(this.#box, line, what, signal));
    for (const { free, total } of rows) {
      const [freeBytes, totalBytes] = [numberOf(free), numberOf(total)];
      if (freeBytes === undefined || totalBytes === undefined) continue;
      const reserveBytes = Math.floor(totalBytes / 100) * minFreePercent;
      return { totalBytes, availableBytes: Math.max(0, freeBytes - reserveBytes) };
    }
    throw new StorageError("unavailable", `${what}: pool "${pool}" is not mounted`);
  }

  async #make(plan: VolumePlan, what: string, signal: AbortSignal): Promise<Volume> {
    const line = createLine(this.#box.settings, plan);
    const lines = await change(this.#box, line, what, signal, kindOf(plan.copy));
    return this.#required(lines, plan.id, what);
  }

  /** @throws {StorageError} what the box lacks for a volume like that. */
  async #plan(
    wanted: NewVolume,
    basePath: string,
    what: string,
    signal: AbortSignal,
  ): Promise<VolumePlan> {
    const { clusterId, nvmePorts } = this.#box.settings;
    const { id, capacityBytes, limitBytes, port } = wanted;
    const copy = await this.#planCopy(wanted, what, signal);
    const limits = await this.#box.limits(signal);
    const facts = { ...wanted, revision: 0, publications: [], unknown: [] };
    const final = formatVolumeRecord(clusterId, { ...facts, state: "ready" });
    checkRecord(final, limits, what);
    return {
      id,
      slot: slotOf(id, limits.slotLengthMax),
      file: backingFileOf(basePath, id),
      nqn: nqnOf(id),
      draft: formatVolumeRecord(clusterId, { ...facts, state: "creating" }),
      final,
      capacityBytes,
      limitBytes,
      ports: port === "per-volume"
        ? { kind: "own", candidates: portCandidates(id, nvmePorts, PORTS_TRIED) }
        : { kind: "fixed", candidates: [port] },
      copy,
    };
  }

  /** How to copy the source; undefined for an empty volume. */
  async #planCopy(
    { source }: NewVolume,
    what: string,
    signal: AbortSignal,
  ): Promise<CopyPlan | undefined> {
    if (source === undefined) return undefined;
    const { settings } = this.#box;
    const method = usableMethod(await this.#box.copyMethod(signal), what, settings.name);
    return {
      source,
      strategy: method.strategy,
      isFull: method.proof.result === "independent-full",
      refusesPublished: refusesPublished(this.#box, method),
    };
  }

  /** Ports of the range that no disk of the box has, best first for `id`. */
  async #freePorts(id: VolumeId, what: string, signal: AbortSignal): Promise<number[]> {
    const { nvmePorts } = this.#box.settings;
    const row = putJson(script`{"port"=[/disk/get $d nvme-tcp-server-port]}`);
    const line = script`:foreach d in=[/disk/find where nvme-tcp-server-port>0] do={ ${row} };`;
    const printed = await read(this.#box, line, what, signal);
    const taken = new Set(parseObjects(printed).map(({ port }) => numberOf(port)));
    const range = nvmePorts.last - nvmePorts.first + 1;
    const free = portCandidates(id, nvmePorts, range).filter((port) => !taken.has(port));
    if (free.length > 0) return free.slice(0, PORTS_TRIED);
    throw new StorageError(
      "out-of-space",
      `${what}: every TCP port from ${nvmePorts.first} to ${nvmePorts.last} is taken`,
    );
  }

  /** The pairs that a record on the box has beyond ours, or undefined when it says other things. */
  #unknownPairs(refusal: Refusal, before: VolumeRecord): VolumeRecord["unknown"] | undefined {
    const { clusterId } = this.#box.settings;
    const shown = parseVolumeRecord(clusterId, guardRefusalOf(refusal.text)?.detail ?? "");
    if (shown === undefined) return undefined;
    const plain = formatVolumeRecord(clusterId, { ...shown, unknown: [] });
    return plain === formatVolumeRecord(clusterId, before) ? shown.unknown : undefined;
  }

  async #change(
    line: ReturnType<typeof deleteLine>,
    what: string,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    try {
      return await change(this.#box, line, what, signal);
    } catch (error) {
      throw explain(this.#box, error, what);
    }
  }

  #volumeIn(lines: readonly string[], id: VolumeId): Volume | undefined {
    const { clusterId } = this.#box.settings;
    const rows = parseRows(lines).filter((row) => isOurs(row, "v", clusterId));
    const volumes = rows.flatMap((row) => volumeOf(row, clusterId) ?? []);
    return volumes.find((volume) => volume.id === id);
  }

  #required(lines: readonly string[], id: VolumeId, what: string): Volume {
    const volume = this.#volumeIn(lines, id);
    if (volume !== undefined) return volume;
    throw new StorageError("unavailable", `${what}: the array does not show it afterwards`);
  }

  #checkBasePath(basePath: string | undefined, what: string): string {
    const { settings } = this.#box;
    if (basePath === undefined) return settings.basePath;
    if (settings.basePaths.includes(basePath)) return basePath;
    throw new StorageError(
      "invalid",
      `${what}: base path "${basePath}" is not allowed; allowed is ${
        settings.basePaths.join(", ")
      }`,
    );
  }

  #cannot(verb: string, id: VolumeId): string {
    return `Cannot ${verb} volume "${id}" on array "${this.#box.settings.name}"`;
  }
}

function recordOf(volume: Volume, state: RecordState): VolumeRecord {
  const { nameDigest, source, createdAtMs, revision, reconnect, publications } = volume;
  return { nameDigest, source, createdAtMs, revision, reconnect, publications, unknown: [], state };
}

/** Refuses a record that the box would cut, before anything is written. */
function checkRecord(record: string, limits: BoxLimits | undefined, what: string): void {
  if (limits === undefined || record.length <= limits.commentLengthMax) return;
  throw new StorageError(
    "not-ready",
    `${what}: its record has ${record.length} characters and the array keeps ` +
      `${limits.commentLengthMax}`,
  );
}

function kindOf(copy: CopyPlan | undefined): ChangeKind {
  if (copy === undefined) return "change";
  return copy.isFull ? "full-copy" : "copy";
}

function isGuard(error: unknown, code: string): error is Refusal {
  return error instanceof Refusal && guardRefusalOf(error.text)?.code === code;
}
