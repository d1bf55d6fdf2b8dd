/**
 * The calls into the kernel that no program of a small image makes for us and that can hang: made
 * in a child process, one call at a time in each, with a deadline.
 */
import type { DeviceNumber } from "../domain/block_device.ts";

/** A call, and what it answers with when it succeeds. */
export interface KernelCallTypes {
  /**
   * One write of `text` to a file of sysfs. `beside`: what files in the same directory have to say
   * once it is open, and so belongs to what they speak of; else it fails with ENODEV.
   */
  readonly "write-file": {
    readonly path: string;
    readonly text: string;
    readonly beside?: Readonly<Record<string, string>>;
    readonly answer: null;
  };
  /**
   * One write of the options to the device for NVMe over Fabrics and, through the same
   * descriptor, a read of what it says: `instance=N,cntlid=M`.
   */
  readonly "connect-nvme": { readonly options: string; readonly answer: string };
  /**
   * An exclusive open for writing: succeeds only when no file system, swap or other holder has the
   * device. Fails with ENXIO when the path is not the device of that number.
   */
  readonly "open-exclusively": {
    readonly path: string;
    readonly number: DeviceNumber;
    readonly answer: null;
  };
  /**
   * The processes that have a descriptor of one of the block devices, whatever the path was, and
   * the loop devices over one: an exclusive open does not see those that opened without asking for
   * it, as virtual machines and loop devices do. Sees what the process id namespace of this node's driver shows, so that has to be the host's.
   */
  readonly "find-openers": {
    readonly numbers: readonly DeviceNumber[];
    readonly answer: readonly DeviceOpener[];
  };
  /**
   * Direct reads, past the page cache: of each window the bytes, or only whether they are all
   * zero. All or nothing: one byte that cannot be read fails the call.
   */
  readonly "read-device": {
    readonly path: string;
    readonly number: DeviceNumber;
    readonly windows: readonly DeviceWindow[];
    readonly answer: readonly WindowContent[];
  };
  /**
   * Space and inodes of the file system at a directory, which is opened first: one that has given up
   * still says how large it is.
   */
  readonly "measure-file-system": { readonly path: string; readonly answer: FileSystemMeasure };
}

/** A process or a loop device that has a device open. */
export interface DeviceOpener {
  /** Absent: it is a loop device. */
  readonly pid?: number;
  /** The kernel's short name of its program, or the name of the loop device. */
  readonly name: string;
  /** Whether it can write to the device. */
  readonly canWrite: boolean;
}

/** The name of a call. */
export type KernelCallKind = keyof KernelCallTypes;

/** One call with its arguments. */
export type KernelCall = {
  readonly [Kind in KernelCallKind]:
    & { readonly kind: Kind }
    & Omit<KernelCallTypes[Kind], "answer">;
}[KernelCallKind];

/** A range of a device; offset and length are multiples of 4096, except at the end of the device. */
export interface DeviceWindow {
  readonly offset: number;
  readonly length: number;
  readonly want: "bytes" | "is-zero";
}

/** What a window holds. */
export interface WindowContent {
  readonly isZero: boolean;
  /** The bytes, where they are wanted and not all zero. */
  readonly base64?: string;
}

/** What statfs says. */
export interface FileSystemMeasure {
  /** The file system's magic number, for example 0xEF53. */
  readonly type: number;
  readonly blockBytes: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly availableBlocks: number;
  readonly inodes: number;
  readonly freeInodes: number;
}

/** The result of a call: its answer, or the name of the kernel's error, for example `EBUSY`. */
export type KernelResult<Kind extends KernelCallKind> =
  | { readonly isOk: true; readonly answer: KernelCallTypes[Kind]["answer"] }
  | { readonly isOk: false; readonly errno: string };

/** How a call is made. */
export interface KernelCallOptions {
  readonly deadlineMs: number;
  /** What it works on, for people and for the rule of one: a device number or an NQN. */
  readonly subject: string;
}

/** Makes calls into the kernel. */
export interface KernelCalls {
  /**
   * Makes one call. An error of the kernel is a result, not an exception.
   * @throws {StorageError} `unavailable` when it did not return by its deadline (it may still have
   * its effect, later), when a child for the same subject is still stuck, or when too many are.
   */
  call<Kind extends KernelCallKind>(
    call: KernelCall & { readonly kind: Kind },
    options: KernelCallOptions,
    signal: AbortSignal,
  ): Promise<KernelResult<Kind>>;
}
