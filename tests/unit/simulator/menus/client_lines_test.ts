/** Whole lines as clients of a box are known to send them, and what they get. */
import assert from "node:assert/strict";
import type { Box } from "../../../../src/simulator/box/box.ts";
import { runLine } from "../../../../src/simulator/language/console.ts";
import { aBox, addDisk, diskIn, hasFile } from "../box/console.ts";

/** What the console prints for a line. */
async function said(box: Box, line: string): Promise<string> {
  let output = "";
  const policies = box.settings.users[0]?.policies ?? new Set();
  await runLine(line, box.tree, { user: "admin", policies, width: 80 }, {
    print: (text) => output += text,
  });
  return output;
}

const EXPORT = "nvme-tcp-export=yes nvme-tcp-server-port=4420 nvme-tcp-server-nqn=";
const NQN = "nqn.2000-02.com.mikrotik:pvc-1";
const ADD =
  `/disk add type=file file-path=/storage-pool/pvc-1.img file-size=50G slot=pvc-1 ${EXPORT}${NQN}`;

Deno.test("a client that sends plain commands can run the whole life of a volume", async () => {
  await using box = await aBox();
  assert.equal(await said(box, ADD), "");
  assert.equal(diskIn(box, "pvc-1")?.["size"], 53_687_091_200);
  assert.equal(await said(box, "/disk set [find slot=pvc-1] file-size=60G"), "");
  assert.equal(await said(box, ":put [/disk get [find slot=pvc-1] file-size]"), "64424509440\n");
  assert.equal(await said(box, "/disk remove [find slot=pvc-1]"), "");
  assert.equal(await said(box, '/file remove [find name="/storage-pool/pvc-1.img"]'), "");
  assert.equal(hasFile(box, "storage-pool/pvc-1.img"), true);
  assert.equal(await said(box, '/file remove [find name="storage-pool/pvc-1.img"]'), "");
  assert.equal(hasFile(box, "storage-pool/pvc-1.img"), false);
});

Deno.test("a client that parses print detail sees a row wrapped at 80 columns", async () => {
  await using box = await aBox();
  await said(box, ADD);
  assert.equal(
    await said(box, "/disk print detail where slot=pvc-1"),
    [
      "Flags: B - BLOCK-DEVICE; t - NVME-TCP-EXPORT",
      '12 Bt type=file slot="pvc-1" slot-default="" parent="" fs=-',
      '      model="/storage-pool/pvc-1.img" size=53 687 091 200 mount-filesystem=yes',
      "      mount-read-only=no compress=no sector-size=512 raid-master=none",
      "      nvme-tcp-export=yes nvme-tcp-server-port=4420",
      '      nvme-tcp-server-nqn="nqn.2000-02.com.mikrotik:pvc-1"',
      '      nvme-tcp-server-allow-host-name="" iscsi-export=no nfs-sharing=no',
      "      smb-sharing=no media-sharing=no media-interface=none swap=no",
      "      file-path=/storage-pool/pvc-1.img file-size=50.0GiB file-offset=0",
      " ",
      "",
    ].join("\n"),
  );
  assert.equal(await said(box, "/disk print detail where slot=pvc-2"), "");
});

Deno.test("a long path is cut in its middle, as on an exec channel", async () => {
  await using box = await aBox();
  const name = `pvc-${"0123456789abcdef".repeat(5)}`;
  addDisk(box, "long", { "file-path": `storage-pool/${name}.img` });
  const output = await said(box, "/disk print detail where slot=long");
  const lines = output.split("\n");
  const cut = lines.findIndex((line) => line.includes("file-path=/storage-pool/pvc-"));
  assert.equal(lines[cut]?.length, 80);
  assert.match(lines[cut + 1] ?? "", /^ {5}[0-9a-f]+\.img /);
  assert.equal(output.includes(`file-path=/storage-pool/${name}.img`), false);
});

Deno.test("a client that counts gets the number once, by print and by :put", async () => {
  await using box = await aBox();
  await said(box, ADD);
  for (
    const line of [
      "/disk print count-only where slot=pvc-1",
      ":put [/disk print count-only where slot=pvc-1]",
      ':put [/disk/print count-only where slot~"^pvc"]',
      ":local n [/disk print count-only where slot=pvc-1]; :put $n",
      ":if ([/disk print count-only where slot=pvc-1] = 1) do={ /disk print count-only where slot=pvc-1 }",
      ":put [:len [/disk/find where slot=pvc-1]]",
      "/dis pr cou where slot=pvc-1",
    ]
  ) assert.equal(await said(box, line), "1\n", line);
});

Deno.test("a statement in a block of a [command] prints as it does outside", async () => {
  await using box = await aBox();
  const line = ":put [:do { /disk print count-only where slot=usb1 }]";
  assert.match(await said(box, line), /^1\n/);
});

Deno.test("a script that waits between steps and keeps the id can export a disk", async () => {
  await using box = await aBox();
  const line = ':local n "b1"; :local f "storage-pool/b1.img"; :local s "1G"; ' +
    ":local id [/disk/add type=file slot=$n file-path=$f file-size=$s mount-filesystem=no " +
    "mount-read-only=no compress=no]; :delay 1ms; " +
    `/disk set $id ${EXPORT}"nqn.x:b1"; :delay 1ms; :put [/disk get $id nvme-tcp-export]`;
  assert.equal(await said(box, line), "true\n");
  assert.match(
    await said(box, ":put [/disk/add type=file slot=c file-path=storage-pool/c file-size=1M]"),
    /^\*[0-9A-F]+\n$/,
  );
  const slots =
    ':foreach d in=[/disk/find where slot~"^(b1|c)\\$"] do={ :put ([/disk/get $d slot]) }';
  assert.equal(await said(box, slots), "b1\nc\n");
});

Deno.test("a disk can be named by its slot, and attaches to a file that exists", async () => {
  await using box = await aBox();
  await said(box, "/disk/add type=file file-path=storage-pool/BIG.img file-size=10G slot=block1");
  assert.equal(await said(box, "/disk/set block1 nvme-tcp-export=yes"), "");
  assert.equal(diskIn(box, "block1")?.["nvme-tcp-export"], true);
  assert.equal(await said(box, "/disk remove block1"), "");
  assert.equal(await said(box, "/disk/add type=file file-path=storage-pool/BIG.img slot=x"), "");
  assert.equal(diskIn(box, "x")?.["size"], 10_737_418_240);
  assert.match(await said(box, "/disk remove block1"), /^no such item/);
});

Deno.test("a client of Btrfs can keep a subvolume for each volume", async () => {
  await using box = await aBox();
  for (
    const line of [
      "/disk/btrfs/subvolume/add fs=storage-pool name=vol-x",
      "/disk/add type=file file-path=storage-pool/vol-x/volume.img file-size=1G slot=vol-x",
      "/disk/btrfs/subvolume/add read-only=yes parent=vol-x fs=storage-pool name=snap-y",
      "/disk/btrfs/subvolume/add parent=snap-y fs=storage-pool name=vol-z",
      "/disk/add type=file file-path=storage-pool/vol-z/volume.img slot=vol-z",
      "/disk/btrfs/subvolume/remove [find where name=snap-y]",
    ]
  ) assert.equal(await said(box, line), "", line);
  assert.equal(diskIn(box, "vol-z")?.["size"], 1_073_741_824);
  assert.equal(await said(box, "/disk/btrfs/subvolume/print count-only"), "2\n");
});

Deno.test("a snapshot by copy-from alone is exported under the name of its source", async () => {
  await using box = await aBox();
  await said(box, ADD);
  const line =
    "/disk add type=file copy-from=[find slot=pvc-1] file-path=storage-pool/snap.img slot=snap";
  assert.equal(await said(box, line), "");
  assert.equal(diskIn(box, "snap")?.["nvme-tcp-server-nqn"], NQN);
  assert.deepEqual(box.violations().map(({ kind }) => kind), ["shared-nqn"]);
});

Deno.test("the block of monitor-traffic has the shape of the one seen on hardware", async () => {
  await using box = await aBox();
  const lines = (await said(box, "/disk monitor-traffic storage-pool once")).split("\n");
  assert.match(lines[0] ?? "", /^ {18}slot: +storage-pool$/);
  assert.match(lines[2] ?? "", /^ {3}read-ops-per-second: +\d+$/);
  assert.match(lines[4] ?? "", /^ {13}read-rate: +\d+bps$/);
  assert.equal(lines.length, 23);
  assert.equal(new Set(lines.slice(0, 22).map((line) => line.length)).size, 1);
});
