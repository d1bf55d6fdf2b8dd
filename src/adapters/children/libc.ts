/**
 * System calls, made through the C library. Each waits for the kernel as long as that takes, so
 * this is for the worker process only. An error of the kernel is thrown as {@link KernelError}.
 */
import { errnoName } from "./errno.ts";

/** The kernel refused a call. */
export class KernelError extends Error {
  /** The name of the error, for example `EBUSY`. */
  readonly errno: string;

  constructor(errno: string, call: string) {
    super(`${call}: ${errno}`);
    this.name = "KernelError";
    this.errno = errno;
  }
}

/** The flags of `open`, by what they mean; one of them differs between architectures. */
export interface OpenFlags {
  readonly access: "read" | "write" | "both" | "path";
  readonly isExclusive?: boolean;
  readonly isDirect?: boolean;
}

/** What a file is, as far as it matters here. */
export interface FileKind {
  readonly isBlockDevice: boolean;
  /** The number of the device it stands for, `major:minor`. */
  readonly device: string;
}

/** The numbers that statfs fills in. */
export type StatFs = Readonly<
  Record<"type" | "bsize" | "blocks" | "bfree" | "bavail" | "files" | "ffree" | "frsize", number>
>;

const LIBRARY = "libc.so.6";
const SYMBOLS = {
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  statfs: { parameters: ["buffer", "buffer"], result: "i32" },
  memcmp: { parameters: ["buffer", "buffer", "usize"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

const ACCESS_FLAGS = { read: 0, write: 1, both: 2, path: 0o10000000 } as const;
const O_EXCL = 0o200;
const O_CLOEXEC = 0o2000000;
/** Where the two architectures that we run on differ. */
const ARCHITECTURE_FLAGS = {
  x86_64: { direct: 0o40000 },
  aarch64: { direct: 0o200000 },
} as const;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_STATX_DONT_SYNC = 0x4000;
const STATX_TYPE = 1;
const STATX_BASIC_STATS = 0x7ff;
const MODE_MASK = 0o170000;
const MODE_BLOCK_DEVICE = 0o060000;
const NO_MODE = 0;

/** The C library of this process. */
export class LibC implements Disposable {
  readonly #library = Deno.dlopen(LIBRARY, SYMBOLS);

  /** Opens a file and gives its descriptor. @throws {KernelError} */
  open(path: string, flags: OpenFlags): number {
    const bits = openBits(flags, Deno.build.arch);
    return this.#checked("open", this.#library.symbols.open(textOf(path), bits, NO_MODE));
  }

  /** Closes a descriptor. That it fails tells nothing that a call before did not. */
  close(descriptor: number): void {
    this.#library.symbols.close(descriptor);
  }

  /** Reads once, and gives how many bytes there were; 0 at the end. @throws {KernelError} */
  read(descriptor: number, into: Uint8Array<ArrayBuffer>): number {
    const { read } = this.#library.symbols;
    return this.#checked("read", read(descriptor, into, BigInt(into.length)));
  }

  /** Writes once, and gives how many bytes were taken. @throws {KernelError} */
  write(descriptor: number, bytes: Uint8Array<ArrayBuffer>): number {
    const { write } = this.#library.symbols;
    return this.#checked("write", write(descriptor, bytes, BigInt(bytes.length)));
  }

  /** Reads once at a place, and gives how many bytes there were. @throws {KernelError} */
  readAt(descriptor: number, into: Uint8Array<ArrayBuffer>, offset: number): number {
    const { pread } = this.#library.symbols;
    return this.#checked("pread", pread(descriptor, into, BigInt(into.length), BigInt(offset)));
  }

  /** What an open file is. @throws {KernelError} */
  kindOf(descriptor: number): FileKind {
    return this.#kindAt(descriptor, "", AT_EMPTY_PATH, STATX_BASIC_STATS);
  }

  /**
   * What the file is that a path leads to, by what this machine knows of it: no server is asked.
   * @throws {KernelError}
   */
  kindAt(path: string): FileKind {
    return this.#kindAt(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE);
  }

  #kindAt(directory: number, path: string, flags: number, mask: number): FileKind {
    // Unlike that of stat, this structure is the same on every architecture.
    const bytes = new Uint8Array(256);
    const { statx } = this.#library.symbols;
    this.#checked("statx", statx(directory, textOf(path), flags, mask, bytes));
    const view = new DataView(bytes.buffer);
    const isBlockDevice = (view.getUint16(28, true) & MODE_MASK) === MODE_BLOCK_DEVICE;
    return { isBlockDevice, device: `${view.getUint32(128, true)}:${view.getUint32(132, true)}` };
  }

  /** Whether `bytes` are the first ones of `others`: a loop of ours over a MiB takes too long. */
  isSame(bytes: Uint8Array<ArrayBuffer>, others: Uint8Array<ArrayBuffer>): boolean {
    return this.#library.symbols.memcmp(bytes, others, BigInt(bytes.length)) === 0;
  }

  /** Space and inodes of the file system at a path. @throws {KernelError} */
  statfs(path: string): StatFs {
    const bytes = new Uint8Array(256);
    this.#checked("statfs", this.#library.symbols.statfs(textOf(path), bytes));
    const view = new DataView(bytes.buffer);
    const at = (offset: number): number => Number(view.getBigUint64(offset, true));
    const space = { type: at(0), bsize: at(8), blocks: at(16), bfree: at(24), bavail: at(32) };
    return { ...space, files: at(40), ffree: at(48), frsize: at(72) };
  }

  [Symbol.dispose](): void {
    this.#library.close();
  }

  /** The result of a call as a number; right after it, before anything else changes errno. */
  #checked(call: string, result: number | bigint): number {
    if (result >= 0) return Number(result);
    const place = this.#library.symbols.__errno_location();
    const number = place === null ? 0 : new Deno.UnsafePointerView(place).getInt32();
    throw new KernelError(errnoName(number), call);
  }
}

/** The bits that mean `flags`. @throws {RangeError} on an architecture that we do not know */
export function openBits(flags: OpenFlags, architecture: string): number {
  if (architecture !== "x86_64" && architecture !== "aarch64") {
    throw new RangeError(`Cannot make system calls on ${architecture}`);
  }
  const { direct } = ARCHITECTURE_FLAGS[architecture];
  return ACCESS_FLAGS[flags.access] | O_CLOEXEC |
    (flags.isExclusive === true ? O_EXCL : 0) |
    (flags.isDirect === true ? direct : 0);
}

/** A text as C has it. @throws {RangeError} when it holds the character that ends it there */
function textOf(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new RangeError("Cannot pass a text with a zero to the kernel");
  return new TextEncoder().encode(`${text}\0`);
}
