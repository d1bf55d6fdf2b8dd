/** The properties of `/disk`: what `add` and `set` take, and since when. */
import { isAtLeast, SINCE } from "./versions.ts";

/** How an argument is read. */
export type ArgumentKind = "text" | "boolean" | "size" | "port" | "number" | "type" | "path";

/** One argument of `/disk/add` and `/disk/set`. */
export interface DiskArgument {
  readonly kind: ArgumentKind;
  /** The first version that has it. */
  readonly since: string;
  /** Whether it comes with the package `rose-storage`. */
  readonly needsPackage: boolean;
}

/** The values of `type`. */
export const DISK_TYPES: readonly string[] = [
  "raid",
  "nvme-tcp",
  "iscsi",
  "nfs",
  "smb",
  "partition",
  "tmpfs",
  "ramdisk",
  "crypted",
  "sshfs",
  "file",
  "hardware",
];

const OLDEST = "7.0";

function base(kind: ArgumentKind, since: string = OLDEST): DiskArgument {
  return { kind, since, needsPackage: false };
}

function storage(kind: ArgumentKind, since: string = OLDEST): DiskArgument {
  return { kind, since, needsPackage: true };
}

const ARGUMENTS: Readonly<Record<string, DiskArgument>> = {
  "comment": base("text"),
  "compress": storage("boolean", SINCE.compress),
  "crypted-backend": storage("text"),
  "disabled": base("boolean"),
  "encryption-key": storage("text"),
  "file-offset": storage("size", SINCE.fileDisks),
  "file-path": storage("path", SINCE.fileDisks),
  "file-size": storage("size", SINCE.fileDisks),
  "iscsi-address": storage("text"),
  "iscsi-export": storage("boolean"),
  "iscsi-iqn": storage("text"),
  "iscsi-port": storage("port"),
  "iscsi-server-iqn": storage("text", SINCE.serverNqn),
  "iscsi-server-port": storage("port"),
  "media-interface": base("text"),
  "media-sharing": base("boolean"),
  "mount-filesystem": base("boolean", SINCE.fileDisks),
  "mount-point-template": base("text", SINCE.fileDisks),
  "mount-read-only": base("boolean", SINCE.fileDisks),
  "nfs-address": storage("text"),
  "nfs-share": storage("text"),
  "nfs-sharing": storage("boolean"),
  "nvme-tcp-address": storage("text"),
  "nvme-tcp-export": storage("boolean"),
  "nvme-tcp-host-name": storage("text"),
  "nvme-tcp-nqn": storage("text", SINCE.serverNqn),
  "nvme-tcp-password": storage("text"),
  "nvme-tcp-port": storage("port"),
  "nvme-tcp-server-allow-host-name": storage("text"),
  "nvme-tcp-server-nqn": storage("text", SINCE.serverNqn),
  "nvme-tcp-server-password": storage("text"),
  "nvme-tcp-server-port": storage("port"),
  "parent": base("text"),
  "partition-number": base("number"),
  "partition-offset": base("size"),
  "partition-size": base("size"),
  "raid-chunk-size": storage("text"),
  "raid-device-count": storage("number"),
  "raid-master": storage("text"),
  "raid-max-component-size": storage("text"),
  "raid-member-failed": storage("boolean"),
  "raid-role": storage("text"),
  "raid-type": storage("text"),
  "ramdisk-size": base("size"),
  "self-encryption-password": storage("text"),
  "slot": base("text"),
  "smb-address": storage("text"),
  "smb-password": storage("text"),
  "smb-share": storage("text"),
  "smb-sharing": base("boolean"),
  "smb-user": storage("text"),
  "sshfs-address": storage("text"),
  "sshfs-password": storage("text"),
  "sshfs-path": storage("text"),
  "sshfs-port": storage("port"),
  "sshfs-user": storage("text"),
  "swap": base("boolean", SINCE.fileDisks),
  "tmpfs-max-size": base("size"),
  "type": base("type"),
};

/** The arguments that a box of this version has. */
export function diskArguments(
  version: string,
  storagePackage: boolean,
): ReadonlyMap<string, DiskArgument> {
  return new Map(
    Object.entries(ARGUMENTS).filter(([_name, argument]) =>
      isAtLeast(version, argument.since) && (storagePackage || !argument.needsPackage)
    ),
  );
}

/** Arguments that are secret: printed only with `show-sensitive`. */
export const SENSITIVE_DISK_ARGUMENTS: ReadonlySet<string> = new Set([
  "encryption-key",
  "nvme-tcp-password",
  "nvme-tcp-server-password",
  "self-encryption-password",
  "smb-password",
  "sshfs-password",
]);
