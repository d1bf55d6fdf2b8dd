import assert from "node:assert/strict";
import { StorageError } from "../../../src/domain/errors.ts";
import {
  isReadOnlyUse,
  mountDifference,
  mountOptionsFor,
  needsFormat,
} from "../../../src/domain/stage.ts";
import { aBlock, aMount } from "../../builders/node.ts";

const WANTED = {
  fileSystem: "ext4",
  isCopy: false,
  isReadOnly: false,
  knownUuid: undefined,
} as const;
const UUID = "7e57ab1e-0000-4000-8000-000000000001";

Deno.test("needsFormat() says no for the wanted file system, also on a copy to be read only", () => {
  const content = { kind: "file-system", fileSystem: "ext4", uuid: UUID } as const;
  assert.equal(needsFormat("v", content, WANTED), false);
  assert.equal(needsFormat("v", content, { ...WANTED, isCopy: true, isReadOnly: true }), false);
});

for (const kind of ["blank", "half-formatted"] as const) {
  Deno.test(`needsFormat() says yes for a ${kind} device of an empty volume only`, () => {
    assert.equal(needsFormat("v", { kind }, WANTED), true);
    for (const wish of [{ ...WANTED, isCopy: true }, { ...WANTED, isReadOnly: true }]) {
      assert.throws(() => needsFormat("v", { kind }, wish), isNotReady);
    }
  });
}

Deno.test("needsFormat() refuses everything else, naming what is there", () => {
  const table = { kind: "other", what: "a partition table" } as const;
  assert.throws(() => needsFormat("v", table, WANTED), /a partition table/);
  const xfs = { kind: "file-system", fileSystem: "xfs", uuid: UUID } as const;
  assert.throws(() => needsFormat("v", xfs, WANTED), /holds xfs, and ext4/);
  assert.throws(() => needsFormat("v", xfs, WANTED), isNotReady);
});

Deno.test("needsFormat() formats nothing that had a file system, and takes no other for it", () => {
  const known = { ...WANTED, knownUuid: UUID };
  const content = { kind: "file-system", fileSystem: "ext4", uuid: UUID } as const;
  assert.equal(needsFormat("v", content, known), false);
  const other = { ...content, uuid: "7e57ab1e-0000-4000-8000-000000000002" };
  assert.throws(() => needsFormat("v", other, known), /0002, and was staged with .*0001/);
  for (const kind of ["blank", "half-formatted"] as const) {
    assert.throws(() => needsFormat("v", { kind }, known), /was staged with .* holds none now/);
  }
});

interface OptionsCase {
  readonly name: string;
  readonly flags?: readonly string[];
  readonly fileSystem?: "ext4" | "xfs";
  readonly isCopy?: boolean;
  readonly gives: readonly string[];
}

const OPTIONS: readonly OptionsCase[] = [
  { name: "drops ro and rw", flags: ["rw", "ro", "noatime"], gives: ["noatime"] },
  { name: "drops what is named twice", flags: ["noatime", "noatime"], gives: ["noatime"] },
  { name: "adds nouuid to an xfs copy", fileSystem: "xfs", isCopy: true, gives: ["nouuid"] },
  { name: "adds nothing to an xfs volume", fileSystem: "xfs", gives: [] },
  { name: "adds nothing to an ext4 copy", isCopy: true, gives: [] },
];
for (const { name, flags = [], fileSystem = "ext4", isCopy = false, gives } of OPTIONS) {
  Deno.test(`mountOptionsFor() ${name}`, () => {
    const access = { type: "mount", fileSystem, mountFlags: flags } as const;
    assert.deepEqual(mountOptionsFor(access, isCopy), gives);
  });
}

const MOUNT = { fileSystem: "ext4", options: ["noatime", "nodev"], isReadOnly: false };
const SAME = [
  { name: "order", options: ["nodev", "noatime"] },
  { name: "options a kernel adds", options: ["noatime", "nodev", "relatime", "stripe=4"] },
  { name: "options that no kernel shows", options: ["noatime", "nodev", "defaults", "nouuid"] },
];
for (const { name, options } of SAME) {
  Deno.test(`mountDifference() ignores ${name}`, () => {
    assert.equal(mountDifference({ ...MOUNT, options }, MOUNT), undefined);
    assert.equal(mountDifference(MOUNT, { ...MOUNT, options }), undefined);
  });
}

Deno.test("mountDifference() names the file system, the direction and the options that differ", () => {
  assert.match(mountDifference({ ...MOUNT, fileSystem: "xfs" }, MOUNT) ?? "", /as xfs/);
  assert.match(mountDifference({ ...MOUNT, isReadOnly: true }, MOUNT) ?? "", /read-only/);
  assert.match(mountDifference({ ...MOUNT, options: [] }, MOUNT) ?? "", /options "",.*noatime/);
  assert.match(mountDifference(MOUNT, { ...MOUNT, options: [] }) ?? "", /"noatime,nodev"/);
});

Deno.test("isReadOnlyUse() heeds the access mode and the mount flags", () => {
  assert.equal(isReadOnlyUse(aMount()), false);
  assert.equal(isReadOnlyUse(aMount("ext4", "SINGLE_NODE_WRITER", ["ro"])), true);
  assert.equal(isReadOnlyUse(aMount("ext4", "SINGLE_NODE_READER_ONLY")), true);
  assert.equal(isReadOnlyUse(aBlock("SINGLE_NODE_READER_ONLY")), true);
  assert.equal(isReadOnlyUse(aBlock()), false);
});

function isNotReady(error: unknown): boolean {
  return error instanceof StorageError && error.code === "not-ready";
}
