/**
 * The kernels of the laboratory: fetched once from Debian into a cache outside the checkout,
 * unpacked (never installed), each with an initial file system that boots into this machine's own
 * files. `deno run -A tools/lab/kernels.ts [SERIES…]` fetches them ahead of time.
 */
import { join } from "node:path";
import { runHostProgram } from "./host_program.ts";
import { buildInitramfs } from "./initramfs.ts";
import { PackageSource } from "./packages.ts";

/** The series that the driver is proved on: of Debian 12, of Debian 13, and the newest. */
export const KERNEL_SERIES = ["6.1", "6.12", "7.2"] as const;
/** One of {@link KERNEL_SERIES}. */
export type KernelSeries = (typeof KERNEL_SERIES)[number];

/** A kernel that a machine can boot. Paths are absolute. */
export interface Kernel {
  readonly series: KernelSeries;
  /** What `uname -r` says. */
  readonly release: string;
  readonly image: string;
  readonly initramfs: string;
  /** What is /lib/modules for the guest. */
  readonly modules: string;
}

/** Who tells what is being fetched. */
export type Print = (line: string) => void;

const LOCK_DEADLINE_MS = 1_800_000;
const LOCK_POLL_MS = 500;
const DEPMOD_MS = 300_000;

/** Whether `text` names one of {@link KERNEL_SERIES}. */
export function isKernelSeries(text: string): text is KernelSeries {
  return KERNEL_SERIES.some((series) => series === text);
}

/**
 * The newest kernel of a series that could be had when it was first asked for; from the cache
 * after that. Several processes may ask at once.
 * @throws {Error} naming what could not be had.
 */
export async function kernelOf(series: KernelSeries, print: Print): Promise<Kernel> {
  const cache = cacheDirectory();
  await Deno.mkdir(cache, { recursive: true });
  using _lock = await lockOf(join(cache, "lock"), print);
  const directory = join(cache, series);
  try {
    if (await releaseIn(directory) === undefined) await fetchKernel(series, directory, print);
    return await readyKernel(series, directory);
  } catch (error) {
    throw new Error(`Cannot have kernel ${series}: ${messageOf(error)}`, { cause: error });
  }
}

/** Where kernels are kept: outside every checkout. */
export function cacheDirectory(): string {
  const base = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/root", ".cache");
  return join(base, "rds-csi", "lab");
}

/** The newest of several names that differ in their version: 6.12.117 after 6.12.94. */
export function newestOf(names: readonly string[]): string | undefined {
  const { compare } = new Intl.Collator("en", { numeric: true });
  return [...names].sort(compare).at(-1);
}

async function fetchKernel(series: KernelSeries, directory: string, print: Print): Promise<void> {
  const source = new PackageSource(join(cacheDirectory(), "apt"), print);
  await source.update();
  const escaped = series.replaceAll(".", "\\.");
  const pattern = `^linux-(image|binary|modules|base)-${escaped}[.0-9]*[-+.0-9a-z]*-amd64$`;
  const names = (await source.search(pattern)).filter((name) => !/-(cloud|rt)-/.test(name));
  const images = names.filter((name) => new RegExp(`^linux-image-${escaped}[.][0-9]`).test(name));
  const image = newestOf(images);
  if (image === undefined) {
    throw new Error(`no archive has a package linux-image-${series}.*-amd64`);
  }
  const release = image.slice("linux-image-".length);
  const part = await Deno.makeTempDir({ dir: cacheDirectory(), prefix: `${series}-` });
  try {
    // Newer kernels come in several packages, of which the image is an empty one.
    const wanted = names.filter((name) => name.endsWith(`-${release}`));
    for (const name of wanted) await source.unpack(name, join(part, "unpacked"));
    await gather(part, release);
    await Deno.remove(join(part, "unpacked"), { recursive: true });
    await Deno.rename(part, directory);
  } catch (error) {
    await Deno.remove(part, { recursive: true });
    throw error;
  }
}

/** Makes of the unpacked packages what a guest needs: the image, the modules, their index. */
async function gather(part: string, release: string): Promise<void> {
  const unpacked = join(part, "unpacked");
  const modules = join(part, "modules", "lib", "modules");
  await Deno.mkdir(modules, { recursive: true });
  const trees = [`usr/lib/modules/${release}`, `lib/modules/${release}`];
  await moveFirst(trees.map((path) => join(unpacked, path)), join(modules, release));
  const images = [join(unpacked, `boot/vmlinuz-${release}`), join(modules, release, "vmlinuz")];
  await moveFirst(images, join(part, "vmlinuz"));
  const argv = ["depmod", "-b", join(part, "modules"), release];
  await runHostProgram(argv, { deadlineMs: DEPMOD_MS });
  await Deno.writeTextFile(join(part, "release"), release);
}

async function moveFirst(paths: readonly string[], target: string): Promise<void> {
  for (const path of paths) {
    const found = await Deno.stat(path).catch(() => undefined);
    if (found !== undefined) return await Deno.rename(path, target);
  }
  throw new Error(`the packages have none of ${paths.join(", ")}`);
}

async function readyKernel(series: KernelSeries, directory: string): Promise<Kernel> {
  const release = await releaseIn(directory) ?? "";
  const modules = join(directory, "modules");
  const initramfs = await buildInitramfs({ release, modules, directory });
  return {
    series,
    release,
    image: join(directory, "vmlinuz"),
    initramfs,
    modules: join(modules, "lib", "modules"),
  };
}

async function releaseIn(directory: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(join(directory, "release"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function lockOf(path: string, print: Print): Promise<Deno.FsFile> {
  const file = await Deno.open(path, { create: true, write: true });
  const last = Date.now() + LOCK_DEADLINE_MS;
  for (let isFirst = true; !await file.tryLock(true); isFirst = false) {
    if (isFirst) print("waiting: another process is fetching kernels");
    if (Date.now() > last) {
      file.close();
      throw new Error(`Cannot lock ${path}: held by another process for ${LOCK_DEADLINE_MS} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  return file;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function main(): Promise<void> {
  const print = (line: string): void => {
    Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  };
  const wanted = Deno.args.length === 0 ? KERNEL_SERIES : Deno.args.filter(isKernelSeries);
  for (const series of wanted) {
    const { release, initramfs } = await kernelOf(series, print);
    print(`${series}: ${release}, ${initramfs}`);
  }
}

if (import.meta.main) await main();
