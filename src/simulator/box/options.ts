/** What a simulated box can be told to be: its version, its limits, and how it resolves unknowns. */
import type { Policy } from "../menu.ts";

/** What `/disk/add copy-from=` does with the data; the truth on hardware is not published. */
export type CopyFromMode = "independent-cow" | "independent-full" | "property-only" | "shared";

/** Somebody who can log in. */
export interface BoxUser {
  readonly name: string;
  /** The group shown in `/user`; its policies are the user's. */
  readonly group: string;
  readonly policies: ReadonlySet<Policy>;
  /** Undefined: no login by password. */
  readonly password: string | undefined;
  /** Public keys as OpenSSH writes them, one line each (`ssh-ed25519 AAAA… comment`). */
  readonly publicKeys: readonly string[];
}

/** Every setting of a box, resolved. */
export interface BoxSettings {
  /** Where state and backing files live; undefined keeps all of it in memory, for unit tests. */
  readonly directory: string | undefined;
  /** The RouterOS version to be, for example `7.24.4`. */
  readonly version: string;
  /** Whether the package `rose-storage` is installed. */
  readonly storagePackage: boolean;
  readonly copyFrom: CopyFromMode;
  /** Whether `/file/copy` shares the data until it is written to, or takes its full size. */
  readonly fileCopy: "reflink" | "full";
  /** The most characters a slot may have; undefined is no limit. */
  readonly slotLimit: number | undefined;
  readonly slotTooLong: "reject" | "truncate";
  /** The most characters a comment may have; undefined is no limit. */
  readonly commentLimit: number | undefined;
  /** Which of two sets of texts the errors use whose real texts nobody published. */
  readonly wordings: "plain" | "alternate";
  /** Whether `/disk/remove` leaves the backing file, as documented. */
  readonly removeKeepsFile: boolean;
  /** Whether the identity of a namespace survives a re-export and a reboot. */
  readonly identity: "stable" | "changing";
  readonly idsChangeOnReboot: boolean;
  /** What setting a smaller `file-size` does. */
  readonly shrink: "refuse" | "truncate";
  /** The size of the pool; read when the directory is new, afterwards the pool keeps its size. */
  readonly poolSizeBytes: number;
  /** The file system of the pool; read when the directory is new. */
  readonly poolFileSystem: "btrfs" | "xfs";
  readonly users: readonly BoxUser[];
  /** Wall-clock time in milliseconds. */
  readonly nowMs: () => number;
}

/** What {@link openBox} takes; what is absent has the value of {@link DEFAULT_BOX_SETTINGS}. */
export type BoxOptions = Partial<BoxSettings>;

/** The name of the pool every box has: its slot, mount point and first path component. */
export const POOL_NAME = "storage-pool";

const ALL_POLICIES: ReadonlySet<Policy> = new Set<Policy>([
  "ssh",
  "read",
  "write",
  "test",
  "ftp",
  "policy",
  "reboot",
  "sensitive",
]);

/** A current RDS in memory with one administrator who has no password and no key. */
export const DEFAULT_BOX_SETTINGS: BoxSettings = {
  directory: undefined,
  version: "7.24.4",
  storagePackage: true,
  copyFrom: "independent-cow",
  fileCopy: "reflink",
  slotLimit: 32,
  slotTooLong: "reject",
  commentLimit: undefined,
  wordings: "plain",
  removeKeepsFile: true,
  identity: "stable",
  idsChangeOnReboot: false,
  shrink: "refuse",
  poolSizeBytes: 7_681_574_174_720,
  poolFileSystem: "btrfs",
  users: [{
    name: "admin",
    group: "full",
    policies: ALL_POLICIES,
    password: undefined,
    publicKeys: [],
  }],
  nowMs: Date.now,
};
