import assert from "node:assert/strict";
import { Capacity, cutLayers } from "../../../../src/simulator/box/capacity.ts";
import { isWithin, storedName } from "../../../../src/simulator/box/names.ts";
import { detectFileSystem } from "../../../../src/simulator/box/signatures.ts";
import { parseSizeBytes } from "../../../../src/simulator/box/sizes.ts";
import { isAtLeast } from "../../../../src/simulator/box/versions.ts";

Deno.test("storedName() drops slashes at the ends and refuses what could leave the box", () => {
  const cases: [string, string | undefined][] = [
    ["/storage-pool/a.img", "storage-pool/a.img"],
    ["storage-pool/a.img", "storage-pool/a.img"],
    ["dir/", "dir"],
    ["..", undefined],
    ["storage-pool/../../etc/passwd", undefined],
    ["a/./b", undefined],
    ["a//b", undefined],
    ["", undefined],
    ["/", undefined],
    ["a\0b", undefined],
    ["a\nb", undefined],
    ["x".repeat(256), undefined],
  ];
  for (const [typed, stored] of cases) assert.equal(storedName(typed), stored, typed);
});

Deno.test("isWithin() does not take a longer name for a path below", () => {
  assert.equal(isWithin("pool/a/b", "pool/a"), true);
  assert.equal(isWithin("pool/a", "pool/a"), true);
  assert.equal(isWithin("pool/a-evil/b", "pool/a"), false);
});

Deno.test("parseSizeBytes() reads raw bytes and binary suffixes", () => {
  const cases: [string, number | undefined][] = [
    ["1073741824", 1073741824],
    ["1G", 1073741824],
    ["50g", 53687091200],
    ["1T", 1099511627776],
    ["10GiB", 10737418240],
    ["1.5K", 1536],
    ["", undefined],
    ["G", undefined],
    ["-1", undefined],
    ["1 000", undefined],
    ["99999999P", undefined],
  ];
  for (const [typed, bytes] of cases) assert.equal(parseSizeBytes(typed), bytes, typed);
});

Deno.test("isAtLeast() compares versions by number, not by text", () => {
  assert.equal(isAtLeast("7.9", "7.21"), false);
  assert.equal(isAtLeast("7.21", "7.21"), true);
  assert.equal(isAtLeast("7.24.4", "7.24"), true);
  assert.equal(isAtLeast("7.20.8", "7.21"), false);
});

Deno.test("detectFileSystem() knows the marks of ext4, XFS and Btrfs, and zeros as nothing", () => {
  const disk = (offset: number, mark: string) => (at: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(0x20000);
    bytes.set(new TextEncoder().encode(mark), offset);
    if (mark === "ext") bytes.set([0x53, 0xef], 1080);
    return bytes.subarray(at, at + length);
  };
  assert.equal(detectFileSystem(disk(0, "")), undefined);
  assert.equal(detectFileSystem(disk(0, "ext")), "ext4");
  assert.equal(detectFileSystem(disk(0, "XFSB")), "xfs");
  assert.equal(detectFileSystem(disk(0x10040, "_BHRfS_M")), "btrfs");
  assert.equal(detectFileSystem(() => new Uint8Array(0)), undefined);
});

Deno.test("capacity counts a shared layer once, until its last file is gone", () => {
  const capacity = new Capacity();
  const layers = [capacity.layer(100)];
  capacity.retain("pool", layers);
  capacity.retain("pool", [...layers, capacity.layer(7)]);
  assert.equal(capacity.usedBytes("pool"), 107);
  capacity.release("pool", layers);
  assert.equal(capacity.usedBytes("pool"), 107);
});

Deno.test("cutLayers() keeps whole layers shared and replaces the one that is cut", () => {
  const own = (bytes: number): { id: number; bytes: number } => ({ id: 9, bytes });
  const layers = [{ id: 1, bytes: 100 }, { id: 2, bytes: 50 }];
  assert.deepEqual(cutLayers(layers, 100, own), [{ id: 1, bytes: 100 }]);
  assert.deepEqual(cutLayers(layers, 120, own), [{ id: 1, bytes: 100 }, { id: 9, bytes: 20 }]);
  assert.deepEqual(cutLayers(layers, 0, own), []);
});
