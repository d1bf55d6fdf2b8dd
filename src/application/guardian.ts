/**
 * Looks after staged volumes beyond what the kernel does: brings back connections that the kernel
 * gave up, and says when a volume is not well. It looks at tables of the kernel only, touches no
 * mount, and leaves alone what was ended on purpose: without a record that says `staged`, nothing
 * is ever connected but a device that its kernel keeps for a while, so that it can be written out.
 */
import { StorageError } from "../domain/errors.ts";
import type { Health } from "../domain/health.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { NvmeSession } from "../ports/nvme_host.ts";
import type { StuckChild } from "../ports/programs.ts";
import type { StageRecord } from "../ports/stage_records.ts";
import { within } from "./deadline.ts";
import { HealthReports } from "./health_reports.ts";
import { isOnlyKept } from "./node_device.ts";
import { healthOf } from "./node_health.ts";
import type { NodeContext, NodePorts, NodeShared } from "./node_ports.ts";
import { reconnect } from "./node_reconnecting.ts";
import { Once } from "./once.ts";

/** What a guardian is told. */
export interface GuardianSettings {
  /** The kernel's id of the boot that is running. */
  readonly bootId: string;
  /** Children of this process that the kernel does not let end; absent: there are never any. */
  readonly stuckChildren?: () => readonly StuckChild[];
}

const POLL_MS = 5000;
/** A round waits no longer for its attempts; what is slow goes on beside the next round. */
const ROUND_MS = 4000;
const ATTEMPT_MS = 15_000;
/** Attempts at once at one array: a silent one must not take the places of the others. */
const ATTEMPTS_PER_ARRAY_MAX = 4;
/** What endangers volumes changes rarely. */
const ROUNDS_BETWEEN_DANGERS = 60;

/** One for each process of the node role. */
export class Guardian {
  readonly #context: NodeContext;
  readonly #reports: HealthReports;
  /** Attempts that run, by volume; the value is the array's address. */
  readonly #attempts = new Map<VolumeId, string>();
  readonly #unreadable: Once;
  readonly #dangers: Once;
  readonly #stuckChildren: () => readonly StuckChild[];
  #stuckCount = 0;
  #lastFailure: string | undefined;
  #rounds = 0;

  constructor(ports: NodePorts, shared: NodeShared, settings: GuardianSettings) {
    const { observe, clock } = shared;
    this.#context = { ...ports, ...shared, bootId: settings.bootId };
    this.#stuckChildren = settings.stuckChildren ?? (() => []);
    this.#reports = new HealthReports(clock, observe);
    this.#unreadable = new Once((record) => observe({ kind: "record-unreadable", record }));
    this.#dangers = new Once((danger) => observe({ kind: "host-danger", danger }));
  }

  /** Rounds, one every five seconds, until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, observe } = this.#context;
    while (!signal.aborted) {
      try {
        await this.round(signal);
        this.#lastFailure = undefined;
      } catch (error) {
        // Told once: the next rounds are likely to fail in the same way.
        const failure = String(error);
        const isNews = !signal.aborted && failure !== this.#lastFailure;
        this.#lastFailure = failure;
        if (isNews) observe({ kind: "guard-failed", error });
      }
      await clock.sleep(POLL_MS, signal).catch(() => {});
    }
  }

  /**
   * Looks at every staged volume once, and waits a few seconds at most for what it began.
   * @throws {StorageError} when the sessions or the records cannot be listed.
   */
  async round(signal: AbortSignal): Promise<void> {
    const { host, records, reconnects, bootId, clock } = this.#context;
    await this.#lookAtMachine(signal);
    const sessions = new Map((await host.sessions(signal)).map((each) => [each.nqn, each]));
    const listed = await records.list();
    this.#unreadable.see(listed.unreadable);
    const ofThisBoot = listed.records.filter((record) => record.bootId === bootId);
    const staged = ofThisBoot.filter(({ phase }) => phase === "staged");
    // What is being unstaged waits for its connection, too, and its caller may pause for minutes.
    const gone = ofThisBoot.filter((record) =>
      record.phase === "unstaging" && isOnlyKept(sessions.get(record.published.nqn))
    );
    this.#reports.keepOnly(idsOf(staged));
    reconnects.keepOnly(idsOf([...staged, ...gone]));
    for (const record of staged) {
      const session = sessions.get(record.published.nqn);
      if (await this.#look(record, session, signal)) gone.push(record);
    }
    await within(clock, ROUND_MS, signal, () => this.#bringBack(gone, signal));
  }

  /** Diagnoses one volume; tells whether it has to be brought back. */
  async #look(
    record: StageRecord,
    session: NvmeSession | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { volumeId } = record;
    const { locks } = this.#context;
    // What is being worked on has no state worth telling.
    if (locks.isTaken(volumeId)) return false;
    const health = await this.#healthOf(record, session, signal);
    if (health === undefined || locks.isTaken(volumeId)) return false;
    if (health.kind === "ill" && !await this.#isStillStaged(record)) return false;
    this.#reports.report(volumeId, health);
    return health.kind === "ill" && needsAttempt(health);
  }

  /** One volume that cannot be looked at must not keep the others from being. */
  async #healthOf(
    record: StageRecord,
    session: NvmeSession | undefined,
    signal: AbortSignal,
  ): Promise<Health | undefined> {
    try {
      return await healthOf(this.#context, record, session, signal);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return undefined;
    }
  }

  /** The lists are older than the look: a call may have come and gone in between. */
  async #isStillStaged({ volumeId, device }: StageRecord): Promise<boolean> {
    const { records, locks, bootId } = this.#context;
    const record = await records.read(volumeId).catch(() => undefined);
    return record?.phase === "staged" && record.bootId === bootId &&
      record.device?.number === device?.number && !locks.isTaken(volumeId);
  }

  /** Tries what is due, a few at a time at each array; what is still queued waits for a round. */
  async #bringBack(gone: readonly StageRecord[], signal: AbortSignal): Promise<void> {
    const { clock, reconnects } = this.#context;
    const [nowMs, running] = [clock.monotonicMs(), [...this.#attempts.values()]];
    const due = gone.filter(({ volumeId }) => reconnects.isDue(volumeId, nowMs));
    const lanes: Promise<void>[] = [];
    for (const [array, queue] of Map.groupBy(due, ({ published }) => published.at.address)) {
      const places = ATTEMPTS_PER_ARRAY_MAX - running.filter((each) => each === array).length;
      for (let place = 0; place < Math.min(places, queue.length); place++) {
        lanes.push(this.#drain(queue, nowMs + ROUND_MS, signal));
      }
    }
    await Promise.all(lanes);
  }

  /** One attempt after the other, until none is left or the round is over. */
  async #drain(queue: StageRecord[], endMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    while (clock.monotonicMs() < endMs && !signal.aborted) {
      const record = queue.shift();
      if (record === undefined) return;
      const { volumeId, published } = record;
      this.#attempts.set(volumeId, published.at.address);
      await this.#attempt(volumeId, signal);
      this.#attempts.delete(volumeId);
    }
  }

  /** Never rejects: what failed is remembered and tried again. */
  async #attempt(volumeId: VolumeId, signal: AbortSignal): Promise<void> {
    const { clock, reconnects, observe } = this.#context;
    try {
      const isOver = await within(clock, ATTEMPT_MS, signal, async (limited) => {
        await reconnect(this.#context, volumeId, limited);
        return true;
      });
      if (isOver) return;
      reconnects.failed(volumeId, "the array did not answer in time", clock.monotonicMs());
    } catch (error) {
      if (signal.aborted) return;
      const hasGivenWay = error instanceof StorageError && error.code === "busy";
      const reason = error instanceof Error ? error.message : String(error);
      // Who gave way waits like who failed, and knows no more about the array than before.
      const known = hasGivenWay ? reconnects.failureOf(volumeId) : undefined;
      reconnects.failed(volumeId, known ?? reason, clock.monotonicMs());
      if (!(error instanceof StorageError)) observe({ kind: "guard-failed", error });
    }
  }

  async #lookAtMachine(signal: AbortSignal): Promise<void> {
    if (this.#rounds++ % ROUNDS_BETWEEN_DANGERS === 0) {
      this.#dangers.see(await this.#context.host.dangers(signal));
    }
    const stuck = this.#stuckChildren();
    if (stuck.length === this.#stuckCount) return;
    this.#stuckCount = stuck.length;
    const children = stuck.map(({ what, subject, pid }) => `${what} of ${subject} (${pid})`);
    this.#context.observe({ kind: "children-stuck", count: stuck.length, children });
  }
}

function idsOf(records: readonly StageRecord[]): Set<VolumeId> {
  return new Set(records.map(({ volumeId }) => volumeId));
}

/** What the kernel does not do by itself: connect again, and look for a namespace again. */
function needsAttempt({ reason }: Extract<Health, { kind: "ill" }>): boolean {
  return reason === "no-connection" || reason === "cannot-connect" || reason === "no-namespace";
}
