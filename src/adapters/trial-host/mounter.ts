/**
 * The port `Mounter` for machines without NVMe, with no privilege at all. What is shown at a path
 * is a symbolic link: a block device is the disk's file itself, a mount a directory of the node
 * that holds the files of the file system.
 *
 * What it is not: a mount. Read-only and mount options are recorded and not enforced, nothing is
 * ever busy, and files reach the disk when a path is released, not when a program syncs them. Nor
 * is a file a device: a program that cuts a block target to length cuts the disk.
 */
import { dirname } from "node:path";
import type { BlockDevice, DeviceNumber } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { FileSystemUsage, Mounter, MountRequest, PathUse } from "../../ports/mounter.ts";
import type { Disks } from "./disks.ts";
import { contentOf } from "./file_systems.ts";
import type { NodeState, UseRecord } from "./node_state.ts";
import { isMissing, statIfPresent } from "./paths.ts";
import { measureTree, OVERHEAD_BYTES, packTree, readHeader, unpackTree } from "./stored_tree.ts";

/** One inode for so many bytes, as mkfs.ext4 has it. */
const BYTES_PER_INODE = 16_384;
/** Options that only say what to do while mounting; a kernel does not show them afterwards. */
const UNSHOWN_OPTIONS: readonly string[] = ["defaults", "nouuid"];

/** The mounts of a trial node. */
export class TrialMounter implements Mounter {
  readonly #state: NodeState;
  readonly #disks: Disks;

  constructor(state: NodeState, disks: Disks) {
    this.#state = state;
    this.#disks = disks;
  }

  async look(path: string, signal: AbortSignal): Promise<PathUse> {
    signal.throwIfAborted();
    const use = await this.#state.useAt(path);
    if (use === undefined) return await this.#lookBehind(path);
    const isAlive = await this.#state.sessionOf(use.number) !== undefined;
    const { number: device, isReadOnly, mount } = use;
    if (mount === undefined) return { kind: "block", device, isReadOnly, isAlive };
    const { fileSystem, options } = mount;
    return { kind: "mount", device, fileSystem, options, isReadOnly, isAlive };
  }

  async mount(request: MountRequest, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { device, path, fileSystem, isReadOnly } = request;
    const diskPath = await this.#disks.open(device);
    const content = await contentOf(diskPath);
    if (content.kind !== "file-system" || content.fileSystem !== fileSystem) {
      const finding = `${device.path} holds no ${fileSystem}`;
      throw new StorageError("not-ready", `Cannot mount at ${path}: ${finding}`);
    }
    const link = this.#state.contentDirectoryOf(device.number);
    const options = request.options.filter((option) => !UNSHOWN_OPTIONS.includes(option));
    const use = { path, number: device.number, isReadOnly, link, mount: { fileSystem, options } };
    if (await this.#isShown(use)) return;
    await this.#checkFree(path);
    if (!await this.#isMounted(device.number)) {
      await removeContents(link);
      await unpackTree(diskPath, link);
    }
    await this.#show(use);
  }

  async bind(from: string, path: string, isReadOnly: boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const source = await this.#state.useAt(from);
    const session = source === undefined ? undefined : await this.#state.sessionOf(source.number);
    if (source?.mount === undefined || session === undefined) {
      throw new StorageError("not-ready", `Cannot bind ${from}: nothing alive is mounted there`);
    }
    const use = { ...source, path, isReadOnly: isReadOnly || source.isReadOnly };
    if (await this.#isShown(use)) return;
    await this.#checkFree(path);
    await this.#show(use);
  }

  async exposeBlock(
    device: BlockDevice,
    path: string,
    isReadOnly: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const link = await this.#disks.open(device);
    const use = { path, number: device.number, isReadOnly, link };
    if (await this.#isShown(use)) return;
    await this.#checkFree(path);
    if ((await this.#lookBehind(path)).kind === "directory") {
      throw notFree(path, "it is a directory");
    }
    await this.#show(use);
  }

  async release(path: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const use = await this.#state.useAt(path);
    if (use?.mount !== undefined) await this.#keepContents(use);
    if (use !== undefined) await Deno.remove(path);
    await this.#state.dropUse(path);
    if (use?.mount !== undefined && !await this.#isMounted(use.number)) {
      await removeContents(use.link);
    }
    await this.#removeEmpty(path);
  }

  async usesOf(device: DeviceNumber, signal: AbortSignal): Promise<string[]> {
    signal.throwIfAborted();
    const uses = await this.#state.uses();
    return uses.filter(({ number }) => number === device).map(({ path }) => path);
  }

  async works(path: string, signal: AbortSignal): Promise<boolean> {
    const use = await this.look(path, signal);
    if (use.kind === "mount") return use.isAlive;
    throw new StorageError("not-found", `Cannot ask ${path}: nothing is mounted there`);
  }

  async usage(path: string, signal: AbortSignal): Promise<FileSystemUsage> {
    signal.throwIfAborted();
    const use = await this.#state.useAt(path);
    if (use?.mount === undefined) {
      throw new StorageError("not-found", `Cannot measure ${path}: nothing is mounted there`);
    }
    const session = await this.#state.sessionOf(use.number);
    const header = session === undefined ? undefined : await readHeader(session.backingPath);
    if (header === undefined) {
      throw new StorageError("unavailable", `Cannot measure ${path}: its device is gone`);
    }
    const { count, bytes } = await measureTree(use.link);
    const totalBytes = header.sizeBytes;
    const usedBytes = Math.min(totalBytes, OVERHEAD_BYTES + bytes);
    const space = { totalBytes, usedBytes, availableBytes: totalBytes - usedBytes };
    if (use.mount.fileSystem === "btrfs") return space;
    const total = Math.floor(totalBytes / BYTES_PER_INODE);
    const used = Math.min(total, count + 1);
    return { ...space, inodes: { total, used, available: total - used } };
  }

  async #lookBehind(path: string): Promise<PathUse> {
    const found = await statIfPresent(path);
    if (found === undefined) return { kind: "nothing" };
    if (found.isDirectory) return { kind: "directory" };
    if (!found.isSymlink) return { kind: "other", what: "a file" };
    // Ours without a record: `#show` or `release` was cut off, and nothing is shown here.
    const isOurs = this.#state.isOurLink(await Deno.readLink(path));
    return isOurs ? { kind: "nothing" } : { kind: "other", what: "a symbolic link" };
  }

  async #isShown(wanted: UseRecord): Promise<boolean> {
    const use = await this.#state.useAt(wanted.path);
    if (use === undefined) return false;
    if (use.number === wanted.number && use.isReadOnly === wanted.isReadOnly) {
      if ((use.mount === undefined) === (wanted.mount === undefined)) return true;
    }
    throw notFree(wanted.path, `it shows device ${use.number}`);
  }

  /** Whether the files of the device lie in their directory because something has it mounted. */
  async #isMounted(device: DeviceNumber): Promise<boolean> {
    const uses = await this.#state.uses();
    return uses.some(({ number, mount }) => number === device && mount !== undefined);
  }

  async #checkFree(path: string): Promise<void> {
    const use = await this.#lookBehind(path);
    if (use.kind === "other") throw notFree(path, `it is ${use.what}`);
    if (use.kind === "directory" && !await isEmpty(path)) throw notFree(path, "it holds files");
    if (!await isDirectory(dirname(path))) throw notFree(path, "its directory is missing");
  }

  /** First the link, then the record: one without the other counts as nothing. */
  async #show(use: UseRecord): Promise<void> {
    await this.#removeEmpty(use.path);
    await Deno.symlink(use.link, use.path);
    await this.#state.addUse(use);
  }

  /** The files go into the disk at every release, so a pod that is gone has its files kept. */
  async #keepContents({ number, link, isReadOnly }: UseRecord): Promise<void> {
    const session = await this.#state.sessionOf(number);
    if (session === undefined || isReadOnly) return;
    const { backingPath: path } = session;
    await packTree(link, await this.#disks.open({ path, number }));
  }

  /** Takes away an empty directory, or a link of ours that shows nothing. */
  async #removeEmpty(path: string): Promise<void> {
    const use = await this.#lookBehind(path);
    if (use.kind === "other") throw notReleased(path, `it is ${use.what}`);
    if (use.kind === "directory" && !await isEmpty(path)) {
      throw notReleased(path, "it holds files of somebody's");
    }
    if (await statIfPresent(path) !== undefined) await Deno.remove(path);
  }
}

/** The node's own copy of a file system that is not mounted any more; the disk has it all. */
async function removeContents(directory: string): Promise<void> {
  if (await statIfPresent(directory) === undefined) return;
  await Deno.remove(directory, { recursive: true });
}

async function isEmpty(directory: string): Promise<boolean> {
  for await (const _entry of Deno.readDir(directory)) return false;
  return true;
}

/** Whether there is a directory, at the end of a link too. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function notFree(path: string, finding: string): StorageError {
  return new StorageError("not-ready", `Cannot use ${path}: ${finding}`);
}

function notReleased(path: string, finding: string): StorageError {
  return new StorageError("not-ready", `Cannot release ${path}: ${finding}`);
}
