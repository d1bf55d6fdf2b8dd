/** How a volume may be used, and by how many nodes at once. */
import { StorageError } from "./errors.ts";

/** The access modes of CSI that we know. */
export type AccessMode =
  | "SINGLE_NODE_WRITER"
  | "SINGLE_NODE_READER_ONLY"
  | "SINGLE_NODE_SINGLE_WRITER"
  | "SINGLE_NODE_MULTI_WRITER"
  | "MULTI_NODE_READER_ONLY"
  | "MULTI_NODE_SINGLE_WRITER"
  | "MULTI_NODE_MULTI_WRITER";

/** The file systems a volume can carry. */
export type FileSystemType = "ext4" | "ext3" | "xfs" | "btrfs";

/** The file systems, the default first. */
export const FILE_SYSTEM_TYPES: readonly FileSystemType[] = ["ext4", "xfs", "ext3", "btrfs"];

/** A CSI `VolumeCapability`. */
export interface VolumeCapability {
  readonly mode: AccessMode;
  readonly access:
    | { readonly type: "block" }
    | {
      readonly type: "mount";
      readonly fileSystem: FileSystemType;
      readonly mountFlags: readonly string[];
    };
}

/** Mount options that do something else than mount the volume: at another place, or from a table. */
const OTHER_DEEDS =
  /^(bind|rbind|move|remount|loop|offset|sizelimit|u?helper|r?(private|shared|slave|unbindable)|users?|owner|group)(=|$)/;
/** Mount options that take in another device of the node. */
const OTHER_DEVICES = /^(journal_dev|journal_path|logdev|rtdev|device)(=|$)/;
/** Mount options that leave the journal aside: a file system that is written to would be ruined. */
const NO_JOURNAL = /^(noload|norecovery)$/;

/** Whether the mode lets more than one node have the volume at once. */
export function isMultiNode(mode: AccessMode): boolean {
  return mode.startsWith("MULTI_NODE_");
}

/** Why we cannot offer `capability`, in words, or undefined when we can. */
export function refusalOf({ mode, access }: VolumeCapability): string | undefined {
  if (mode === "MULTI_NODE_READER_ONLY" || mode === "MULTI_NODE_SINGLE_WRITER") {
    return `access mode ${mode} is not supported`;
  }
  if (mode === "MULTI_NODE_MULTI_WRITER" && access.type === "mount") {
    return `access mode ${mode} is for raw block volumes only: a ${access.fileSystem} file system ` +
      `mounted by two nodes would be destroyed`;
  }
  return access.type === "mount" ? refusalOfFlags(access.mountFlags) : undefined;
}

function refusalOfFlags(flags: readonly string[]): string | undefined {
  for (const flag of flags) {
    const refusal = (finding: string): string => `mount option "${flag}" ${finding}`;
    if (OTHER_DEEDS.test(flag)) return refusal("does something else than mounting the volume");
    if (OTHER_DEVICES.test(flag)) return refusal("takes in another device of the node");
    if (NO_JOURNAL.test(flag) && !flags.includes("ro")) return refusal('needs "ro" beside it');
  }
  return undefined;
}

/**
 * Checks that every one of `capabilities` can be offered.
 * @throws {StorageError} `invalid` naming the first that cannot.
 */
export function checkCapabilities(capabilities: readonly VolumeCapability[]): void {
  for (const capability of capabilities) {
    const refusal = refusalOf(capability);
    if (refusal !== undefined) throw new StorageError("invalid", `Cannot use volume: ${refusal}`);
  }
}
