/**
 * Which exports there are now and what is special about each. An export begins when the box boots
 * or when it is switched on; faults strike at that moment and last as long as that export. Pure.
 */
import type { ExportEntry } from "../box/export_list.ts";
import type { NamespaceIdentity } from "../box/records.ts";
import type { ExportFault } from "../faults.ts";
import { isObjectName, type WantedExport } from "./wanted_export.ts";

/** One export that goes on. */
interface Export {
  readonly entry: ExportEntry;
  /** The namespace's UUID when it is not the disk's own. */
  readonly otherUuid: string | undefined;
  readonly leastControllerId: number | undefined;
  /** Wall-clock milliseconds. */
  readonly linkAtMs: number;
  readonly enableAtMs: number;
}

/** What the schedule asks when an export begins. */
export interface ExportBeginning {
  readonly nowMs: () => number;
  /** The faults that strike the export of this slot, used up by asking. */
  readonly strike: (slot: string) => readonly ExportFault[];
  /** A new identity for the disk in this slot; the box remembers it. */
  readonly newIdentity: () => NamespaceIdentity;
}

/** What came of a new list of exports. */
export interface ScheduleChange {
  /** Disks whose identity is another from now on: the box has to be told. */
  readonly identities: ReadonlyMap<string, NamespaceIdentity>;
  /** What is in the list and cannot be exported, in words, by NQN. */
  readonly refused: ReadonlyMap<string, string>;
}

/** The exports of a box, by NQN. */
export class ExportSchedule {
  readonly #beginning: ExportBeginning;
  #exports = new Map<string, Export>();
  readonly #ended = new Set<string>();

  constructor(beginning: ExportBeginning) {
    this.#beginning = beginning;
  }

  /** Ends the exports that are not among `entries`; if they come back they begin anew. */
  end(entries: readonly ExportEntry[]): void {
    const names = new Set(entries.map(({ nqn }) => nqn));
    for (const nqn of this.#exports.keys()) {
      if (names.has(nqn)) continue;
      this.#exports.delete(nqn);
      this.#ended.add(nqn);
    }
  }

  /** Takes over what is exported now; what was there before and is the same goes on. */
  update(entries: readonly ExportEntry[]): ScheduleChange {
    const identities = new Map<string, NamespaceIdentity>();
    const refused = new Map<string, string>();
    const exports = new Map<string, Export>();
    for (const entry of entries) {
      const refusal = refusalOf(entry, exports);
      if (refusal !== undefined) refused.set(entry.nqn, refusal);
      else exports.set(entry.nqn, this.#exportOf(entry, entries, identities));
    }
    for (const [nqn, before] of this.#exports) {
      const now = exports.get(nqn);
      if (now === undefined || !isSameExport(before.entry, now.entry)) this.#ended.add(nqn);
    }
    this.#exports = exports;
    return { identities, refused };
  }

  /** What the kernel shall have at this moment. */
  wanted(): WantedExport[] {
    const nowMs = this.#beginning.nowMs();
    return [...this.#exports.values()].map(({ entry, otherUuid, leastControllerId, ...at }) => ({
      nqn: entry.nqn,
      port: entry.port,
      backingPath: entry.backingPath,
      offsetBytes: entry.offsetBytes,
      sizeBytes: entry.sizeBytes,
      namespaceUuid: otherUuid ?? entry.namespaceUuid,
      serial: entry.serial,
      allowedHosts: entry.allowedHosts,
      leastControllerId,
      isEnabled: nowMs >= at.enableAtMs,
      isLinked: nowMs >= at.linkAtMs,
    }));
  }

  /** The exports that ended since the last call, also those that began anew meanwhile. */
  takeEnded(): ReadonlySet<string> {
    const ended = new Set(this.#ended);
    this.#ended.clear();
    return ended;
  }

  /** When something is due next, in wall-clock milliseconds; undefined: nothing waits. */
  nextDueMs(): number | undefined {
    const nowMs = this.#beginning.nowMs();
    const due = [...this.#exports.values()].flatMap((one) => [one.linkAtMs, one.enableAtMs])
      .filter((atMs) => atMs > nowMs);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  #exportOf(
    entry: ExportEntry,
    entries: readonly ExportEntry[],
    identities: Map<string, NamespaceIdentity>,
  ): Export {
    const before = this.#exports.get(entry.nqn);
    if (before !== undefined && isSameExport(before.entry, entry)) return { ...before, entry };
    const faults = this.#beginning.strike(entry.slot);
    const identity = this.#identityOf(entry, faults);
    if (identity !== undefined) identities.set(entry.slot, identity);
    const nowMs = this.#beginning.nowMs();
    return {
      entry: { ...entry, ...identity },
      otherUuid: sameAs(faults, entries),
      leastControllerId: faultOf(faults, "new-controller")?.leastId,
      linkAtMs: nowMs + 1000 * (faultOf(faults, "late-export")?.seconds ?? 0),
      enableAtMs: nowMs + 1000 * (faultOf(faults, "late-namespace")?.seconds ?? 0),
    };
  }

  /** The identity that the disk gets by faults, or undefined when it keeps its own. */
  #identityOf(entry: ExportEntry, faults: readonly ExportFault[]): NamespaceIdentity | undefined {
    const hasNewUuid = faultOf(faults, "new-identity") !== undefined;
    const hasNewSerial = faultOf(faults, "new-controller") !== undefined;
    if (!hasNewUuid && !hasNewSerial) return undefined;
    const fresh = this.#beginning.newIdentity();
    return {
      namespaceUuid: hasNewUuid ? fresh.namespaceUuid : entry.namespaceUuid,
      serial: hasNewSerial ? fresh.serial : entry.serial,
    };
  }
}

/** Whether two entries are of one export, of which only size, port or allowed hosts changed. */
function isSameExport(a: ExportEntry, b: ExportEntry): boolean {
  return a.nqn === b.nqn && a.slot === b.slot && a.namespaceUuid === b.namespaceUuid &&
    a.serial === b.serial && a.offsetBytes === b.offsetBytes;
}

function refusalOf(entry: ExportEntry, others: ReadonlyMap<string, Export>): string | undefined {
  const other = others.get(entry.nqn)?.entry.slot;
  if (other !== undefined) {
    return `Cannot export disk "${entry.slot}": disk "${other}" has the NQN "${entry.nqn}"`;
  }
  const wrong = [entry.nqn, ...entry.allowedHosts].find((name) => !isObjectName(name));
  return wrong === undefined
    ? undefined
    : `Cannot export disk "${entry.slot}": "${wrong}" is no NQN that Linux takes`;
}

function faultOf<Kind extends ExportFault["kind"]>(
  faults: readonly ExportFault[],
  kind: Kind,
): Extract<ExportFault, { kind: Kind }> | undefined {
  return faults.find((fault): fault is Extract<ExportFault, { kind: Kind }> => fault.kind === kind);
}

/** The UUID of the disk that a fault makes this one a double of. */
function sameAs(
  faults: readonly ExportFault[],
  entries: readonly ExportEntry[],
): string | undefined {
  const fault = faultOf(faults, "same-identity");
  return entries.find(({ slot }) => slot === fault?.as)?.namespaceUuid;
}
