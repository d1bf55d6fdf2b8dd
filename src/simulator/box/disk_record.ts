/** What a disk record means: names of its file and its export. Pure. */
import { storedName } from "./names.ts";
import type { DiskRecord } from "./records.ts";
import { isAtLeast, SINCE } from "./versions.ts";

/** The port an export listens on when none was set. */
export const DEFAULT_NVME_PORT = 4420;

/** The slot of a disk; every disk has one. */
export function slotOf(disk: DiskRecord): string {
  return String(disk.configured["slot"] ?? "");
}

/** The name of the backing file as `/file` shows it, or undefined for other types of disk. */
export function fileNameOf(disk: DiskRecord): string | undefined {
  const path = disk.configured["file-path"];
  return path === undefined ? undefined : storedName(String(path));
}

/** Whether the disk is to be exported; one without data or disabled is not. */
export function isExported(disk: DiskRecord): boolean {
  return disk.configured["nvme-tcp-export"] === true && !isDisabled(disk) &&
    disk.backing !== undefined;
}

/** Whether the disk is switched off. */
export function isDisabled(disk: DiskRecord): boolean {
  return disk.configured["disabled"] === true;
}

/** Whether the box mounts file systems it finds on the disk; its default is yes. */
export function mountsFileSystems(disk: DiskRecord): boolean {
  return disk.configured["mount-filesystem"] !== false && !isDisabled(disk);
}

/** The name of the subsystem: before 7.21 the slot, then the NQN, by default made of the slot. */
export function subsystemNameOf(disk: DiskRecord, version: string): string {
  if (!isAtLeast(version, SINCE.serverNqn)) return slotOf(disk);
  const nqn = disk.configured["nvme-tcp-server-nqn"];
  return nqn === undefined || nqn === "" ? `nqn.2000-02.com.mikrotik:${slotOf(disk)}` : String(nqn);
}

/** The port of the export. */
export function exportPortOf(disk: DiskRecord): number {
  return Number(disk.configured["nvme-tcp-server-port"] ?? DEFAULT_NVME_PORT);
}

/**
 * The hosts that may connect, none for all. The documentation speaks of host names and not of their
 * form: here it is one host NQN, or several with commas.
 */
export function allowedHostsOf(disk: DiskRecord): readonly string[] {
  const text = String(disk.configured["nvme-tcp-server-allow-host-name"] ?? "");
  return [...new Set(text.split(",").map((name) => name.trim()).filter((name) => name !== ""))];
}

/** The bytes an NVMe host or the box can use: the file from its offset, in whole sectors. */
export function diskSizeBytes(disk: DiskRecord): number {
  const offsetBytes = Number(disk.configured["file-offset"] ?? 0);
  const bytes = Math.max(0, disk.sizeBytes - offsetBytes);
  return bytes - bytes % 512;
}

/** Whether the disk was there before any client: what it does is nobody's violation. */
export function isPreExisting(disk: DiskRecord): boolean {
  return disk.facts["pre-existing"] === true;
}
