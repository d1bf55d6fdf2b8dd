/**
 * Who has a block device open. Each descriptor of each process is asked what it leads to, by its
 * number: the same device has another path in a pod or below the kubelet's directory. The question
 * goes through the open file itself, and no server of a network file system is asked, so that a
 * dead one does not hold it up.
 */
import type { DeviceOpener } from "../../ports/kernel_calls.ts";
import { KernelError } from "./libc.ts";
import type { FileKind, LibC } from "./libc.ts";

/** The part of /proc that is needed; a process can go away between any two calls. */
export interface ProcFiles {
  /** The names in a directory; none when it is not there or not for us. */
  list(path: string): readonly string[];
  /** A small file; undefined when it is not there. */
  read(path: string): string | undefined;
  /** What the file is that a link leads to; undefined when it is not there. */
  kindOf(path: string): FileKind | undefined;
}

/** The list is for people and for a decision that one entry is enough for. */
const OPENERS_MAX = 8;
const O_ACCMODE = 0o3;
/** The process went away, closed the descriptor, or is none that we may look into. */
const UNSEEN: readonly string[] = ["ENOENT", "ESRCH", "EACCES", "EPERM", "ENOTDIR", "ENXIO"];

/**
 * The processes that have one of the devices open, those that can write first; at most eight. It
 * has no limit of its own: whoever asks has a deadline, and half a search would prove nothing.
 * @param numbers of block devices, `major:minor`
 */
export function findOpeners(files: ProcFiles, numbers: readonly string[]): DeviceOpener[] {
  const wanted = new Set(numbers);
  const found: DeviceOpener[] = [];
  for (const process of files.list("/proc")) {
    if (!/^\d+$/.test(process)) continue;
    const access = accessOf(files, `/proc/${process}`, wanted);
    if (access === "none") continue;
    const name = files.read(`/proc/${process}/comm`)?.trim() ?? "unknown";
    found.push({ pid: Number(process), name, canWrite: access === "write" });
  }
  return found.sort((left, right) => Number(right.canWrite) - Number(left.canWrite))
    .slice(0, OPENERS_MAX);
}

/** The files of this machine. */
export function procFiles(libc: LibC): ProcFiles {
  return {
    list: (path) =>
      unlessUnseen(() => Array.from(Deno.readDirSync(path), ({ name }) => name)) ?? [],
    read: (path) => unlessUnseen(() => Deno.readTextFileSync(path)),
    kindOf: (path) => unlessUnseen(() => libc.kindAt(path)),
  };
}

function accessOf(
  files: ProcFiles,
  process: string,
  wanted: ReadonlySet<string>,
): "none" | "read" | "write" {
  let access: "none" | "read" = "none";
  for (const descriptor of files.list(`${process}/fd`)) {
    const kind = files.kindOf(`${process}/fd/${descriptor}`);
    if (kind?.isBlockDevice !== true || !wanted.has(kind.device)) continue;
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(
      files.read(`${process}/fdinfo/${descriptor}`) ?? "",
    ) ?? [];
    // What does not say how it was opened may write.
    if (flags === undefined || (Number.parseInt(flags, 8) & O_ACCMODE) !== 0) return "write";
    access = "read";
  }
  return access;
}

function unlessUnseen<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof KernelError && UNSEEN.includes(error.errno)) return undefined;
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
      return undefined;
    }
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (UNSEEN.includes(code)) return undefined;
    throw error;
  }
}
