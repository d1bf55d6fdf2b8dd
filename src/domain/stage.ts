/** The rules of staging: what may be made of a device, and whether a mount is the one wanted. */
import type { FileSystemType, VolumeCapability } from "./access.ts";
import { StorageError } from "./errors.ts";

/** A capability whose access type is mount. */
export type MountAccess = Extract<VolumeCapability["access"], { type: "mount" }>;

/** What a device was found to hold; see the port `FileSystems`. */
type Content =
  | { readonly kind: "blank" }
  | { readonly kind: "file-system"; readonly fileSystem: FileSystemType; readonly uuid: string }
  | { readonly kind: "half-formatted" }
  | { readonly kind: "other"; readonly what: string };

/** A mount, as far as it is compared. */
interface MountState {
  readonly fileSystem: string;
  readonly options: readonly string[];
  readonly isReadOnly: boolean;
}

/**
 * The options that a kernel shows of a mount under the name they were given by, so that their
 * absence says something.
 */
const SHOWN_OPTIONS: ReadonlySet<string> = new Set([
  ...["noatime", "nodiratime", "nodev", "noexec", "nosuid"],
  ...["sync", "dirsync", "discard"],
]);

/** Whether the capability itself asks for read-only use. */
export function isReadOnlyUse({ mode, access }: VolumeCapability): boolean {
  return mode === "SINGLE_NODE_READER_ONLY" ||
    (access.type === "mount" && access.mountFlags.includes("ro"));
}

/**
 * The options to mount a volume with, without `ro` and `rw`. A copy of an xfs file system has the
 * UUID of its source and is refused beside it without `nouuid`; for other volumes the refusal
 * guards against mounting one disk twice, and stays.
 */
export function mountOptionsFor(access: MountAccess, isCopy: boolean): string[] {
  const options = access.mountFlags.filter((flag) => flag !== "ro" && flag !== "rw");
  if (access.fileSystem === "xfs" && isCopy) options.push("nouuid");
  return [...new Set(options)];
}

/**
 * Whether the device must be formatted before it is mounted with `fileSystem`. A volume that is
 * known to have had a file system is never formatted, and never mounted with another one: then the
 * device is not whole, or not the volume's.
 * @throws {StorageError} `not-ready` when it holds anything else, or nothing where something must
 * be: a copy, a volume to be read only, or one that had a file system.
 */
export function needsFormat(
  volumeId: string,
  content: Content,
  wanted: {
    readonly fileSystem: FileSystemType;
    readonly isCopy: boolean;
    readonly isReadOnly: boolean;
    /** The UUID of the file system it was mounted with before, where it was. */
    readonly knownUuid: string | undefined;
  },
): boolean {
  const { knownUuid } = wanted;
  const refuse = (finding: string): never => {
    throw new StorageError("not-ready", `Cannot stage volume "${volumeId}": ${finding}`);
  };
  switch (content.kind) {
    case "file-system":
      if (content.fileSystem !== wanted.fileSystem) {
        return refuse(`it holds ${content.fileSystem}, and ${wanted.fileSystem} is asked for`);
      }
      if (knownUuid === undefined || knownUuid === content.uuid) return false;
      return refuse(`it holds file system ${content.uuid}, and was staged with ${knownUuid}`);
    case "other":
      return refuse(`it holds ${content.what} and is not formatted over`);
    case "blank":
    case "half-formatted":
      if (knownUuid !== undefined) {
        return refuse(`it was staged with file system ${knownUuid} and holds none now`);
      }
      if (wanted.isCopy) return refuse("it was made from a source and holds no file system");
      if (wanted.isReadOnly) return refuse("it holds no file system and is to be read only");
      return true;
  }
}

/** How a mount differs from the one wanted, in words; undefined when it does not. */
export function mountDifference(found: MountState, wanted: MountState): string | undefined {
  if (found.fileSystem !== wanted.fileSystem) return `it is mounted as ${found.fileSystem}`;
  if (found.isReadOnly !== wanted.isReadOnly) {
    return `it is mounted ${found.isReadOnly ? "read-only" : "read-write"}`;
  }
  const [has, wants] = [shown(found.options), shown(wanted.options)];
  if (has === wants) return undefined;
  return `it is mounted with options "${has}", and "${wants}" is asked for`;
}

function shown(options: readonly string[]): string {
  return [...new Set(options)].filter((option) => SHOWN_OPTIONS.has(option)).sort().join(",");
}
