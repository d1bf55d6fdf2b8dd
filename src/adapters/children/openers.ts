/**
 * Who has a block device open. Each descriptor of each process is asked what it leads to, by its
 * number: the same device has another path in a pod or below the kubelet's directory. The question
 * goes through the open file itself, and no server of a network file system is asked, so that a
 * dead one does not hold it up.
 *
 * A loop device over another device has no descriptor anywhere, and holds nothing in the kernel's
 * tables. It is asked for by the path that it was given, as far as this process sees the same files
 * there, and only where no server has to be asked on the way.
 */
import type { DeviceOpener } from "../../ports/kernel_calls.ts";
import { KernelError } from "./libc.ts";
import type { FileKind, LibC } from "./libc.ts";

/** The part of /proc and /sys that is needed; a process can go away between any two calls. */
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
/** File systems whose files this machine knows by itself. */
const LOCAL: readonly string[] = [
  ...["devtmpfs", "tmpfs", "ramfs", "rootfs", "overlay", "squashfs"],
  ...["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs"],
];
/** The process went away, closed the descriptor, or is none that we may look into. */
const UNSEEN: readonly string[] = ["ENOENT", "ESRCH", "EACCES", "EPERM", "ENOTDIR", "ENXIO"];

/**
 * Who has one of the devices open, those that can write first; at most eight. It
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
  found.push(...loopsOver(files, wanted));
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

function loopsOver(files: ProcFiles, wanted: ReadonlySet<string>): DeviceOpener[] {
  const mounts = (files.read("/proc/self/mountinfo") ?? "").split("\n");
  return files.list("/sys/block").filter((name) => name.startsWith("loop")).flatMap((name) => {
    const path = files.read(`/sys/block/${name}/loop/backing_file`)?.replace(/\n$/, "");
    if (path === undefined || !isLocal(path, mounts)) return [];
    const kind = files.kindOf(path);
    if (kind?.isBlockDevice !== true || !wanted.has(kind.device)) return [];
    return [{ name, canWrite: files.read(`/sys/block/${name}/ro`)?.trim() !== "1" }];
  });
}

/** Whether no mount on the way to a path is of a file system that asks a server. */
function isLocal(path: string, mountinfo: readonly string[]): boolean {
  return mountinfo.every((line) => {
    const [front = "", back = ""] = line.split(" - ");
    const place = front.split(" ")[4];
    if (place === undefined) return true;
    const isOnTheWay = place === "/" || path === place || path.startsWith(`${place}/`);
    return !isOnTheWay || LOCAL.includes(back.split(" ")[0] ?? "");
  });
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
