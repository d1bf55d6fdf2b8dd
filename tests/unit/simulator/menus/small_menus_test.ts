import assert from "node:assert/strict";
import { DEFAULT_BOX_SETTINGS } from "../../../../src/simulator/box/options.ts";
import {
  aBox,
  addDisk,
  call,
  contentsOf,
  failure,
  freeBytes,
  hasFile,
  itemsOf,
  NOW_MS,
  objectOf,
} from "../box/console.ts";

const ED25519 =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl csi@test";

Deno.test("resource tells version and uptime, raw to scripts and human to people", async () => {
  let nowMs = NOW_MS;
  await using box = await aBox({ nowMs: () => nowMs });
  nowMs += 90_061_000;
  const get = (name: string): unknown =>
    call(box, "system/resource/get", { unnamed: [name] }).value;
  assert.equal(get("version"), "7.24.4 (stable)");
  assert.deepEqual(get("uptime"), { type: "time", milliseconds: 90_061_000 });
  assert.equal(typeof get("free-memory"), "number");
  const { output } = call(box, "system/resource/print");
  assert.match(output, /^ +uptime: 1d1h1m1s$/m);
  assert.match(output, /^ +total-memory: 32.0GiB$/m);
  box.reboot();
  assert.deepEqual(get("uptime"), { type: "time", milliseconds: 0 });
});

Deno.test("identity can be set", async () => {
  await using box = await aBox();
  call(box, "system/identity/set", { named: { name: "rds-2" } });
  assert.equal(call(box, "system/identity/print").output, "  name: rds-2\n");
  assert.equal(call(box, "system/identity/get", { unnamed: ["name"] }).value, "rds-2");
});

Deno.test("the package list says whether rose-storage is there", async () => {
  for (const storagePackage of [true, false]) {
    await using box = await aBox({ storagePackage });
    const where = (row: ReadonlyMap<string, unknown>): boolean =>
      row.get("name") === "rose-storage";
    const found = itemsOf(call(box, "system/package/find", { where }).value);
    assert.equal(found.length, storagePackage ? 1 : 0);
  }
});

Deno.test("users, groups and keys are those of the options", async () => {
  const users = [...DEFAULT_BOX_SETTINGS.users, {
    name: "metal-csi",
    group: "storage",
    policies: new Set(["ssh", "read"] as const),
    password: undefined,
    publicKeys: [ED25519],
  }];
  await using box = await aBox({ users });
  assert.equal(box.user("metal-csi")?.group, "storage");
  assert.equal(box.user("nobody"), undefined);
  const policy = String(call(box, "user/group/get", { unnamed: ["storage", "policy"] }).value);
  assert.ok(policy.includes(",read,") && policy.includes(",!write,"), policy);
  assert.equal(
    call(box, "user/ssh-keys/print", { flags: ["detail"] }).output,
    'Flags: E - ED25519\n 0 E user=metal-csi key-type=ed25519 bits=256 info="csi@test"\n \n',
  );
});

Deno.test("the service ssh keeps the sessions it is allowed", async () => {
  await using box = await aBox();
  const get = { unnamed: ["ssh", "max-sessions"] };
  assert.equal(call(box, "ip/service/get", get).value, 20);
  call(box, "ip/service/set", { unnamed: ["ssh"], named: { "max-sessions": 5 } });
  assert.equal(call(box, "ip/service/get", get).value, 5);
  assert.equal(
    failure(box, "ip/service/set", { unnamed: ["ssh"], named: { port: 70000 } }),
    "value of port out of range (1..65535)",
  );
});

Deno.test("the log tells what happened, oldest first", async () => {
  await using box = await aBox();
  addDisk(box, "a");
  const messages = itemsOf(call(box, "log/print", { flags: ["as-value"] }).value)
    .map((row) => objectOf(row)["message"]);
  assert.deepEqual(messages, ["router rebooted", "disk added: a"]);
});

Deno.test("disk settings have the documented defaults and can be set", async () => {
  await using box = await aBox();
  const get = { unnamed: ["auto-smb-sharing"] };
  assert.equal(call(box, "disk/settings/get", get).value, true);
  call(box, "disk/settings/set", { named: { "auto-smb-sharing": "no" } });
  assert.equal(call(box, "disk/settings/get", get).value, false);
});

Deno.test("a subvolume snapshot shares the data, a read-only one refuses changes", async () => {
  await using box = await aBox();
  const add = (named: Record<string, string>): unknown =>
    call(box, "disk/btrfs/subvolume/add", { named: { fs: "storage-pool", ...named } }).value;
  add({ name: "vol-x" });
  addDisk(box, "x", { "file-path": "storage-pool/vol-x/volume.img" });
  const before = freeBytes(box);
  add({ "name": "snap-y", "parent": "vol-x", "read-only": "yes" });
  assert.equal(freeBytes(box), before);
  assert.equal(hasFile(box, "storage-pool/snap-y/volume.img"), true);
  assert.equal(contentsOf(box, "storage-pool/snap-y/volume.img", 0, 1), "\0");
  const remove = { unnamed: ["storage-pool/snap-y/volume.img"] };
  assert.equal(failure(box, "file/remove", remove), "failure: read-only file system");
  add({ name: "vol-z", parent: "snap-y" });
  call(box, "file/remove", { unnamed: ["storage-pool/vol-z/volume.img"] });
  const print = call(box, "disk/btrfs/subvolume/print", { flags: ["detail"], width: 200 }).output;
  assert.match(print, /^ 1 Sr fs=storage-pool parent="vol-x" name="snap-y"/m);
  call(box, "disk/btrfs/subvolume/remove", { unnamed: ["snap-y"] });
  assert.equal(hasFile(box, "storage-pool/snap-y"), false);
  assert.equal(hasFile(box, "storage-pool/vol-x/volume.img"), true);
});

Deno.test("subvolumes need a Btrfs pool, a known parent and a new name", async () => {
  await using box = await aBox();
  const fs = "storage-pool";
  const path = "disk/btrfs/subvolume/add";
  call(box, path, { named: { fs, name: "a" } });
  assert.equal(
    failure(box, path, { named: { fs, name: "a" } }),
    "failure: subvolume already exists",
  );
  assert.equal(
    failure(box, path, { named: { fs, name: "b", parent: "no" } }),
    "input does not match any value of parent",
  );
  await using xfs = await aBox({ poolFileSystem: "xfs" });
  assert.equal(
    failure(xfs, path, { named: { fs, name: "a" } }),
    "input does not match any value of fs",
  );
  assert.deepEqual(
    itemsOf(call(xfs, "disk/btrfs/filesystem/print", { flags: ["as-value"] }).value),
    [],
  );
});
