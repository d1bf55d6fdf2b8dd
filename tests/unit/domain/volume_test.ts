/** The rules of volumes and snapshots that exist already. */
import assert from "node:assert/strict";
import { GIB } from "../../../src/domain/capacity.ts";
import { nqnOf } from "../../../src/domain/nvme.ts";
import { checkSameSnapshot } from "../../../src/domain/snapshot.ts";
import { snapshotIdOf } from "../../../src/domain/snapshot_id.ts";
import {
  checkSameVolume,
  isSameSource,
  planPublish,
  planUnpublish,
} from "../../../src/domain/volume.ts";
import type { ContentSource, Publication, Volume } from "../../../src/domain/volume.ts";
import { nameDigestOf, volumeIdForName } from "../../../src/domain/volume_id.ts";
import { aNodeId, aPublication } from "../../builders/stores.ts";

const V = volumeIdForName("v");
const OTHER = volumeIdForName("other");
const ANY = { requiredBytes: 0, limitBytes: 0 };
const OF_VOLUME: ContentSource = { kind: "volume", id: OTHER };
const OF_SNAPSHOT: ContentSource = { kind: "snapshot", id: snapshotIdOf(OTHER, 1_767_225_600) };
const [ONE, TWO, THREE] = [aNodeId("w-1", "1"), aNodeId("w-2", "2"), aNodeId("w-3", "3")];

function aVolume(differing: Partial<Volume> = {}): Volume {
  return {
    id: V,
    nameDigest: nameDigestOf("v"),
    capacityBytes: 2 * GIB,
    source: undefined,
    createdAtMs: 0,
    nqn: nqnOf(V),
    port: 44_200,
    publications: [],
    revision: 0,
    reconnect: {},
    problem: undefined,
    ...differing,
  };
}

Deno.test("checkSameVolume() takes a volume of the same name, source and a size in the range", () => {
  const wanted = { nameDigest: nameDigestOf("v"), source: OF_VOLUME, port: "per-volume" } as const;
  const existing = aVolume({ source: { ...OF_VOLUME } });
  for (
    const range of [ANY, { requiredBytes: GIB, limitBytes: 2 * GIB }, {
      requiredBytes: 2 * GIB,
      limitBytes: 0,
    }]
  ) checkSameVolume(existing, wanted, range);
});

Deno.test("checkSameVolume() refuses another name, size or source, naming what there is", () => {
  const wanted = { nameDigest: nameDigestOf("v"), source: undefined, port: "per-volume" } as const;
  const cases: [Volume, typeof ANY, RegExp][] = [
    [aVolume({ nameDigest: nameDigestOf("w") }), ANY, /another name/],
    [aVolume(), { requiredBytes: 2 * GIB + 1, limitBytes: 0 }, /2147483648 bytes/],
    [aVolume(), { requiredBytes: 0, limitBytes: 2 * GIB - 1 }, /2147483648 bytes/],
    [aVolume({ source: OF_SNAPSHOT }), ANY, /made from snapshot "snap-/],
  ];
  for (const [existing, range, message] of cases) {
    const check = (): void => checkSameVolume(existing, wanted, range);
    assert.throws(check, { code: "already-exists", message });
  }
});

Deno.test("checkSameVolume() refuses another fixed port, and takes any where none is fixed", () => {
  const wanted = { nameDigest: nameDigestOf("v"), source: undefined } as const;
  const existing = aVolume({ port: 44_300 });
  for (const port of ["per-volume", 44_300] as const) {
    checkSameVolume(existing, { ...wanted, port }, ANY);
  }
  assert.throws(() => checkSameVolume(existing, { ...wanted, port: 4420 }, ANY), {
    code: "already-exists",
    message: /is exported on port 44300/,
  });
});

Deno.test("isSameSource() tells kinds and ids apart", () => {
  assert.ok(isSameSource(undefined, undefined));
  assert.ok(isSameSource(OF_SNAPSHOT, { ...OF_SNAPSHOT }));
  assert.ok(!isSameSource(undefined, OF_VOLUME));
  assert.ok(!isSameSource(OF_VOLUME, OF_SNAPSHOT));
  assert.ok(!isSameSource(OF_VOLUME, { kind: "volume", id: V }));
});

const PUBLISH: { name: string; held: Publication[]; wanted: Publication; outcome: string }[] = [
  {
    name: "a volume nobody has",
    held: [],
    wanted: aPublication({ node: ONE }),
    outcome: "published",
  },
  {
    name: "a volume the node has in the same way",
    held: [aPublication({ node: ONE })],
    wanted: aPublication({ node: ONE }),
    outcome: "nothing to do",
  },
  {
    name: "a volume the node has read-only",
    held: [aPublication({ node: ONE, isReadOnly: true })],
    wanted: aPublication({ node: ONE }),
    outcome: "already-exists",
  },
  {
    name: "a volume another node has for itself",
    held: [aPublication({ node: ONE })],
    wanted: aPublication({ node: TWO, isShared: true }),
    outcome: "in-use",
  },
  {
    name: "a shared volume for one node alone",
    held: [aPublication({ node: ONE, isShared: true })],
    wanted: aPublication({ node: TWO }),
    outcome: "in-use",
  },
  {
    name: "a shared volume to a second node",
    held: [aPublication({ node: ONE, isShared: true })],
    wanted: aPublication({ node: TWO, isShared: true }),
    outcome: "published",
  },
  {
    name: "a shared volume to a third node",
    held: [ONE, TWO].map((node) => aPublication({ node, isShared: true })),
    wanted: aPublication({ node: THREE, isShared: true }),
    outcome: "in-use",
  },
];

for (const { name, held, wanted, outcome } of PUBLISH) {
  Deno.test(`planPublish() of ${name}: ${outcome}`, () => {
    const plan = (): Publication[] | undefined =>
      planPublish(aVolume({ publications: held }), wanted);
    if (outcome === "published") assert.deepEqual(plan(), [...held, wanted]);
    else if (outcome === "nothing to do") assert.equal(plan(), undefined);
    else assert.throws(plan, { code: outcome, message: /"w-1"/ });
  });
}

Deno.test("planUnpublish() takes one node away, or all, or says that nothing is to do", () => {
  const publications = [ONE, TWO].map((node) => aPublication({ node, isShared: true }));
  const volume = aVolume({ publications });
  assert.deepEqual(planUnpublish(volume, ONE), [publications[1]]);
  assert.deepEqual(planUnpublish(volume, undefined), []);
  assert.equal(planUnpublish(volume, THREE), undefined);
  assert.equal(planUnpublish(aVolume(), undefined), undefined);
});

Deno.test("checkSameSnapshot() refuses a name that belongs to another source", () => {
  const snapshot = {
    id: snapshotIdOf(V, 1_767_225_600),
    nameDigest: nameDigestOf("s"),
    sizeBytes: GIB,
    takenAtMs: 0,
  };
  checkSameSnapshot(snapshot, V);
  assert.throws(() => checkSameSnapshot(snapshot, OTHER), {
    code: "already-exists",
    message: /the name belongs to "snap-/,
  });
});
