/** The life of volumes: what the controller does for create, delete, expand, get, list and modify. */
import { checkCapabilities, refusalOf } from "../domain/access.ts";
import type { VolumeCapability } from "../domain/access.ts";
import { CAPACITY_BYTES_MAX, CAPACITY_BYTES_MIN, capacityFor } from "../domain/capacity.ts";
import type { CapacityRange } from "../domain/capacity.ts";
import { StorageError } from "../domain/errors.ts";
import { pageOf } from "../domain/paging.ts";
import type { Page, PageRequest } from "../domain/paging.ts";
import { RECONNECT_KEYS, reconnectPolicyOf } from "../domain/reconnect_policy.ts";
import { checkSameVolume, describeSource } from "../domain/volume.ts";
import type { ContentSource, NewVolume, Volume } from "../domain/volume.ts";
import { volumeContextOf } from "../domain/volume_context.ts";
import { nameDigestOf, parseVolumeId, volumeIdForName } from "../domain/volume_id.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import { parseMutableParameters, parseVolumeParameters } from "../domain/volume_parameters.ts";
import type { Clock } from "../ports/clock.ts";
import { amendVolume, volumeNotFound } from "./amendment.ts";
import type { Backend, Backends } from "./backends.ts";
import type { KeyedLock } from "./keyed_lock.ts";

type Texts = Readonly<Record<string, string>>;

/** A volume as it is asked for. */
export interface VolumeRequest {
  readonly name: string;
  readonly range: CapacityRange;
  readonly capabilities: readonly VolumeCapability[];
  /** Of the StorageClass. */
  readonly parameters: Texts;
  /** Of the VolumeAttributesClass. */
  readonly mutableParameters: Texts;
  readonly source: ContentSource | undefined;
}

/** A volume that is there, made now or before. */
export interface CreatedVolume {
  readonly volume: Volume;
  /** The name of the array it is on. */
  readonly backend: string;
  /** What later calls are given back. */
  readonly context: Readonly<Record<string, string>>;
}

/** What new volumes may take on one array, in bytes. */
export interface AvailableCapacity {
  readonly availableBytes: number;
  readonly volumeBytesMin: number;
  readonly volumeBytesMax: number;
}

interface CreationPlan {
  readonly backend: Backend;
  readonly wanted: NewVolume;
  readonly context: Readonly<Record<string, string>>;
}

/** What volumes go through at the controller. Every method is safe to repeat. */
export class Volumes {
  readonly #backends: Backends;
  readonly #locks: KeyedLock;
  readonly #clock: Clock;

  constructor(backends: Backends, locks: KeyedLock, clock: Clock) {
    this.#backends = backends;
    this.#locks = locks;
    this.#clock = clock;
  }

  /**
   * The volume of that name: made, or found as it was asked for. One store call with one array.
   * @throws {StorageError} `invalid`, `out-of-range`, `already-exists` when the name belongs to a
   * volume that is not what is asked for, `not-found` for the source, and what the store throws.
   */
  async create(request: VolumeRequest, signal: AbortSignal): Promise<CreatedVolume> {
    const { backend, wanted, context } = this.#planCreation(request);
    using _turn = this.#locks.take(wanted.id, wanted.nameDigest);
    await this.#backends.checkNotElsewhere(backend, wanted.id, signal);
    const volume = await this.#createOn(backend, wanted, signal);
    checkSameVolume(volume, wanted, request.range);
    this.#backends.remember(volume.id, backend);
    return { volume, backend: backend.name, context };
  }

  /**
   * Deletes a volume; an id that is unknown, or cannot be ours, is a success.
   * @throws {StorageError} `in-use` while it is published.
   */
  async delete(id: string, signal: AbortSignal): Promise<void> {
    const volumeId = parseVolumeId(id);
    if (volumeId === undefined) return;
    using _turn = this.#locks.take(volumeId);
    const backend = await this.#backends.locate(volumeId, signal);
    if (backend !== undefined) return await backend.volumes.delete(volumeId, signal);
    // No array shows it, but one may keep its file: a delete that failed half-way leaves that.
    await this.#backends.onAll(({ volumes }) => volumes.delete(volumeId, signal), signal);
  }

  /**
   * Grows a volume to the smallest size in the range; one that is large enough stays as it is.
   * @throws {StorageError} `not-found`; `out-of-range` when no allowed size, or the volume's own, is
   * in the range; `out-of-space`.
   */
  async expand(id: VolumeId, range: CapacityRange, signal: AbortSignal): Promise<Volume> {
    const capacityBytes = capacityFor(range);
    using _turn = this.#locks.take(id);
    const backend = await this.#backends.locate(id, signal);
    if (backend === undefined) throw volumeNotFound(id);
    const volume = await backend.volumes.expand(id, capacityBytes, signal);
    if (range.limitBytes === 0 || volume.capacityBytes <= range.limitBytes) return volume;
    throw new StorageError(
      "out-of-range",
      `Cannot expand volume "${id}" within limit_bytes ${range.limitBytes}: ` +
        `it has ${volume.capacityBytes} bytes and never shrinks`,
    );
  }

  /** @throws {StorageError} `not-found`. */
  async get(id: VolumeId, signal: AbortSignal): Promise<Volume> {
    const found = await this.#backends.find(id, signal);
    if (found === undefined) throw volumeNotFound(id);
    return found.item;
  }

  /**
   * One page of all volumes, oldest first.
   * @throws {StorageError} `stale-token`, `invalid`, and `unavailable` when any array is missing.
   */
  async list(page: Omit<PageRequest, "filter">, signal: AbortSignal): Promise<Page<Volume>> {
    const request = { ...page, filter: "volumes" };
    // A bad token is refused before the arrays are asked for everything they have.
    pageOf([], keyOf, request);
    return pageOf(await this.#backends.listVolumes(signal), keyOf, request);
  }

  /**
   * Why the volume cannot be used so, in words; undefined when it can.
   * @throws {StorageError} `not-found`.
   */
  async validate(
    id: VolumeId,
    capabilities: readonly VolumeCapability[],
    parameters: Texts,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    await this.get(id, signal);
    return capabilities.map(refusalOf).find((refusal) => refusal !== undefined) ??
      parameterRefusal(parameters);
  }

  /**
   * What new volumes with these parameters may take; nothing for capabilities we do not offer.
   * @throws {StorageError} `invalid` for the parameters.
   */
  async capacity(
    parameters: Texts,
    capabilities: readonly VolumeCapability[],
    signal: AbortSignal,
  ): Promise<AvailableCapacity> {
    const backend = this.#backends.named(parseVolumeParameters(parameters).backend);
    const isOffered = capabilities.every((capability) => refusalOf(capability) === undefined);
    const availableBytes = isOffered ? (await backend.volumes.capacity(signal)).availableBytes : 0;
    return {
      availableBytes,
      volumeBytesMin: CAPACITY_BYTES_MIN,
      volumeBytesMax: CAPACITY_BYTES_MAX,
    };
  }

  /**
   * Changes the reconnect policy of a volume; it holds from the next publish on.
   * @throws {StorageError} `invalid` for a parameter that cannot change or does not fit the others;
   * `not-found`; `busy`.
   */
  async modify(id: VolumeId, mutableParameters: Texts, signal: AbortSignal): Promise<void> {
    const change = parseMutableParameters(mutableParameters);
    using _turn = this.#locks.take(id);
    const found = await amendVolume(this.#backends, id, (volume) => {
      const reconnect = { ...volume.reconnect, ...change };
      reconnectPolicyOf(reconnect);
      const isSame = RECONNECT_KEYS.every((key) => reconnect[key] === volume.reconnect[key]);
      return isSame ? undefined : { reconnect };
    }, signal);
    if (found === undefined) throw volumeNotFound(id);
  }

  #planCreation(request: VolumeRequest): CreationPlan {
    checkCapabilities(request.capabilities);
    const parameters = parseVolumeParameters(request.parameters);
    const reconnect = parseMutableParameters(request.mutableParameters);
    reconnectPolicyOf(parameters.reconnect, reconnect);
    return {
      backend: this.#backends.named(parameters.backend),
      context: volumeContextOf(parameters),
      wanted: {
        id: volumeIdForName(request.name),
        nameDigest: nameDigestOf(request.name),
        capacityBytes: capacityFor(request.range),
        limitBytes: request.range.limitBytes,
        source: request.source,
        createdAtMs: this.#clock.wallMs(),
        reconnect,
        basePath: parameters.basePath,
        port: parameters.nvmePort,
      },
    };
  }

  async #createOn(backend: Backend, wanted: NewVolume, signal: AbortSignal): Promise<Volume> {
    try {
      return await backend.volumes.create(wanted, signal);
    } catch (error) {
      const isMissing = error instanceof StorageError && error.code === "not-found";
      if (isMissing) await this.#checkSourceNotElsewhere(backend, wanted, signal);
      throw error;
    }
  }

  /** A source on another array is no missing source, and the class is what is wrong then. */
  async #checkSourceNotElsewhere(
    backend: Backend,
    { id, source }: NewVolume,
    signal: AbortSignal,
  ): Promise<void> {
    if (source === undefined || this.#backends.all.length === 1) return;
    const found = source.kind === "volume"
      ? await this.#backends.locate(source.id, signal)
      : await this.#backends.locateSnapshot(source.id, signal);
    if (found === undefined || found === backend) return;
    throw new StorageError(
      "invalid",
      `Cannot create volume "${id}" on backend "${backend.name}": its source, ` +
        `${describeSource(source)}, is on backend "${found.name}"`,
    );
  }
}

function keyOf({ createdAtMs, id }: Volume): { createdAtMs: number; id: string } {
  return { createdAtMs, id };
}

function parameterRefusal(parameters: Texts): string | undefined {
  try {
    parseVolumeParameters(parameters);
    return undefined;
  } catch (error) {
    if (error instanceof StorageError && error.code === "invalid") return error.message;
    throw error;
  }
}
