/** The port `Mounter` over a {@link HostWorld}. */
import type { BlockDevice, DeviceNumber } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { FileSystemUsage, Mounter, MountRequest, PathUse } from "../../ports/mounter.ts";
import { answer } from "./answer.ts";
import type { HostWorld, MountRecord } from "./host_world.ts";

/** What a file system keeps for itself. */
const OVERHEAD_BYTES = 1024 ** 2;
/** Options that only say what to do while mounting; a kernel does not show them afterwards. */
const UNSHOWN_OPTIONS: readonly string[] = ["defaults", "nouuid"];

/** The mounts of a node in memory. */
export class MemoryMounter implements Mounter {
  readonly #world: HostWorld;

  constructor(world: HostWorld) {
    this.#world = world;
  }

  look(path: string, signal: AbortSignal): Promise<PathUse> {
    return answer(signal, () => this.#look(path));
  }

  works(path: string, signal: AbortSignal): Promise<boolean> {
    return answer(signal, () => {
      const mount = this.#world.mountAt(path);
      if (mount !== undefined) return this.#world.isMountAlive(mount.device);
      throw new StorageError("not-found", `Cannot ask ${path}: nothing is mounted there`);
    });
  }

  mount(request: MountRequest, signal: AbortSignal): Promise<void> {
    return answer(signal, () => {
      const { device, path, options, isReadOnly } = request;
      const disk = this.#world.open(device);
      const stored = disk.content.kind === "file-system" ? disk.content.stored : undefined;
      if (stored?.fileSystem !== request.fileSystem || stored.health === "broken") {
        const finding = `the kernel finds no sound ${request.fileSystem} on ${device.path}`;
        throw new StorageError("not-ready", `Cannot mount at ${path}: ${finding}`);
      }
      this.#refuseTwin(stored.uuid, request);
      const record = { path, device: device.number, stored, options, isReadOnly };
      // A mount replays what a crash left in the journal.
      if (this.#add(record) && stored.health === "crashed") stored.health = "clean";
    });
  }

  bind(from: string, path: string, isReadOnly: boolean, signal: AbortSignal): Promise<void> {
    return answer(signal, () => {
      const source = this.#world.mountAt(from);
      if (source === undefined || !this.#world.isMountAlive(source.device)) {
        throw new StorageError("not-ready", `Cannot bind ${from}: nothing alive is mounted there`);
      }
      this.#add({ ...source, path, isReadOnly: isReadOnly || source.isReadOnly });
    });
  }

  exposeBlock(
    device: BlockDevice,
    path: string,
    isReadOnly: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    return answer(signal, () => {
      this.#world.open(device);
      const use = this.#look(path);
      if (use.kind === "block" && use.device === device.number && use.isReadOnly === isReadOnly) {
        return;
      }
      if (use.kind !== "nothing") throw notFree(path, describe(use));
      if (!this.#world.tree.hasParentOf(path)) throw notFree(path, "its directory is missing");
      this.#world.tree.makeNode(path, device.number, isReadOnly);
    });
  }

  release(path: string, signal: AbortSignal): Promise<void> {
    return answer(signal, () => {
      const { tree } = this.#world;
      for (let top = this.#world.mountAt(path); top; top = this.#world.mountAt(path)) {
        this.#world.unmount(top);
      }
      if (this.#world.isUnmounting(path)) {
        throw new StorageError("unavailable", `Cannot release ${path}: its unmount is pending`);
      }
      const entry = tree.at(path);
      if (entry === undefined) return;
      if (entry.kind === "file" || (entry.kind === "directory" && !tree.isEmpty(path))) {
        throw new StorageError("not-ready", `Cannot release ${path}: it holds files of somebody's`);
      }
      tree.remove(path);
    });
  }

  usesOf(device: DeviceNumber, signal: AbortSignal): Promise<string[]> {
    return answer(signal, () => {
      const mounted = this.#world.mounts.filter((each) => each.device === device);
      const nodes = this.#world.tree.entries().filter(([, entry]) =>
        entry.kind === "device-node" && entry.device === device
      );
      return [...new Set([...mounted.map(({ path }) => path), ...nodes.map(([path]) => path)])];
    });
  }

  usage(path: string, signal: AbortSignal): Promise<FileSystemUsage> {
    return answer(signal, () => {
      const mount = this.#world.mountAt(path);
      if (mount === undefined) {
        throw new StorageError("not-found", `Cannot measure ${path}: nothing is mounted there`);
      }
      if (!this.#world.isMountAlive(mount.device)) {
        throw new StorageError("unavailable", `Cannot measure ${path}: its device is gone`);
      }
      return usageOf(mount);
    });
  }

  #look(path: string): PathUse {
    const mount = this.#world.mountAt(path);
    if (mount !== undefined) {
      const { device, stored, options, isReadOnly } = mount;
      return {
        kind: "mount",
        device,
        fileSystem: stored.fileSystem,
        options: options.filter((option) => !UNSHOWN_OPTIONS.includes(option)),
        isReadOnly,
        isAlive: this.#world.isMountShownAlive(device),
      };
    }
    const entry = this.#world.tree.at(path);
    switch (entry?.kind) {
      case undefined:
        return { kind: "nothing" };
      case "directory":
        return { kind: "directory" };
      case "file":
        return { kind: "other", what: "a file" };
      case "device-node": {
        const { device, isReadOnly } = entry;
        return { kind: "block", device, isReadOnly, isAlive: this.#world.isAlive(device) };
      }
    }
  }

  /** Puts a mount at its path unless the same one is there; tells whether it did. */
  #add(record: MountRecord): boolean {
    const { path, device, isReadOnly } = record;
    const use = this.#look(path);
    if (use.kind === "mount" && use.device === device && use.isReadOnly === isReadOnly) {
      return false;
    }
    const { tree } = this.#world;
    if (use.kind === "directory" && !tree.isEmpty(path)) throw notFree(path, "it holds files");
    if (use.kind !== "nothing" && use.kind !== "directory") throw notFree(path, describe(use));
    if (!tree.hasParentOf(path)) throw notFree(path, "its directory is missing");
    tree.makeDirectories(path);
    this.#world.mounts.push(record);
    return true;
  }

  /** xfs refuses a second file system of the same UUID, unless it is told to. */
  #refuseTwin(uuid: string, { device, path, fileSystem, options }: MountRequest): void {
    if (fileSystem !== "xfs" || options.includes("nouuid")) return;
    const twin = this.#world.mounts.find((each) =>
      each.stored.uuid === uuid && each.device !== device.number
    );
    if (twin === undefined) return;
    const finding = `${twin.path} has an xfs file system of the same UUID`;
    throw new StorageError("not-ready", `Cannot mount at ${path}: ${finding}`);
  }
}

function usageOf({ stored }: MountRecord): FileSystemUsage {
  const contentBytes = [...stored.files.values()].reduce((sum, text) => sum + text.length, 0);
  const usedBytes = Math.min(stored.sizeBytes, OVERHEAD_BYTES + contentBytes);
  const space = {
    totalBytes: stored.sizeBytes,
    usedBytes,
    availableBytes: stored.sizeBytes - usedBytes,
  };
  if (stored.fileSystem === "btrfs") return space;
  const total = Math.floor(stored.sizeBytes / 16_384);
  const used = Math.min(total, stored.files.size + 1);
  return { ...space, inodes: { total, used, available: total - used } };
}

function notFree(path: string, finding: string): StorageError {
  return new StorageError("not-ready", `Cannot use ${path}: ${finding}`);
}

function describe(use: PathUse): string {
  switch (use.kind) {
    case "nothing":
    case "directory":
      return `it is a ${use.kind}`;
    case "mount":
    case "block":
      return `it shows device ${use.device}`;
    case "other":
      return `it is ${use.what}`;
  }
}
