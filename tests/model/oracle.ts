/**
 * What must exist after a sequence of calls, kept as simply as can be and apart from the driver's
 * own rules: maps of names, and arithmetic on sizes.
 */
import { volumeIdForName } from "../../src/domain/volume_id.ts";
import { SNAPSHOT_NAMES, VOLUME_NAMES } from "./steps.ts";

/** One node that has a volume. */
export interface ExpectedPublication {
  readonly node: string;
  readonly isReadOnly: boolean;
  readonly isShared: boolean;
}

/** A volume that must exist. */
export interface ExpectedVolume {
  readonly id: string;
  sizeBytes: number;
  /** As `volume:<id>` or `snapshot:<id>`; undefined when it was made empty. */
  readonly source: string | undefined;
  /** What was written into it last, or into what it was copied from. */
  content: string;
  /** What CreateVolume answered with. */
  readonly context: Readonly<Record<string, string>>;
  /** What the class, and what later changes, say about reconnecting. */
  readonly ofClass: Readonly<Record<string, string>>;
  changed: Readonly<Record<string, string>>;
  publications: readonly ExpectedPublication[];
  /** Undefined until it was published first; then the same for ever. */
  port: string | undefined;
}

/** A snapshot that must exist. */
export interface ExpectedSnapshot {
  readonly id: string;
  readonly sourceId: string;
  readonly sizeBytes: number;
  readonly content: string;
  readonly takenAtMs: number;
}

/** How the array copies. */
export type Copies = "cow" | "full" | "refused";

/** All that must exist. */
export class Oracle {
  readonly copies: Copies;
  /** By the place of their name. */
  readonly volumes: Map<number, ExpectedVolume> = new Map();
  readonly snapshots: Map<number, ExpectedSnapshot> = new Map();
  isFull = false;
  /** The ids of what stands half-made or half-removed, and is nothing until it is made anew. */
  readonly halfDone: Set<string> = new Set();
  #writes = 0;

  constructor(copies: Copies) {
    this.copies = copies;
  }

  /** The id of the volume called so, whether there is one or not. */
  volumeId(name: number): string {
    return volumeIdForName(VOLUME_NAMES[name] ?? "");
  }

  /** The id of the snapshot called so; where there is none, one that nothing has. */
  snapshotId(name: number): string {
    return this.snapshots.get(name)?.id ?? strangeSnapshotId(name);
  }

  volumeById(id: string): ExpectedVolume | undefined {
    return [...this.volumes.values()].find((volume) => volume.id === id);
  }

  /** A content that nothing had before. */
  nextContent(): string {
    return `content ${++this.#writes}`;
  }
}

/** The id of a snapshot that nobody took. */
export function strangeSnapshotId(name: number): string {
  return `snap-90000000-0000-4000-8000-00000000000${name % SNAPSHOT_NAMES.length}-at-1700000000`;
}

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const LARGEST_BYTES = 16 * 1024 ** 4;

/** The size a volume gets, or why there is none. */
export function sizeFor(
  range: { readonly requiredBytes: number; readonly limitBytes: number },
  contentBytes: number,
): number | "INVALID_ARGUMENT" | "OUT_OF_RANGE" {
  const { requiredBytes, limitBytes } = range;
  if (limitBytes > 0 && requiredBytes > limitBytes) return "INVALID_ARGUMENT";
  const bytes = Math.ceil(Math.max(requiredBytes, contentBytes, GIB) / MIB) * MIB;
  if (bytes > LARGEST_BYTES) return "OUT_OF_RANGE";
  return limitBytes > 0 && bytes > limitBytes ? "OUT_OF_RANGE" : bytes;
}

const DEFAULT_POLICY = { ctrlLossTmo: "-1", reconnectDelay: "5", keepAliveTmo: "10" };

/** Whether these parameters about reconnecting fit each other. */
export function isPolicy(...parts: readonly Readonly<Record<string, string>>[]): boolean {
  const policy: typeof DEFAULT_POLICY = Object.assign({}, DEFAULT_POLICY, ...parts);
  return policy.ctrlLossTmo === "-1" ||
    Number(policy.ctrlLossTmo) >= 2 * Number(policy.reconnectDelay);
}

/** What a node must be told about reconnecting: the later word counts, if the two fit. */
export function policyOf(
  { ofClass, changed }: Pick<ExpectedVolume, "ofClass" | "changed">,
): Record<string, string> {
  return isPolicy(ofClass, changed)
    ? { ...DEFAULT_POLICY, ...ofClass, ...changed }
    : { ...DEFAULT_POLICY, ...changed };
}
