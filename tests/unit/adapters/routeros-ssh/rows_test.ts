/** Rows of the box: what is absent is undefined, what is damaged is an error. */
import assert from "node:assert/strict";
import { formatVolumeRecord } from "../../../../src/adapters/routeros-ssh/record.ts";
import { booleanOf, numberOf, parseRows } from "../../../../src/adapters/routeros-ssh/rows.ts";
import type { DiskRow } from "../../../../src/adapters/routeros-ssh/rows.ts";
import { isOurs, volumeOf } from "../../../../src/adapters/routeros-ssh/volume_rows.ts";
import { GIB } from "../../../../src/domain/capacity.ts";
import { StorageError } from "../../../../src/domain/errors.ts";
import { nqnOf } from "../../../../src/domain/nvme.ts";
import { slotAliasOf } from "../../../../src/domain/slot.ts";
import { aNewVolume } from "../../../builders/stores.ts";

const WANTED = aNewVolume("v");
const RECORD = { ...WANTED, revision: 0, publications: [], unknown: [], state: "ready" } as const;
const ROW: DiskRow = {
  ref: "*2B",
  slot: WANTED.id,
  kind: "file",
  path: `/storage-pool/k8s/${WANTED.id}.img`,
  sizeBytes: GIB,
  comment: formatVolumeRecord("c1", RECORD),
  isExported: true,
  port: 20_001,
  nqn: nqnOf(WANTED.id),
  isMounting: false,
  isDisabled: false,
};

Deno.test("a row is read with exact types; null, empty and absent are undefined", () => {
  const line = '{"id":"*2B","slot":"s","kind":"file","path":"/p/x.img","size":16003143565312,' +
    '"note":null,"export":true,"port":"4420","nqn":"","mount":false,"off":true}';
  assert.deepEqual(parseRows(["noise", line, '{"left":1}']), [{
    ...{ ref: "*2B", slot: "s", kind: "file", path: "/p/x.img", sizeBytes: 16_003_143_565_312 },
    ...{ comment: undefined, isExported: true, port: 4420, nqn: undefined },
    ...{ isMounting: false, isDisabled: true },
  }]);
});

Deno.test("numbers are whole and exact, or nothing", () => {
  assert.equal(numberOf("42"), 42);
  for (const value of ["1.0GiB", "1 073", "", "-1", 1.5, 2 ** 53, null, true, "0x10"]) {
    assert.equal(numberOf(value), undefined);
  }
  assert.deepEqual([true, "yes", "true", false, "no", "", null].map(booleanOf), [
    ...[true, true, true, false, false, undefined, undefined],
  ]);
});

Deno.test("volumeOf() reads a volume under its id and under its alias, slash or not", () => {
  const volume = volumeOf(ROW, "c1");
  assert.equal(volume?.id, WANTED.id);
  assert.equal(volume?.capacityBytes, GIB);
  assert.equal(volume?.problem, undefined);
  const other = { ...ROW, slot: slotAliasOf(WANTED.id), path: ROW.path?.slice(1) };
  assert.deepEqual(volumeOf(other, "c1"), volume);
});

Deno.test("volumeOf() says what is wrong with a volume on the box", () => {
  const problems: readonly (readonly [Partial<DiskRow>, RegExp])[] = [
    [{ isExported: false }, /not exported/],
    [{ isExported: undefined }, /not exported/],
    [{ nqn: "nqn.2000-02.com.mikrotik:other" }, /another NQN/],
    [{ port: undefined }, /no port/],
    [{ isMounting: true }, /mounts/],
    [{ isDisabled: true }, /disabled/],
    [{ isMounting: undefined }, /mounts/],
  ];
  for (const [change, problem] of problems) {
    assert.match(volumeOf({ ...ROW, ...change }, "c1")?.problem ?? "", problem);
  }
});

Deno.test("volumeOf() fails closed when something that must be there is missing", () => {
  const damages: readonly Partial<DiskRow>[] = [
    ...[{ slot: undefined }, { slot: "other" }, { kind: undefined }, { kind: "raid" }],
    ...[{ path: undefined }, { path: "/storage-pool/k8s/other.img" }, { sizeBytes: undefined }],
    ...[{ sizeBytes: 0 }, { comment: undefined }, { comment: `${ROW.comment};x` }],
  ];
  for (const damage of damages) {
    assert.throws(
      () => volumeOf({ ...ROW, ...damage }, "c1"),
      (error) => error instanceof StorageError && error.code === "not-ready",
      JSON.stringify(damage),
    );
  }
});

Deno.test("half-made and half-removed volumes are none", () => {
  for (const state of ["creating", "deleting"] as const) {
    const comment = formatVolumeRecord("c1", { ...RECORD, state });
    assert.equal(volumeOf({ ...ROW, comment }, "c1"), undefined);
  }
});

Deno.test("isOurs() asks for kind and cluster, exactly", () => {
  assert.ok(isOurs(ROW, "v", "c1"));
  assert.ok(!isOurs(ROW, "s", "c1"));
  assert.ok(!isOurs(ROW, "v", "c"));
  assert.ok(!isOurs(ROW, "v", "c12"));
  assert.ok(!isOurs({ ...ROW, comment: undefined }, "v", "c1"));
});
