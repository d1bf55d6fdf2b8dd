import assert from "node:assert/strict";
import { checkCapabilities, isMultiNode, refusalOf } from "../../../src/domain/access.ts";
import type { AccessMode, VolumeCapability } from "../../../src/domain/access.ts";

const BLOCK: VolumeCapability["access"] = { type: "block" };
const MOUNT: VolumeCapability["access"] = { type: "mount", fileSystem: "xfs", mountFlags: [] };

/** For each mode: for one node only, offered as a raw device, offered with a file system. */
const MODES: Record<AccessMode, [isMultiNode: boolean, block: boolean, mount: boolean]> = {
  SINGLE_NODE_WRITER: [false, true, true],
  SINGLE_NODE_READER_ONLY: [false, true, true],
  SINGLE_NODE_SINGLE_WRITER: [false, true, true],
  SINGLE_NODE_MULTI_WRITER: [false, true, true],
  MULTI_NODE_READER_ONLY: [true, false, false],
  MULTI_NODE_SINGLE_WRITER: [true, false, false],
  MULTI_NODE_MULTI_WRITER: [true, true, false],
};

for (const [mode, [isMulti, block, mount]] of Object.entries(MODES)) {
  Deno.test(`refusalOf() of ${mode}: block ${block}, file system ${mount}`, () => {
    const named = mode as AccessMode;
    assert.equal(isMultiNode(named), isMulti);
    assert.equal(refusalOf({ mode: named, access: BLOCK }) === undefined, block);
    assert.equal(refusalOf({ mode: named, access: MOUNT }) === undefined, mount);
  });
}

Deno.test("checkCapabilities() names the first capability that cannot be offered", () => {
  const good: VolumeCapability = { mode: "SINGLE_NODE_WRITER", access: MOUNT };
  checkCapabilities([]);
  checkCapabilities([good]);
  const bad: VolumeCapability = { mode: "MULTI_NODE_MULTI_WRITER", access: MOUNT };
  assert.throws(() => checkCapabilities([good, bad]), {
    code: "invalid",
    message: /MULTI_NODE_MULTI_WRITER is for raw block volumes only: a xfs file system/,
  });
});

Deno.test("mount options that do more than mount the volume are refused by name", () => {
  const refusal = (...mountFlags: string[]): string | undefined =>
    refusalOf({
      mode: "SINGLE_NODE_WRITER",
      access: { type: "mount", fileSystem: "ext4", mountFlags },
    });
  for (const flag of ["bind", "remount", "move", "loop", "offset=1", "shared", "user", "owner"]) {
    assert.equal(
      refusal("noatime", flag),
      `mount option "${flag}" does something else than mounting the volume`,
    );
  }
  for (const flag of ["logdev=/dev/sda", "journal_path=/dev/sda", "device=/dev/sda"]) {
    assert.equal(refusal(flag), `mount option "${flag}" takes in another device of the node`);
  }
  for (const flag of ["noload", "norecovery"]) {
    assert.equal(refusal(flag), `mount option "${flag}" needs "ro" beside it`);
    assert.equal(refusal(flag, "ro"), undefined);
  }
  const usual = ["noatime", "nodev", "nosuid", "noexec", "discard", "data=ordered", "user_xattr"];
  assert.equal(refusal(...usual, "grpid", "usrquota", "device_stats"), undefined);
});
