/** The small file system that a laboratory machine starts from: it mounts this machine's own files. */
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runHostProgram } from "./host_program.ts";

/** What a guest needs until it can read its other modules from its root. */
const MODULES: readonly string[] = [
  "virtio_pci",
  "9pnet_virtio",
  "9p",
  "overlay",
  "virtio_net",
  "virtio_blk",
  "virtio_rng",
];
const INIT = fileURLToPath(new URL("guest/initramfs_init.sh", import.meta.url));
const DEADLINE_MS = 120_000;
/** How a packed module becomes a plain one. */
const UNPACKERS: ReadonlyMap<string, readonly string[]> = new Map([
  [".xz", ["xz", "-dc"]],
  [".zst", ["zstd", "-dcq"]],
  [".gz", ["gzip", "-dc"]],
]);

/** For which kernel one is built, and where. */
export interface InitramfsOptions {
  readonly release: string;
  /** The directory above lib/modules. */
  readonly modules: string;
  /** Where the file is kept. */
  readonly directory: string;
}

/**
 * The path of a kernel's initial file system; built when there is none of the present script.
 * @throws {Error} when a program fails or busybox is missing.
 */
export async function buildInitramfs(options: InitramfsOptions): Promise<string> {
  const init = await Deno.readTextFile(INIT);
  const digest = createHash("sha256").update(init).digest("hex").slice(0, 12);
  const target = join(options.directory, `initramfs-${digest}.img`);
  if (await Deno.stat(target).then(() => true, () => false)) return target;
  const tree = await Deno.makeTempDir({ dir: options.directory, prefix: "initramfs-" });
  try {
    await fill(join(tree, "root"), options);
    const pack = "find . | LC_ALL=C sort | cpio -o -H newc --quiet > ../image";
    const root = join(tree, "root");
    await runHostProgram(["sh", "-c", pack], { deadlineMs: DEADLINE_MS, directory: root });
    await Deno.rename(join(tree, "image"), target);
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
  return target;
}

async function fill(root: string, { release, modules }: InitramfsOptions): Promise<void> {
  for (const name of ["bin", "modules", "proc", "sys", "dev", "lower", "new"]) {
    await Deno.mkdir(join(root, name), { recursive: true });
  }
  await Deno.copyFile("/usr/bin/busybox", join(root, "bin/busybox"));
  await Deno.symlink("busybox", join(root, "bin/sh"));
  const order: string[] = [];
  for (const file of await moduleFiles(release, modules)) {
    const name = basename(file).replace(/\.(xz|zst|gz)$/, "");
    if (order.includes(name)) continue;
    await Deno.writeFile(join(root, "modules", name), await plain(file));
    order.push(name);
  }
  await Deno.writeTextFile(join(root, "modules/order"), `${order.join("\n")}\n`);
  await Deno.copyFile(INIT, join(root, "init"));
  await Deno.chmod(join(root, "init"), 0o755);
}

/** The files of all modules needed, each after those that it needs itself. */
async function moduleFiles(release: string, modules: string): Promise<string[]> {
  const files: string[] = [];
  for (const name of MODULES) {
    const argv = ["modprobe", "-d", modules, "-S", release, "--show-depends", name];
    const text = await runHostProgram(argv, { deadlineMs: DEADLINE_MS });
    for (const line of text.split("\n")) {
      const [verb, path] = line.trim().split(/\s+/);
      if (verb === "insmod" && path !== undefined) files.push(path);
    }
  }
  return files;
}

async function plain(file: string): Promise<Uint8Array> {
  const unpacker = [...UNPACKERS].find(([ending]) => file.endsWith(ending))?.[1];
  if (unpacker === undefined) return await Deno.readFile(file);
  const [program = "", ...args] = unpacker;
  const { success, stdout } = await new Deno.Command(program, {
    args: [...args, file],
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).output();
  if (!success) throw new Error(`Cannot unpack ${file}: ${program} failed`);
  return stdout;
}
