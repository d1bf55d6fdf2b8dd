/** Who keeps a mount busy, for the message only: what cannot be seen is left out. */
import type { KernelFiles } from "./kernel_tables.ts";
import { mountsBelow, parseMountinfo } from "./mountinfo.ts";

/** So many are named. */
const NAMED_MAX = 5;
const PROCESSES_MAX = 4000;
const DESCRIPTORS_MAX = 1000;

/** Processes with a file open, or their directory, at or below `path`, in words. */
export async function openersOf(path: string, files: KernelFiles): Promise<string[]> {
  const found: string[] = [];
  const isInside = (target: string | undefined): boolean =>
    target === path || target?.startsWith(`${path}/`) === true;
  for (const pid of await processes(files)) {
    if (found.length === NAMED_MAX) break;
    const descriptors = (await files.list(`/proc/${pid}/fd`)
      .catch(() => [])).slice(0, DESCRIPTORS_MAX);
    const links = ["cwd", "root", ...descriptors.map((name) => `fd/${name}`)];
    for (const link of links) {
      if (!isInside(await linkAt(`/proc/${pid}/${link}`))) continue;
      found.push(`process ${pid}${await nameOf(pid, files)}`);
      break;
    }
  }
  return found;
}

/** Mounts of a device number in other mount namespaces, in words. */
export async function foreignMountsOf(number: string, files: KernelFiles): Promise<string[]> {
  const found: string[] = [];
  const seen = new Set([await linkAt("/proc/self/ns/mnt")]);
  for (const pid of await processes(files)) {
    if (found.length === NAMED_MAX) break;
    const namespace = await linkAt(`/proc/${pid}/ns/mnt`);
    if (namespace === undefined || seen.has(namespace)) continue;
    seen.add(namespace);
    const text = await files.read(`/proc/${pid}/mountinfo`).catch(() => undefined);
    const entry = parseMountinfo(text ?? "").find((each) => each.number === number);
    if (entry === undefined) continue;
    found.push(`${entry.path} in the namespace of process ${pid}${await nameOf(pid, files)}`);
  }
  return found;
}

/** Mounts on directories below `path`, in words. */
export async function innerMountsOf(path: string, files: KernelFiles): Promise<string[]> {
  const text = await files.read("/proc/self/mountinfo");
  const inner = mountsBelow(parseMountinfo(text ?? ""), path);
  return inner.slice(0, NAMED_MAX).map((entry) => `the mount at ${entry.path}`);
}

async function processes(files: KernelFiles): Promise<string[]> {
  const names = await files.list("/proc");
  return names.filter((name) => /^\d+$/.test(name)).slice(0, PROCESSES_MAX);
}

async function nameOf(pid: string, files: KernelFiles): Promise<string> {
  const name = await files.read(`/proc/${pid}/comm`).catch(() => undefined);
  return name === undefined ? "" : ` (${name.trim()})`;
}

async function linkAt(path: string): Promise<string | undefined> {
  try {
    return await Deno.readLink(path);
  } catch {
    return undefined;
  }
}
