import assert from "node:assert/strict";
import { probeWindows } from "../../../../src/adapters/mount/probe_windows.ts";
import { readWindows, recognise } from "../../../../src/adapters/mount/recognise.ts";
import type { Finding } from "../../../../src/adapters/mount/recognise.ts";
import type { WindowContent } from "../../../../src/ports/kernel_calls.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const UUID = "00112233-4455-6677-8899-aabbccddeeff";
const UUID_BYTES = UUID.replaceAll("-", "").match(/../g)?.map((pair) => parseInt(pair, 16)) ?? [];

/** What is found on a device of that size with these bytes on it and zeros elsewhere. */
function found(
  pieces: readonly (readonly [at: number, bytes: readonly number[]])[],
  size = GIB,
): Finding {
  const windows = probeWindows(size);
  const contents = windows.map(({ offset, length, want }): WindowContent => {
    const bytes = new Uint8Array(length);
    for (const [at, piece] of pieces) {
      piece.forEach((byte, index) => {
        const place = at + index - offset;
        if (place >= 0 && place < length) bytes[place] = byte;
      });
    }
    const isZero = bytes.every((byte) => byte === 0);
    return want === "bytes" && !isZero ? { isZero, base64: bytes.toBase64() } : { isZero };
  });
  const finding = recognise(readWindows(windows, contents), size);
  // What the beginning alone says of a whole file system, all windows say.
  const front = recognise(readWindows(windows.slice(0, 1), contents.slice(0, 1)), size);
  if (front.kind === "file-system") assert.deepEqual(front, finding);
  return finding;
}

function codes(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}

/** A superblock of ext: magic, and the words of its features. */
function ext(compat: number, incompat: number, readOnly: number, at = 1024): [number, number[]][] {
  return [
    [at + 4, [0, 0, 4, 0]],
    [at + 24, [2]],
    [at + 56, [0x53, 0xef]],
    [at + 92, [compat & 255, compat >> 8]],
    [at + 96, [incompat & 255, incompat >> 8]],
    [at + 100, [readOnly & 255, readOnly >> 8]],
    [at + 104, UUID_BYTES],
  ];
}

function xfs(inProgress: number, at = 0): [number, number[]][] {
  return [
    [at, codes("XFSB")],
    [at + 4, [0, 0, 16, 0]],
    [at + 8, [0, 0, 0, 0, 0, 4, 0, 0]],
    [at + 32, UUID_BYTES],
    [at + 126, [inProgress]],
  ];
}

function btrfs(magic: string, devices: number): [number, number[]][] {
  return [
    [65_536 + 32, UUID_BYTES],
    [65_536 + 64, codes(magic)],
    [65_536 + 112, [0, 0, 0, 64]],
    [65_536 + 136, [devices]],
  ];
}

Deno.test("zeros in every place that is looked at are blank", () => {
  assert.deepEqual(found([]), { kind: "blank" });
  assert.deepEqual(found([], MIB), { kind: "blank" });
  assert.deepEqual(found([], 2 ** 44), { kind: "blank" });
});

Deno.test("file systems are told apart, with UUID and size", () => {
  const fileSystem = (kind: string, needsReplay = false): object => ({
    kind: "file-system",
    fileSystem: kind,
    uuid: UUID,
    sizeBytes: GIB,
    needsReplay,
  });
  assert.deepEqual(found(ext(0x3c, 0x2c2, 0x46b)), fileSystem("ext4"));
  assert.deepEqual(found(ext(0x3c, 0x2c6, 0x46b)), fileSystem("ext4", true));
  assert.deepEqual(found(ext(0x3c, 0x2, 0x3)), fileSystem("ext3"));
  assert.deepEqual(found(ext(0x3c, 0x6, 0x3)), fileSystem("ext3", true));
  // Without a journal, and with extents, it is ext4 all the same.
  assert.deepEqual(found(ext(0x38, 0x2c2, 0x46b)), fileSystem("ext4"));
  assert.deepEqual(found(xfs(0)), fileSystem("xfs"));
  assert.deepEqual(found(btrfs("_BHRfS_M", 1)), fileSystem("btrfs"));
});

Deno.test("what is like a file system of ours and none is other, with words", () => {
  const what = (pieces: [number, number[]][]): string => {
    const finding = found(pieces);
    assert.equal(finding.kind, "other");
    return "what" in finding ? finding.what : "";
  };
  assert.equal(what(ext(0x38, 0x2, 0x3)), "an ext2 file system");
  assert.equal(what(ext(0, 0x8, 0)), "a journal of an ext file system");
  assert.equal(what(btrfs("_BHRfS_M", 2)), "a part of a btrfs of several devices");
  assert.equal(
    what([...xfs(0), ...ext(0x3c, 0x2c2, 0x46b)]),
    "signs of an ext4 file system and of an xfs file system at once",
  );
  assert.match(what([...xfs(0), [4096, codes("EFI PART")]]), /xfs .* and of a partition table/);
});

Deno.test("what a user has in a file never makes a file system another thing", () => {
  const pieces: [number, number[]][] = [
    [GIB - 512, codes("EFI PART")],
    [32_769, codes("CD001")],
    [131_072, codes("\x0c\xb1\xba\x00")],
    [GIB / 4, codes("XFSB")],
    [GIB - 8192, codes("\xfc\x4e\x2b\xa9")],
  ];
  for (const made of [xfs(0), ext(0x3c, 0x2c2, 0x46b)]) {
    assert.equal(found([...made, ...pieces]).kind, "file-system");
  }
});

Deno.test("a file system that was not made to its end is remains", () => {
  for (const [pieces, name] of [[xfs(1), "xfs"], [btrfs("!BHRfS_M", 1), "btrfs"]] as const) {
    assert.deepEqual(found(pieces), {
      kind: "remains",
      what: `an ${name} file system that was not made to its end`.replace("an b", "a b"),
      uuids: [UUID],
    });
  }
});

Deno.test("copies of a lost superblock tell what it was", () => {
  const copies: [string, [number, number[]][]][] = [
    ["an ext4", ext(0x3c, 0x2c2, 0x46b, 32_768 * 4096)],
    ["an ext3", ext(0x3c, 0x6, 0x3, 8193 * 1024)],
    ["an xfs", xfs(0, GIB / 4)],
  ];
  for (const [name, pieces] of copies) {
    assert.deepEqual(found(pieces), {
      kind: "remains",
      what: `remains of ${name} file system whose first superblock is missing`,
      uuids: [UUID],
    });
  }
});

Deno.test("other signatures are told by name", () => {
  const signatures: [number, string, RegExp][] = [
    [0, "LUKS\xba\xbe", /LUKS/],
    [512, "LABELONE", /LVM/],
    [512, "EFI PART", /GPT/],
    [4096, "EFI PART", /GPT/],
    [GIB - 4096, "EFI PART", /GPT/],
    [510, "\x55\xaa", /MBR/],
    [4086, "SWAPSPACE2", /swap/],
    [4096, "\xfc\x4e\x2b\xa9", /RAID/],
    [GIB - 65_536, "\xfc\x4e\x2b\xa9", /RAID/],
    [4120, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca", /bcache/],
    [131_072 + 5 * 1024, "\x0c\xb1\xba\x00", /ZFS/],
  ];
  for (const [at, text, what] of signatures) {
    const finding = found([[at, codes(text)]]);
    assert(finding.kind === "other", `${what}`);
    assert.match(finding.what, what);
  }
});

Deno.test("one byte in any window is remains of an unknown kind", () => {
  for (const { offset, length } of probeWindows(GIB)) {
    for (const at of [offset, offset + length - 1]) {
      const remains = { kind: "remains", what: "data of an unknown kind", uuids: [] };
      assert.deepEqual(found([[at, [1]]]), remains, `byte ${at}`);
    }
  }
});

Deno.test("windows lie inside the device, on whole pages, and are few", () => {
  for (const size of [4096, 100_000, MIB, 64 * MIB, GIB, 1_000_000_000_000, 2 ** 44, 2 ** 50]) {
    const windows = probeWindows(size);
    for (const { offset, length } of windows) {
      assert.equal(offset % 4096, 0);
      assert(length > 0 && offset >= 0 && offset + length <= size, `${size}: ${offset}`);
      assert(length % 4096 === 0 || offset + length === size);
    }
    assert(windows.length <= 256, `${windows.length} windows of ${size}`);
    assert(windows.some(({ offset, length }) => offset + length === size), "the end");
  }
});

Deno.test("both ends and all known places of copies are looked at", () => {
  const covers = (size: number, at: number): boolean =>
    probeWindows(size).some(({ offset, length }) => at >= offset && at < offset + length);
  for (let at = 0; at < MIB; at += 4096) {
    assert(covers(GIB, at), `byte ${at}`);
    assert(covers(GIB, GIB - 1 - at), `byte ${at} from the end`);
  }
  const tebibyte = 2 ** 40;
  for (const group of [1, 3, 5, 7, 9, 25, 27, 49, 81, 125, 243, 2187]) {
    assert(covers(tebibyte, group * 134_217_728 + 56), `group ${group}`);
  }
  for (const at of [tebibyte / 4, tebibyte / 2, 64 * MIB, 256 * GIB]) assert(covers(tebibyte, at));
});

Deno.test("an answer that leaves a window out, or is too short, is no answer", () => {
  const windows = probeWindows(MIB);
  assert.throws(() => readWindows(windows, []));
  const short = windows.map(({ want }): WindowContent =>
    want === "bytes" ? { isZero: false, base64: "AAAA" } : { isZero: true }
  );
  assert.throws(() => readWindows(windows, short));
});
