/**
 * The port `FileSystems` for machines without NVMe. What is on a disk is read from its bytes as
 * anywhere; what `format` makes is a real superblock with the trial's own tree behind it. Only the
 * trial can mount that: there is nothing for a check to find, and mkfs options are not looked at.
 */
import type { FileSystemType } from "../../domain/access.ts";
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { FsckPolicy } from "../../domain/volume_parameters.ts";
import type { DeviceContent, FileSystems, FoundFileSystem } from "../../ports/file_systems.ts";
import { readAt, writeAt } from "./device_file.ts";
import type { Disks } from "./disks.ts";
import type { NodeState } from "./node_state.ts";
import { growTree, makeTree } from "./stored_tree.ts";
import { recognise, superBlockOf, WINDOW_BYTES } from "./super_block.ts";

/** The file systems of a trial node. */
export class TrialFileSystems implements FileSystems {
  readonly #state: NodeState;
  readonly #disks: Disks;

  constructor(state: NodeState, disks: Disks) {
    this.#state = state;
    this.#disks = disks;
  }

  async identify(device: BlockDevice, signal: AbortSignal): Promise<DeviceContent> {
    signal.throwIfAborted();
    return await contentOf(await this.#disks.open(device));
  }

  async format(
    device: BlockDevice,
    fileSystem: FileSystemType,
    _options: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const path = await this.#disks.open(device);
    const content = await contentOf(path);
    if (content.kind !== "blank") {
      const found = content.kind === "other" ? content.what : `a ${content.kind}`;
      throw new StorageError("not-ready", `Cannot format ${path}: it holds ${found}`);
    }
    // The superblock comes last: until then the disk is blank, and the format can begin again.
    await makeTree(path, device.sizeBytes);
    const { offset, bytes } = superBlockOf(fileSystem, crypto.randomUUID(), device.sizeBytes);
    await writeAt(path, offset, bytes);
  }

  async check(
    device: BlockDevice,
    { fileSystem }: FoundFileSystem,
    _policy: FsckPolicy,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    await this.#pathWith(device, fileSystem);
    const uses = await this.#state.uses();
    const use = uses.find(({ number, mount }) => number === device.number && mount !== undefined);
    if (use === undefined) return;
    throw new StorageError("in-use", `Cannot check ${device.path}: it is mounted at ${use.path}`);
  }

  async grow(
    device: BlockDevice,
    fileSystem: FileSystemType,
    mountPath: string,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const path = await this.#pathWith(device, fileSystem);
    const use = await this.#state.useAt(mountPath);
    if (use?.mount === undefined || use.number !== device.number || use.isReadOnly) {
      const finding = `${mountPath} does not have it mounted writable`;
      throw new StorageError("not-ready", `Cannot grow the file system on ${path}: ${finding}`);
    }
    await growTree(path, device.sizeBytes);
  }

  async #pathWith(device: BlockDevice, fileSystem: FileSystemType): Promise<string> {
    const path = await this.#disks.open(device);
    const content = await contentOf(path);
    if (content.kind === "file-system" && content.fileSystem === fileSystem) return path;
    throw new StorageError("not-ready", `Cannot use ${path}: it holds no ${fileSystem}`);
  }
}

/** What a disk holds. A file that is too short or cannot be read is never called blank. */
export async function contentOf(path: string): Promise<DeviceContent> {
  try {
    const { size } = await Deno.stat(path);
    const head = await readAt(path, 0, WINDOW_BYTES);
    return recognise(head, await readAt(path, size - WINDOW_BYTES, WINDOW_BYTES));
  } catch (cause) {
    throw new StorageError("unavailable", `Cannot read ${path}: it may be changing`, { cause });
  }
}
