import assert from "node:assert/strict";
import { verdictOf } from "../../../../src/adapters/mount/checking.ts";
import { extFeaturesOf, makeCommand, xfsArgumentsOf } from "../../../../src/adapters/mount/mkfs.ts";
import {
  isClosed,
  isDeviceFailure,
  isVagueRefusal,
  mountRefusal,
  toolWords,
  unmountFailure,
} from "../../../../src/adapters/mount/mount_failures.ts";
import { parseNote } from "../../../../src/adapters/mount/records.ts";
import type { ProgramEnd } from "../../../../src/ports/programs.ts";

const UUID = "00112233-4455-6677-8899-aabbccddeeff";
const REQUEST = { uuid: UUID, devicePath: "/dev/nvme0n1", options: [], isForced: false } as const;
const KNOWN = { extLeftOut: ["orphan_file"], xfsLeftOut: ["-i", "nrext64=0"] };

function end(code: number, stderr: string, stdout = ""): ProgramEnd {
  return { code, stdout, stderr };
}

Deno.test("file systems are made without discards, with a UUID of ours, the device last", () => {
  for (const fileSystem of ["ext4", "ext3", "xfs", "btrfs"] as const) {
    const { program, args } = makeCommand({ ...REQUEST, fileSystem }, KNOWN);
    assert.equal(program, `mkfs.${fileSystem}`);
    assert.equal(args.at(-1), "/dev/nvme0n1");
    assert(args.some((argument) => argument.includes(UUID)));
    assert(args.includes("nodiscard") || args.includes("-K"));
    assert(!args.includes("-f") && !args.includes("-F"), "forced over nothing");
    const forced = makeCommand({ ...REQUEST, fileSystem, isForced: true }, KNOWN).args;
    assert(forced.includes("-f") || forced.includes("-F"));
  }
});

Deno.test("features that are asked for are added to those left out, and come last", () => {
  const options = ["-m 1", "-O ^huge_file", "-O quota"];
  const { args } = makeCommand({ ...REQUEST, options, fileSystem: "ext4" }, KNOWN);
  assert.deepEqual(args.filter((argument) => argument === "-O").length, 1);
  assert.equal(args[args.indexOf("-O") + 1], "^orphan_file,^huge_file,quota");
  assert.equal(args[args.indexOf("-m") + 1], "1");
  const ext3 = makeCommand({ ...REQUEST, fileSystem: "ext3" }, KNOWN).args;
  assert(!ext3.includes("-O"));
});

Deno.test("only features that the tool knows are left out", () => {
  assert.deepEqual(extFeaturesOf("mke2fs 1.47.0 (5-Feb-2023)"), [
    "metadata_csum_seed",
    "orphan_file",
  ]);
  assert.deepEqual(extFeaturesOf("mke2fs 1.46.6 (1-Feb-2023)"), ["metadata_csum_seed"]);
  assert.deepEqual(extFeaturesOf("mke2fs 1.42.13"), []);
  assert.deepEqual(extFeaturesOf("no version"), []);
  const usage = "[-i perblock=n|size=num,sparse=0|1,nrext64=0|1]\n[-n size=num,ftype=0|1]";
  assert.deepEqual(xfsArgumentsOf(usage), ["-i", "nrext64=0"]);
  assert.deepEqual(
    xfsArgumentsOf("[-i nrext64=0|1,exchange=0|1]\n[-n ftype=0|1,parent=0|1]"),
    ["-i", "nrext64=0", "-i", "exchange=0", "-n", "parent=0"],
  );
  assert.deepEqual(xfsArgumentsOf("[-i size=num]"), []);
});

Deno.test("the end of e2fsck is read by its bits, and by its words where they say more", () => {
  const cases: [ProgramEnd, string][] = [
    [end(0, ""), "sound"],
    [end(1, ""), "sound"],
    [end(2, ""), "sound"],
    [end(3, ""), "sound"],
    [end(4, "", "/dev/a: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY."), "needs-person"],
    [end(12, "", "Root inode is not a directory.  Clear? no"), "needs-person"],
    [end(4, "", "Error reading block 114689 (Invalid argument)."), "unreadable"],
    [end(8, "e2fsck: Input/output error while trying to open /dev/a"), "unreadable"],
    [end(8, "/dev/a is mounted.\ne2fsck: Cannot continue, aborting."), "in-use"],
    [end(8, "e2fsck: Device or resource busy while trying to open /dev/a"), "in-use"],
    [end(8, "e2fsck: Superblock checksum does not match superblock"), "needs-person"],
    [end(8, "e2fsck: Bad magic number in super-block while trying to open /dev/a"), "needs-person"],
    [end(8, "e2fsck: memory allocation failed"), "failed"],
    [end(137, ""), "failed"],
  ];
  for (const [given, verdict] of cases) {
    assert.equal(verdictOf(given), verdict, `${given.code} ${given.stderr}${given.stdout}`);
  }
});

Deno.test("a refused mount is said in the tool's words, with what they are likely to mean", () => {
  const vague = end(
    32,
    "mount: /mnt: wrong fs type, bad option, bad superblock on /dev/loop0, missing codepage or " +
      "helper program, or other error.\n       dmesg(1) may have more information after failed " +
      "mount system call.\n",
  );
  assert(isVagueRefusal(vague));
  const words = mountRefusal(vague, "ext4");
  assert.match(
    words,
    /^wrong fs type.*other error: the kernel does not know a mount/,
  );
  assert.doesNotMatch(words, /dmesg/);
  const cleaning = end(32, "mount: /mnt: mount(2) system call failed: Structure needs cleaning.");
  assert(!isVagueRefusal(cleaning));
  assert.match(mountRefusal(cleaning, "xfs"), /damaged; .* xfs_repair -n/);
  assert.doesNotMatch(mountRefusal(cleaning, "ext4"), /xfs/);
  assert.match(
    mountRefusal(end(32, "unknown filesystem type 'btrfs'."), "btrfs"),
    /modprobe btrfs/,
  );
  assert.equal(mountRefusal(end(32, "something new"), "ext4"), "something new");
});

Deno.test("a failed unmount is busy, not mounted, or something else", () => {
  assert.equal(unmountFailure(end(32, "umount: /a: target is busy.")), "busy");
  assert.equal(unmountFailure(end(32, "umount: /a: not mounted.")), "not-mounted");
  assert.equal(unmountFailure(end(32, "umount: /a: no mount point specified.")), "not-mounted");
  assert.equal(unmountFailure(end(32, "umount: /a: must be superuser to unmount.")), "other");
});

Deno.test("a tool's words are few, and never none", () => {
  assert.equal(toolWords(end(7, "", "")), "status 7");
  assert.equal(toolWords(end(1, " \n", "said on the other side\n")), "said on the other side");
  assert.equal(toolWords(end(1, "one.\ntwo.\n")), "one.; two");
  assert.equal(
    toolWords(end(1, "unknown option -m 5\nUsage: mkfs.xfs\n[-b size]\n")),
    "unknown option -m 5",
  );
  assert.equal(toolWords(end(32, "umount: /a b: target is busy.\n")), "target is busy");
  assert(toolWords(end(1, "x".repeat(10_000))).length <= 400);
});

Deno.test("a note is read back, and what is none of this version is not guessed at", () => {
  const note = { key: "k", bootId: "b", number: "7:1", sequence: "3" };
  assert.deepEqual(parseNote(JSON.stringify({ version: 1, ...note })), note);
  assert.deepEqual(parseNote(JSON.stringify({ version: 1, ...note, uuid: UUID })), {
    ...note,
    uuid: UUID,
  });
  for (const text of ["", "null", "{", "[]", JSON.stringify({ version: 2, ...note }), "{}"]) {
    assert.equal(parseNote(text), undefined, text);
  }
});

Deno.test("a tool that could not read or write the device says nothing about what is on it", () => {
  for (
    const words of [
      "mount: /mnt: can't read superblock on /dev/nvme1n1.",
      "mkfs.xfs: pwrite failed: Input/output error",
      "mke2fs: Attempt to write block to filesystem resulted in short write",
      "mount: /mnt: fsconfig system call failed: No such device or address.",
    ]
  ) {
    assert.ok(isDeviceFailure(end(32, words)), words);
  }
  const damaged = "mount: /mnt: mount(2) system call failed: Structure needs cleaning.";
  assert.ok(!isDeviceFailure(end(32, damaged)));
});

Deno.test("a path that sync cannot open is told from data that cannot be written", () => {
  assert.ok(isClosed(end(1, "sync: error opening '/mnt': Input/output error")));
  assert.ok(!isClosed(end(1, "sync: error syncing '/mnt': Input/output error")));
  assert.ok(!isClosed(end(1, "sync: error opening '/mnt': No such file or directory")));
});
