/** The port `FileSystems` over a {@link HostWorld}. */
import type { FileSystemType } from "../../domain/access.ts";
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { FsckPolicy } from "../../domain/volume_parameters.ts";
import type { DeviceContent, FileSystems, FoundFileSystem } from "../../ports/file_systems.ts";
import { answer } from "./answer.ts";
import type { HostWorld, StoredFileSystem } from "./host_world.ts";

/** The file systems on the devices of a node in memory. */
export class MemoryFileSystems implements FileSystems {
  readonly #world: HostWorld;
  #formatted = 0;

  constructor(world: HostWorld) {
    this.#world = world;
  }

  identify(device: BlockDevice, signal: AbortSignal): Promise<DeviceContent> {
    return answer(signal, () => this.#identify(device));
  }

  format(
    device: BlockDevice,
    fileSystem: FileSystemType,
    _options: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    return answer(signal, () => {
      const content = this.#identify(device);
      const isFree = content.kind === "blank" || content.kind === "half-formatted";
      if (!isFree || this.#world.isHeld(device.number)) {
        const finding = isFree ? "something holds it" : "it is not blank";
        throw new StorageError("not-ready", `Cannot format ${device.path}: ${finding}`);
      }
      const stored: StoredFileSystem = {
        fileSystem,
        uuid: `00000000-0000-4000-8000-${String(++this.#formatted).padStart(12, "0")}`,
        sizeBytes: device.sizeBytes,
        health: "clean",
        files: new Map(),
      };
      this.#world.open(device).content = { kind: "file-system", stored };
    });
  }

  check(
    device: BlockDevice,
    { fileSystem }: FoundFileSystem,
    policy: FsckPolicy,
    signal: AbortSignal,
  ): Promise<void> {
    return answer(signal, () => {
      const stored = this.#storedOn(device, fileSystem);
      if (this.#world.isHeld(device.number)) {
        throw new StorageError("in-use", `Cannot check ${device.path}: it is mounted`);
      }
      if (policy === "off" || fileSystem === "xfs" || fileSystem === "btrfs") return;
      const isSound = stored.health === "clean" || stored.health === "crashed";
      const isReparable = stored.health === "damaged" && policy === "repair-safe";
      if (!isSound && !isReparable) {
        throw new StorageError(
          "not-ready",
          `Cannot use the ${fileSystem} on ${device.path}: it is ${stored.health}`,
        );
      }
      stored.health = "clean";
    });
  }

  grow(
    device: BlockDevice,
    fileSystem: FileSystemType,
    mountPath: string,
    signal: AbortSignal,
  ): Promise<void> {
    return answer(signal, () => {
      const stored = this.#storedOn(device, fileSystem);
      const mount = this.#world.mountAt(mountPath);
      if (mount?.device !== device.number || mount.isReadOnly) {
        throw new StorageError(
          "not-ready",
          `Cannot grow the ${fileSystem} on ${device.path}: ${mountPath} does not have it writable`,
        );
      }
      stored.sizeBytes = Math.max(stored.sizeBytes, device.sizeBytes);
    });
  }

  #identify(device: BlockDevice): DeviceContent {
    const { content } = this.#world.open(device);
    switch (content.kind) {
      case "unreadable":
        throw new StorageError("unavailable", `Cannot read ${device.path}: input/output error`);
      case "file-system": {
        const { fileSystem, uuid, sizeBytes, health } = content.stored;
        const needsReplay = health === "crashed";
        return { kind: "file-system", fileSystem, uuid, sizeBytes, needsReplay };
      }
      case "blank":
      case "half-formatted":
      case "other":
        return content;
    }
  }

  #storedOn(device: BlockDevice, fileSystem: FileSystemType): StoredFileSystem {
    const { content } = this.#world.open(device);
    if (content.kind === "file-system" && content.stored.fileSystem === fileSystem) {
      return content.stored;
    }
    throw new StorageError("not-ready", `Cannot use ${device.path}: it holds no ${fileSystem}`);
  }
}
