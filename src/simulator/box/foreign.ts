/**
 * What is on every box before we come: the pool and its members, disks that other machines boot
 * from, another cluster's volumes, a USB disk, and files of others. None of it is ours to touch.
 */
import type { FileTable } from "./file_table.ts";
import { type BoxSettings, POOL_NAME } from "./options.ts";
import { type DiskRecord, FILES_PREFIX, type Scalar } from "./records.ts";
import type { BoxState } from "./state.ts";

const MIB = 1024 ** 2;
const LARGEST_FOREIGN_BYTES = 20 * 1024 ** 3;
const USB_BYTES = 2_004_877_312;
const USB_OVERHEAD_BYTES = 83_042_304;
const XFS_OVERHEAD_SHARE = 0.0071;
const BTRFS_OVERHEAD_SHARE = 0.001;
const NVME_MODEL = "SAMSUNG MZWLO3T8HCLS-00A07";

/** Puts the pool, its members and the USB disk on a new box. */
export function seedHardware(state: BoxState, settings: BoxSettings): void {
  const size = settings.poolSizeBytes - settings.poolSizeBytes % 4096;
  for (const number of [1, 2, 3, 4]) {
    seedDisk(state, { type: "hardware", slot: `nvme${number}` }, {
      "slot-default": `nvme${number}`,
      "model": NVME_MODEL,
      "serial": `S6CKNE0T70010${number}`,
      "fw-version": "OPPA3B5Q",
      "size": Math.floor(size / 2) + MIB,
      "interface": "PCIe Gen4 x2",
      "raid-member": true,
      "raid-master": `${POOL_NAME}-m${Math.floor((number - 1) / 2)}`,
      "state": "clean",
    });
  }
  for (const role of [0, 1]) {
    seedDisk(state, { type: "raid", slot: `${POOL_NAME}-m${role}` }, {
      ...raidFacts("1", "RAID1 mirror", Math.floor(size / 2), 2),
      "raid-member": true,
      "raid-member-failed": false,
      "raid-member-state": `${role}:in_sync`,
      "raid-role": role,
      "raid-master": POOL_NAME,
    });
  }
  seedPool(state, settings, size);
  seedDisk(state, { type: "hardware", slot: "usb1" }, {
    "slot-default": "usb1",
    "model": "USB Flash Disk",
    "serial": "FBA0911260071572",
    "size": USB_BYTES,
    "interface": "USB 2.00 480Mbps",
    "fs": "ext4",
    "fs-label": "backup",
    "fs-uuid": crypto.randomUUID(),
    "mount-point": "usb1",
    "overhead-bytes": USB_OVERHEAD_BYTES,
  });
}

function seedPool(state: BoxState, settings: BoxSettings, size: number): void {
  const isXfs = settings.poolFileSystem === "xfs";
  const share = isXfs ? XFS_OVERHEAD_SHARE : BTRFS_OVERHEAD_SHARE;
  const inodes = isXfs
    ? { "total-inodes": Math.floor(size / 10240), "free-inodes": Math.floor(size / 10240) - 68 }
    : {};
  seedDisk(state, { type: "raid", slot: POOL_NAME }, {
    ...raidFacts("0", "RAID0 striped", size, 2),
    ...inodes,
    "fs": settings.poolFileSystem,
    "fs-label": POOL_NAME,
    "fs-uuid": crypto.randomUUID(),
    "mount-point": POOL_NAME,
    "overhead-bytes": Math.floor(size * share),
  });
}

function raidFacts(
  type: string,
  model: string,
  size: number,
  devices: number,
): Record<string, Scalar> {
  return {
    "model": model,
    "size": size,
    "raid-type": type,
    "raid-device-count": devices,
    "raid-max-component-size": "none",
    "raid-chunk-size": "256K",
    "state": "clean",
    "raid-uuid": crypto.randomUUID(),
  };
}

/** Puts other people's files and file disks on a new box, once the pool is there. */
export function seedFiles(state: BoxState, files: FileTable, settings: BoxSettings): void {
  for (const directory of ["skins", `${POOL_NAME}/nixos`, `${POOL_NAME}/backup`]) {
    files.makeDirectory(directory);
  }
  files.makeDirectory(`${POOL_NAME}/other-cluster`);
  writeText(files, "skins/default.json", "{}\n");
  writeText(files, "usb1/config.rsc", "# exported configuration\n/system identity\n");
  writeText(files, `${POOL_NAME}/backup/notes.txt`, "nightly copy of the nixos images\n");
  const share = Math.floor(settings.poolSizeBytes / 64 / MIB) * MIB;
  const sizeBytes = Math.max(MIB, Math.min(LARGEST_FOREIGN_BYTES, share));
  for (const host of ["nixos-node1", "nixos-node2"]) {
    seedFileDisk(state, files, host, `${POOL_NAME}/nixos/${host}.img`, sizeBytes, {
      "nvme-tcp-export": true,
      "nvme-tcp-server-port": 4420,
      "nvme-tcp-server-nqn": `nqn.2000-02.com.mikrotik:${host}`,
    });
  }
  for (const [slot, uuid, state_] of OTHER_CLUSTER) {
    seedFileDisk(state, files, slot, `${POOL_NAME}/other-cluster/${uuid}.img`, sizeBytes, {
      "comment":
        `r1;n=Jk3mQx0aTz8LrWvB1cYd5w;s=-;t=mf2k9c1a;b=80000000;m=f;i=c0ffee00;st=${state_}`,
      "mount-filesystem": false,
      "nvme-tcp-export": true,
      "nvme-tcp-server-port": 4420,
      "nvme-tcp-server-nqn": `nqn.2000-02.com.mikrotik:${slot}`,
    });
  }
}

/** Slot, file name and state of the disks of a cluster that is not ours. */
const OTHER_CLUSTER: readonly (readonly [string, string, string])[] = [
  ["v-q7zk3m5xw2c4n6b8a0d1e2f3g4", "pvc-5d1f0f52-8c3e-4a5d-9c27-0d8a3f1b6e90", "r"],
  ["v-h5j6k7l8m9n0p1q2r3s4t5u6v7", "pvc-0a9b8c7d-6e5f-4a3b-8c1d-2e3f4a5b6c7d", "r"],
];

function seedFileDisk(
  state: BoxState,
  files: FileTable,
  slot: string,
  name: string,
  sizeBytes: number,
  more: Readonly<Record<string, Scalar>>,
): void {
  const file = files.create(name, sizeBytes);
  const configured = {
    "type": "file",
    slot,
    "file-path": `/${name}`,
    "file-size": sizeBytes,
    ...more,
  };
  const namespaceUuid = crypto.randomUUID();
  const identity = { namespaceUuid, serial: namespaceUuid.replaceAll("-", "").slice(16) };
  seedDisk(state, configured, {}, {
    backing: FILES_PREFIX + name,
    sizeBytes: file.sizeBytes,
    identity,
  });
}

function seedDisk(
  state: BoxState,
  configured: DiskRecord["configured"],
  facts: DiskRecord["facts"],
  more: Partial<DiskRecord> = {},
): void {
  const id = `*${state.next("last-disk-number").toString(16).toUpperCase()}`;
  state.put("disk", id, {
    id,
    configured,
    facts: { ...facts, "pre-existing": true },
    backing: undefined,
    sizeBytes: 0,
    guest: undefined,
    identity: undefined,
    ...more,
  });
}

function writeText(files: FileTable, name: string, text: string): void {
  files.write(files.create(name, 0), new TextEncoder().encode(text));
}
