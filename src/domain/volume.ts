/** A volume, and what creating and publishing one needs. */
import { satisfies } from "./capacity.ts";
import type { CapacityRange } from "./capacity.ts";
import { StorageError } from "./errors.ts";
import { nodeNameOf } from "./node_id.ts";
import type { NodeId } from "./node_id.ts";
import type { Nqn } from "./nvme.ts";
import type { ReconnectChange } from "./reconnect_policy.ts";
import type { SnapshotId } from "./snapshot_id.ts";
import type { NameDigest, VolumeId } from "./volume_id.ts";

/** Where the bytes of a new volume come from. */
export type ContentSource =
  | { readonly kind: "volume"; readonly id: VolumeId }
  | { readonly kind: "snapshot"; readonly id: SnapshotId };

/** One node that may use a volume. */
export interface Publication {
  readonly node: NodeId;
  readonly isReadOnly: boolean;
  /** Whether the node tolerates a second node beside it. */
  readonly isShared: boolean;
}

/** A volume as it stands on its array. */
export interface Volume {
  readonly id: VolumeId;
  /** The digest of the name it was asked for by. */
  readonly nameDigest: NameDigest;
  readonly capacityBytes: number;
  /** What it was made from; undefined when it was made empty. */
  readonly source: ContentSource | undefined;
  readonly createdAtMs: number;
  readonly nqn: Nqn;
  /** The TCP port it is exported on. */
  readonly port: number;
  /** The nodes it is published to, in the order they came; at most {@link PUBLICATIONS_MAX}. */
  readonly publications: readonly Publication[];
  /** What was changed of its reconnect policy since it was made. */
  readonly reconnect: ReconnectChange;
  /**
   * How often what is recorded with it was changed. It never comes back to a value it had, so a
   * change that was sent long ago and arrives late finds another one and does nothing.
   */
  readonly revision: number;
  /** What is wrong with it on the array, in words; undefined when nothing is. */
  readonly problem: string | undefined;
}

/** What a volume store needs to make a volume. */
export interface NewVolume {
  readonly id: VolumeId;
  readonly nameDigest: NameDigest;
  /** The least it may hold, a whole number of MiB; a larger source makes a larger volume. */
  readonly capacityBytes: number;
  /** The most it may hold when its source makes it larger than that; 0 = no limit. */
  readonly limitBytes: number;
  readonly source: ContentSource | undefined;
  readonly createdAtMs: number;
  readonly reconnect: ReconnectChange;
  /** A directory on the array's pool; undefined = the array's default. */
  readonly basePath: string | undefined;
  /** A fixed TCP port, or one of its own from the array's range. */
  readonly port: number | "per-volume";
}

/** As many nodes as may have one volume at once: a live migration has two. */
export const PUBLICATIONS_MAX = 2;

/**
 * Checks that the volume that is there is the one that is asked for.
 * @throws {StorageError} `already-exists` naming the difference.
 */
export function checkSameVolume(
  existing: Volume,
  wanted: Pick<NewVolume, "nameDigest" | "source" | "port">,
  range: CapacityRange,
): void {
  const refuse = (what: string): never => {
    throw new StorageError("already-exists", `Cannot create volume "${existing.id}": ${what}`);
  };
  if (existing.nameDigest !== wanted.nameDigest) refuse("it belongs to another name");
  if (!satisfies(existing.capacityBytes, range)) {
    refuse(`it exists with ${existing.capacityBytes} bytes, which is outside the range asked for`);
  }
  // A port of its own may be any: volumes taken over keep theirs.
  if (wanted.port !== "per-volume" && existing.port !== wanted.port) {
    refuse(`it exists and is exported on port ${existing.port}`);
  }
  if (!isSameSource(existing.source, wanted.source)) {
    refuse(`it exists and was made from ${describeSource(existing.source)}`);
  }
}

/** Whether two content sources are the same, both absent included. */
export function isSameSource(
  left: ContentSource | undefined,
  right: ContentSource | undefined,
): boolean {
  return left?.kind === right?.kind && left?.id === right?.id;
}

/** A content source in words. */
export function describeSource(source: ContentSource | undefined): string {
  return source === undefined ? "nothing" : `${source.kind} "${source.id}"`;
}

/**
 * The publications of `volume` once it is also published as `wanted`, or undefined when it already
 * is.
 * @throws {StorageError} `in-use` naming the holder; `already-exists` when the same node has it in
 * another way.
 */
export function planPublish(volume: Volume, wanted: Publication): Publication[] | undefined {
  const mine = volume.publications.find(({ node }) => node === wanted.node);
  if (mine !== undefined) {
    if (mine.isReadOnly === wanted.isReadOnly && mine.isShared === wanted.isShared) {
      return undefined;
    }
    throw new StorageError(
      "already-exists",
      `Cannot publish volume "${volume.id}" ${describeUse(wanted)}: node ` +
        `"${nodeNameOf(wanted.node)}" has it ${describeUse(mine)}`,
    );
  }
  const blocker = volume.publications.find(({ isShared }) => !isShared || !wanted.isShared);
  if (blocker !== undefined || volume.publications.length >= PUBLICATIONS_MAX) {
    const holders = volume.publications.map(({ node }) => `"${nodeNameOf(node)}"`).join(" and ");
    throw new StorageError(
      "in-use",
      `Cannot publish volume "${volume.id}" to node "${nodeNameOf(wanted.node)}": ` +
        `it is published to ${holders}`,
    );
  }
  return [...volume.publications, wanted];
}

/**
 * The publications of `volume` without `node`, or without any when no node is named; undefined when
 * there is nothing to do.
 */
export function planUnpublish(volume: Volume, node: NodeId | undefined): Publication[] | undefined {
  const left = volume.publications.filter((held) => node !== undefined && held.node !== node);
  return left.length === volume.publications.length ? undefined : left;
}

function describeUse({ isReadOnly, isShared }: Publication): string {
  return `${isReadOnly ? "read-only" : "read-write"} for ${
    isShared ? "several nodes" : "one node"
  }`;
}
