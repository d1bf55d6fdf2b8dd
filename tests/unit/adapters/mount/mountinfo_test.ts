import assert from "node:assert/strict";
import {
  mountsBelow,
  parseMountinfo,
  placeOf,
  topmostAt,
} from "../../../../src/adapters/mount/mountinfo.ts";
import { ESCAPED, RECEIVING, SHARED_TWICE } from "../../../fixtures/mountinfo.ts";

const KUBELET = "/var/lib/kubelet";

Deno.test("every field of a line is read, whatever optional ones there are", () => {
  const [, , entry] = parseMountinfo(RECEIVING);
  assert.deepEqual(entry, {
    id: 213,
    parentId: 211,
    number: "7:43",
    root: "/",
    path: `${KUBELET}/plugins/staging-x`,
    isDeleted: false,
    mountOptions: ["rw", "noatime"],
    fileSystem: "xfs",
    source: "/dev/loop43",
    superOptions: ["rw", "nouuid", "inode64", "logbufs=8", "logbsize=32k", "noquota"],
  });
  for (const optional of ["", "shared:1 ", "shared:1 master:2 propagate_from:3 ", "unbindable "]) {
    const [found] = parseMountinfo(`1 0 8:1 / /a rw ${optional}- ext4 /dev/a rw\n`);
    assert.deepEqual([found?.fileSystem, found?.source], ["ext4", "/dev/a"], optional);
  }
});

Deno.test("white space and backslashes in names are read as they are", () => {
  const paths = parseMountinfo(ESCAPED).map(({ path }) => path);
  assert.deepEqual(paths, ["/", "/tmp/sp ace/tab\tx", "/tmp/back\\slash\nnewline", "/tmp/d2"]);
});

Deno.test("an empty source is one, and moves no other field", () => {
  const entry = topmostAt(parseMountinfo(SHARED_TWICE), `${KUBELET}/src`);
  assert.deepEqual([entry?.source, entry?.superOptions], ["", ["rw"]]);
});

Deno.test("a removed mount point is known as removed and found at no path", () => {
  const text = "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /gone//deleted rw - ext4 b rw\n";
  const [, entry] = parseMountinfo(text);
  assert.equal(entry?.isDeleted, true);
  assert.equal(entry.path, "/gone");
  assert.equal(topmostAt(parseMountinfo(text), "/gone"), undefined);
  assert.deepEqual(mountsBelow(parseMountinfo(text), "/"), []);
});

Deno.test("lines that are no mounts are left out", () => {
  assert.deepEqual(parseMountinfo("\nnonsense\n1 2 3\n1 0 x / /a rw - ext4 a rw\n"), []);
});

Deno.test("of the mounts at a path the one that the path leads to is taken", () => {
  const entries = parseMountinfo(SHARED_TWICE);
  const at = (name: string): number | undefined => topmostAt(entries, `${KUBELET}/${name}`)?.id;
  // The read-only bind, not its writable repetition below the kubelet's own mount.
  assert.equal(at("pods/ro"), 139);
  assert.equal(at("pods/with space"), 134);
  assert.equal(at("pods/stack"), 145);
  assert.equal(at("plugins/staging-x"), 148);
  assert.equal(at("pods/no"), undefined);
  assert.equal(at("pods/gone"), 155);
  assert.equal(topmostAt(entries, KUBELET)?.id, 129);
  assert.equal(topmostAt(entries, "/")?.id, 76);
});

Deno.test("a mount under one that covers a directory above is not at its path", () => {
  const below = "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /a/b rw - ext4 b rw\n";
  assert.equal(topmostAt(parseMountinfo(below), "/a/b")?.id, 2);
  const covered = `${below}3 1 8:3 / /a rw - ext4 c rw\n`;
  assert.equal(topmostAt(parseMountinfo(covered), "/a/b"), undefined);
  assert.equal(topmostAt(parseMountinfo(`${covered}4 3 8:4 / /a/b rw - ext4 d rw`), "/a/b")?.id, 4);
});

Deno.test("a path is not taken for one that only begins like it", () => {
  const entries = parseMountinfo("1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /ab rw - ext4 b rw\n");
  assert.equal(topmostAt(entries, "/a"), undefined);
  assert.deepEqual(mountsBelow(entries, "/a"), []);
});

Deno.test("repetitions of a mount have one place, other mounts another", () => {
  const entries = parseMountinfo(SHARED_TWICE);
  const placesAt = (name: string): string[] =>
    entries.filter(({ path }) => path === `${KUBELET}/${name}`)
      .map((entry) => placeOf(entry, entries));
  const [first, second] = placesAt("plugins/staging-e");
  assert.equal(first, second);
  assert.notEqual(first, placesAt("pods/with space")[0]);
});
