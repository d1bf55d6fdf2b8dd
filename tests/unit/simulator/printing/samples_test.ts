/** Outputs seen on hardware, printed again by the same layout from the same values. */
import assert from "node:assert/strict";
import type { Value } from "../../../../src/simulator/language/values.ts";
import { DISK_LAYOUT } from "../../../../src/simulator/menus/disk_layout.ts";
import { printDetail } from "../../../../src/simulator/printing/detail.ts";
import type { PrintedRow } from "../../../../src/simulator/printing/layout.ts";
import { printTerse } from "../../../../src/simulator/printing/lines.ts";
import { printTable } from "../../../../src/simulator/printing/table.ts";
import { wrapped } from "../../../../src/simulator/printing/wrap.ts";

function aRow(index: number, values: Readonly<Record<string, Value>>): PrintedRow {
  return { index, row: new Map(Object.entries(values)) };
}

const COMMON: Readonly<Record<string, Value>> = {
  "slot-default": "",
  "parent": "",
  "fs": "-",
  "mount-filesystem": false,
  "mount-read-only": false,
  "compress": false,
  "sector-size": 512,
  "raid-master": "none",
  "iscsi-export": false,
  "nfs-sharing": false,
  "smb-sharing": false,
  "media-sharing": false,
  "media-interface": "none",
  "swap": false,
  "block-device": true,
  "file-offset": 0,
};

const VM_STORAGE: PrintedRow = aRow(31, {
  ...COMMON,
  "type": "file",
  "slot": "vm-storage-001",
  "model": "/raid10/vm-storage-001.img",
  "size": 1_099_511_627_776,
  "nvme-tcp-export": true,
  "nvme-tcp-server-port": 4420,
  "nvme-tcp-server-nqn": "nqn.2026-09.com.mikrotik:rds2216.vm-storage-001",
  "nvme-tcp-server-allow-host-name": "",
  "file-path": "/raid10/vm-storage-001.img",
  "file-size": 1_099_511_627_776,
});

Deno.test("print detail of an exported disk on a wide terminal looks as on the hardware", () => {
  const sample = [
    "Flags: B - BLOCK-DEVICE; t - NVME-TCP-EXPORT",
    '31 Bt type=file slot="vm-storage-001" slot-default="" parent="" fs=- model="/raid10/vm-storage-001.img" size=1 099 511 627 776 mount-filesystem=no mount-read-only=no compress=no sector-size=512 raid-master=none nvme-tcp-export=yes',
    '      nvme-tcp-server-port=4420 nvme-tcp-server-nqn="nqn.2026-09.com.mikrotik:rds2216.vm-storage-001" nvme-tcp-server-allow-host-name="" iscsi-export=no nfs-sharing=no smb-sharing=no media-sharing=no media-interface=none swap=no',
    "      file-path=/raid10/vm-storage-001.img file-size=1024.0GiB file-offset=0",
    " ",
    "",
  ].join("\n");
  const width = Math.max(...sample.split("\n").map((line) => line.length));
  assert.equal(printDetail([VM_STORAGE], DISK_LAYOUT, { width, showsIds: false }), sample);
});

Deno.test("print detail at 80 columns wraps between and inside of values", () => {
  const output = printDetail([VM_STORAGE], DISK_LAYOUT, { width: 80, showsIds: false });
  assert.deepEqual(output.split("\n").slice(1), [
    '31 Bt type=file slot="vm-storage-001" slot-default="" parent="" fs=-',
    '      model="/raid10/vm-storage-001.img" size=1 099 511 627 776',
    "      mount-filesystem=no mount-read-only=no compress=no sector-size=512",
    "      raid-master=none nvme-tcp-export=yes nvme-tcp-server-port=4420",
    '      nvme-tcp-server-nqn="nqn.2026-09.com.mikrotik:rds2216.vm-storage-001"',
    '      nvme-tcp-server-allow-host-name="" iscsi-export=no nfs-sharing=no',
    "      smb-sharing=no media-sharing=no media-interface=none swap=no",
    "      file-path=/raid10/vm-storage-001.img file-size=1024.0GiB file-offset=0",
    " ",
    "",
  ]);
});

Deno.test("a value longer than a line is cut in its middle", () => {
  const uuid = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
  const text = `swap=no file-path=/storage-pool/metal-csi/volumes/pvc-${uuid}.img file-offset=0`;
  const lines = wrapped(" 0 Bt ", text, 6, 80);
  assert.deepEqual(lines, [
    " 0 Bt swap=no",
    "      file-path=/storage-pool/metal-csi/volumes/pvc-f47ac10b-58cc-4372-a567-0e02",
    "      b2c3d479.img file-offset=0",
  ]);
  assert.ok(lines.every((line) => line.length <= 80));
});

Deno.test("numbers with blanks may be broken at a blank", () => {
  assert.deepEqual(wrapped("", "size=1 099 511 627 776", 2, 15), ["size=1 099 511", "  627 776"]);
});

Deno.test("flags of all printed rows have a column in each, only those that occur", () => {
  const pool = aRow(26, { ...COMMON, "type": "raid", "slot": "raid10", "mounted": true });
  const member = aRow(27, { ...COMMON, "type": "raid", "slot": "raid10-m0", "raid-member": true });
  const lines = printDetail([pool, member], DISK_LAYOUT, { width: 400, showsIds: false }).split(
    "\n",
  );
  assert.equal(lines[0], "Flags: B - BLOCK-DEVICE; M - MOUNTED; r - RAID-MEMBER");
  assert.match(lines[1] ?? "", /^26 BM {2}type=raid slot="raid10" /);
  assert.match(lines[3] ?? "", /^27 B r type=raid slot="raid10-m0" /);
});

Deno.test("a comment has a line of its own before the properties", () => {
  const row = aRow(0, { slot: "a", comment: "of a" });
  assert.equal(
    printDetail([row], DISK_LAYOUT, { width: 80, showsIds: false }),
    ' 0 ;;; of a\n   slot="a"\n \n',
  );
});

Deno.test("the table looks as documented: aligned columns, numbers to the right", () => {
  const usb = aRow(0, {
    "slot": "usb1",
    "model": "USB Flash Disk",
    "serial": "FBA0911260071572",
    "interface": "USB 2.00 480Mbps",
    "size": 2_004_877_312,
    "free": 1_921_835_008,
    "fs": "ext4",
    "block-device": true,
    "mounted": true,
  });
  const { columns } = DISK_LAYOUT;
  assert.equal(
    printTable([usb], DISK_LAYOUT, { columns, showsIds: false }),
    [
      "Flags: B - BLOCK-DEVICE; M - MOUNTED",
      "Columns: SLOT, MODEL, SERIAL, INTERFACE, SIZE, FREE, FS",
      "#    SLOT  MODEL           SERIAL            INTERFACE                  SIZE           FREE  FS",
      "0 BM usb1  USB Flash Disk  FBA0911260071572  USB 2.00 480Mbps  2 004 877 312  1 921 835 008  ext4",
      "",
    ].join("\n"),
  );
});

Deno.test("terse has one line per record and no quotes", () => {
  const row = aRow(3, { "type": "file", "slot": "a b", "size": 4096, "block-device": true });
  assert.equal(printTerse([row], DISK_LAYOUT, false), "3 B type=file slot=a b size=4 096\n");
});

Deno.test("nothing to print prints nothing", () => {
  assert.equal(printDetail([], DISK_LAYOUT, { width: 80, showsIds: false }), "");
  assert.equal(printTable([], DISK_LAYOUT, { columns: ["slot"], showsIds: false }), "");
  assert.equal(printTerse([], DISK_LAYOUT, false), "");
});
