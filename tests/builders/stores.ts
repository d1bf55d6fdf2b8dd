/** Ids and requests for tests of stores, with what does not matter filled in. */
import { GIB } from "../../src/domain/capacity.ts";
import { nodeIdOf } from "../../src/domain/node_id.ts";
import type { NodeId } from "../../src/domain/node_id.ts";
import type { NewSnapshot } from "../../src/domain/snapshot.ts";
import type { NewVolume, Publication } from "../../src/domain/volume.ts";
import { nameDigestOf, volumeIdForName } from "../../src/domain/volume_id.ts";
import { START_MS } from "../fakes/manual_clock.ts";

/** A volume of 1 GiB, empty, called `name`. */
export function aNewVolume(name: string, differing: Partial<NewVolume> = {}): NewVolume {
  return {
    id: volumeIdForName(name),
    nameDigest: nameDigestOf(name),
    capacityBytes: GIB,
    limitBytes: 0,
    source: undefined,
    createdAtMs: START_MS,
    reconnect: {},
    basePath: undefined,
    port: "per-volume",
    ...differing,
  };
}

/** A snapshot called `name` of the volume called `volumeName`. */
export function aNewSnapshot(
  name: string,
  volumeName: string,
  differing: Partial<NewSnapshot> = {},
): NewSnapshot {
  return {
    nameDigest: nameDigestOf(name),
    source: volumeIdForName(volumeName),
    takenAtMs: START_MS,
    ...differing,
  };
}

/** The id of the node called `name`; `digit` makes its host id. */
export function aNodeId(name: string, digit = "1"): NodeId {
  return nodeIdOf(name, `00000000-0000-4000-8000-${digit.repeat(12)}`);
}

/** A publication to one node, read-write. */
export function aPublication(differing: Partial<Publication> = {}): Publication {
  return { node: aNodeId("worker-1"), isReadOnly: false, isShared: false, ...differing };
}
