/**
 * The arrays of one installation, and which of them has what.
 *
 * With one array nothing is ever asked that the use case does not ask itself. With several, all are
 * asked at once and the first that has a thing wins, so an array that is down slows nobody whose
 * things are elsewhere.
 */
import { StorageError } from "../domain/errors.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import type { SnapshotId } from "../domain/snapshot_id.ts";
import type { Volume } from "../domain/volume.ts";
import type { NameDigest, VolumeId } from "../domain/volume_id.ts";
import type { Clock } from "../ports/clock.ts";
import type { SnapshotStore } from "../ports/snapshot_store.ts";
import type { VolumeStore } from "../ports/volume_store.ts";
import { within } from "./deadline.ts";
import { Recent } from "./recent.ts";

/** One array, with its stores. */
export interface Backend {
  /** What StorageClasses call it. */
  readonly name: string;
  readonly volumes: VolumeStore;
  readonly snapshots: SnapshotStore;
  /** Where its volumes are reached over NVMe/TCP: an IP address or a host name. */
  readonly storageAddress: string;
  /** Whether it answered lately; asks nobody. */
  isReachable(): boolean;
}

/** Something, and the array it is on. */
export interface Located<Item> {
  readonly backend: Backend;
  readonly item: Item;
}

type Ask<Item> = (backend: Backend) => Promise<Item | undefined>;
type Failure = { readonly backend: Backend; readonly error: unknown };

/** As many whereabouts as we remember; an id takes about 100 bytes. */
const HINTS_MAX = 20_000;
/** How long another array may take to say whether it knows a name; then we go on without it. */
const ELSEWHERE_MS = 2_000;
/** How often an array that was too slow to say so is asked again, with nobody waiting for it. */
const ASK_AGAIN_MS = 10_000;
const NEVER = new AbortController().signal;

/** All arrays. Holds no truth: where something was seen is a hint, and the array is asked. */
export class Backends {
  readonly all: readonly Backend[];
  readonly #default: Backend;
  readonly #clock: Clock;
  readonly #hints: Recent<Backend> = new Recent(HINTS_MAX);
  /** The arrays that did not say in time whether they know a name, and when to ask them again. */
  readonly #silent = new Map<Backend, number>();

  /**
   * @param all at least one, each name once
   * @param defaultName the array of classes that name none
   * @throws {StorageError} `invalid` when there is no array of that name, or two have one name.
   */
  constructor(all: readonly Backend[], defaultName: string, clock: Clock) {
    this.all = [...all];
    this.#clock = clock;
    if (new Set(all.map(({ name }) => name)).size < all.length) {
      throw new StorageError("invalid", "Cannot use backends: two have the same name");
    }
    this.#default = this.#byName(defaultName);
  }

  /**
   * The array a class names, or the default one.
   * @throws {StorageError} `invalid` when there is none of that name.
   */
  named(name: string | undefined): Backend {
    return name === undefined ? this.#default : this.#byName(name);
  }

  /**
   * The array that has volume `id`, or undefined when all answered and none has it. With one array:
   * that array, unasked.
   * @throws {StorageError} `unavailable` naming an array that did not answer.
   */
  async locate(id: VolumeId, signal: AbortSignal): Promise<Backend | undefined> {
    return this.#only() ?? (await this.find(id, signal))?.backend;
  }

  /** As {@link locate}, for a snapshot. */
  async locateSnapshot(id: SnapshotId, signal: AbortSignal): Promise<Backend | undefined> {
    return this.#only() ?? (await this.findSnapshot(id, signal))?.backend;
  }

  /**
   * Volume `id` and its array, or undefined when all arrays answered and none has it.
   * @throws {StorageError} `unavailable` naming an array that did not answer.
   */
  find(id: VolumeId, signal: AbortSignal): Promise<Located<Volume> | undefined> {
    return this.#find(id, ({ volumes }) => volumes.find(id, signal), signal);
  }

  /** As {@link find}, for a snapshot. */
  findSnapshot(id: SnapshotId, signal: AbortSignal): Promise<Located<Snapshot> | undefined> {
    return this.#find(id, ({ snapshots }) => snapshots.find(id, signal), signal);
  }

  /**
   * Every volume of every array.
   * @throws {StorageError} `unavailable` naming an array that did not answer: never a part.
   */
  listVolumes(signal: AbortSignal): Promise<Volume[]> {
    return this.#list(({ volumes }) => volumes.list(signal), signal);
  }

  /** As {@link listVolumes}, for snapshots. */
  listSnapshots(signal: AbortSignal): Promise<Snapshot[]> {
    return this.#list(({ snapshots }) => snapshots.list(signal), signal);
  }

  /**
   * Runs `work` for every array at once, until all are done.
   * @throws {StorageError} `unavailable` naming an array that did not answer.
   */
  async onAll(work: (backend: Backend) => Promise<void>, signal: AbortSignal): Promise<void> {
    await this.#list(async (backend) => [await work(backend)], signal);
  }

  /**
   * Checks that no other array that answers in time has volume `id`, whose name would then be used
   * twice. One that is down is passed over: it must not stop work elsewhere. One that was too slow
   * is passed over, unasked, until it answers again: only the first call waits for it.
   * @throws {StorageError} `already-exists` naming the array.
   */
  checkNotElsewhere(chosen: Backend, id: VolumeId, signal: AbortSignal): Promise<void> {
    const ask = (backend: Backend, soon: AbortSignal) => backend.volumes.find(id, soon);
    return this.#checkElsewhere(chosen, `volume "${id}"`, ask, signal);
  }

  /** As {@link checkNotElsewhere}, for the name of a snapshot. */
  checkSnapshotNotElsewhere(
    chosen: Backend,
    digest: NameDigest,
    signal: AbortSignal,
  ): Promise<void> {
    const ask = async ({ snapshots }: Backend, soon: AbortSignal) =>
      (await snapshots.list(soon)).find(({ nameDigest }) => nameDigest === digest);
    return this.#checkElsewhere(chosen, "snapshot", ask, signal);
  }

  /** Keeps in mind that `id` was seen on `backend`. */
  remember(id: string, backend: Backend): void {
    if (this.all.length > 1) this.#hints.set(id, backend);
  }

  async #find<Item>(
    id: string,
    ask: Ask<Item>,
    signal: AbortSignal,
  ): Promise<Located<Item> | undefined> {
    const only = this.#only();
    if (only !== undefined) {
      const item = await ask(only);
      return item === undefined ? undefined : { backend: only, item };
    }
    const found = await this.#askHinted(id, ask) ?? await firstFound(this.all, ask, signal);
    if (found === undefined) this.#hints.delete(id);
    else this.remember(id, found.backend);
    return found;
  }

  /** Asks the array where `id` was seen last; any other answer than "here" is no answer. */
  async #askHinted<Item>(id: string, ask: Ask<Item>): Promise<Located<Item> | undefined> {
    const backend = this.#hints.get(id);
    if (backend === undefined || !backend.isReachable()) return undefined;
    const item = await ask(backend).catch((error: unknown) => passOver(error));
    return item === undefined ? undefined : { backend, item };
  }

  async #list<Item>(
    ask: (backend: Backend) => Promise<Item[]>,
    signal: AbortSignal,
  ): Promise<Item[]> {
    const only = this.#only();
    if (only !== undefined) return await ask(only);
    const lists = await Promise.all(this.all.map(async (backend) => {
      try {
        return await ask(backend);
      } catch (error) {
        throw didNotAnswer({ backend, error }, signal);
      }
    }));
    return lists.flat();
  }

  async #checkElsewhere(
    chosen: Backend,
    what: string,
    ask: (backend: Backend, signal: AbortSignal) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    const others = this.all.filter((backend) => backend !== chosen && backend.isReachable());
    const answers = await Promise.all(others.map(async (backend) => {
      const known = await this.#askInTime(backend, ask, signal)
        .catch((error: unknown) => passOver(error));
      return known === undefined ? undefined : backend;
    }));
    signal.throwIfAborted();
    const holder = answers.find((backend) => backend !== undefined);
    if (holder === undefined) return;
    throw new StorageError(
      "already-exists",
      `Cannot create ${what} on backend "${chosen.name}": its name is in use on backend ` +
        `"${holder.name}"`,
    );
  }

  async #askInTime(
    backend: Backend,
    ask: (backend: Backend, signal: AbortSignal) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const againAtMs = this.#silent.get(backend);
    if (againAtMs === undefined) return (await this.#timed(backend, ask, signal))?.answer;
    // This call goes on without it; the answer tells the next ones that it is back.
    const isDue = this.#clock.monotonicMs() >= againAtMs;
    if (isDue) this.#timed(backend, ask, NEVER).catch(() => {});
    return undefined;
  }

  /** Asks for as long as it may take, and keeps in mind whether the array answered. */
  async #timed(
    backend: Backend,
    ask: (backend: Backend, signal: AbortSignal) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<{ readonly answer: unknown } | undefined> {
    // Until it has answered, nobody else is to ask it again at the same time.
    if (this.#silent.has(backend)) this.#putAside(backend);
    const answered = await within(this.#clock, ELSEWHERE_MS, signal, async (soon) => ({
      answer: await ask(backend, soon),
    }));
    if (answered !== undefined) this.#silent.delete(backend);
    else this.#putAside(backend);
    return answered;
  }

  #putAside(backend: Backend): void {
    this.#silent.set(backend, this.#clock.monotonicMs() + ASK_AGAIN_MS);
  }

  #only(): Backend | undefined {
    return this.all.length === 1 ? this.#default : undefined;
  }

  #byName(name: string): Backend {
    const backend = this.all.find((each) => each.name === name);
    if (backend !== undefined) return backend;
    const names = this.all.map((each) => each.name).join(", ");
    throw new StorageError("invalid", `Cannot use backend "${name}": there is ${names || "none"}`);
  }
}

/** Asks all at once; the first that has it wins while the others may still be thinking. */
function firstFound<Item>(
  backends: readonly Backend[],
  ask: Ask<Item>,
  signal: AbortSignal,
): Promise<Located<Item> | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Located<Item> | undefined>();
  const failures: Failure[] = [];
  const answers = backends.map(async (backend) => {
    try {
      const item = await ask(backend);
      if (item !== undefined) resolve({ backend, item });
    } catch (error) {
      failures.push({ backend, error });
    }
  });
  Promise.all(answers).then(() => {
    const [failure] = failures;
    if (failure === undefined) resolve(undefined);
    else reject(didNotAnswer(failure, signal));
  });
  return promise;
}

/** The failure of one array of several as the caller is to see it. */
function didNotAnswer({ backend, error }: Failure, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (!(error instanceof StorageError)) return error;
  return new StorageError(
    "unavailable",
    `Cannot ask backend "${backend.name}": ${error.message}`,
    { cause: error },
  );
}

/** Takes a failure to answer for no answer; a bug stays a bug. */
function passOver(error: unknown): undefined {
  if (error instanceof StorageError || isAbort(error)) return undefined;
  throw error;
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException &&
    (error.name === "AbortError" || error.name === "TimeoutError");
}
