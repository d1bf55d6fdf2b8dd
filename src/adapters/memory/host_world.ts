/**
 * One node's kernel in memory: connections, devices, mounts, and the disks on the array behind
 * them. The three adapters of this folder share it and keep its rules; the methods here are what
 * happens to a node from outside.
 */
import type { FileSystemType } from "../../domain/access.ts";
import { deviceNumberOf } from "../../domain/block_device.ts";
import type { BlockDevice, DeviceNumber } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { Nqn, TransportAddress } from "../../domain/nvme.ts";
import { PathTree } from "./path_tree.ts";

/** A file system on a disk, with what is in it. */
export interface StoredFileSystem {
  readonly fileSystem: FileSystemType;
  readonly uuid: string;
  sizeBytes: number;
  /** `crashed`: a journal is left to replay. `damaged`: reparable. `broken`: needs a person. */
  health: "clean" | "crashed" | "damaged" | "broken";
  /** Text by name. */
  readonly files: Map<string, string>;
}

/** What a disk holds. */
export type DiskContent =
  | { readonly kind: "blank" }
  | { readonly kind: "half-formatted" }
  | { readonly kind: "other"; readonly what: string }
  /** The first reads fail, as they can right after a connect. */
  | { readonly kind: "unreadable" }
  | { readonly kind: "file-system"; readonly stored: StoredFileSystem };

/** A disk that the array exports. */
export interface ExportedDisk {
  readonly nqn: Nqn;
  at: TransportAddress;
  sizeBytes: number;
  /** The namespace's identity; another after a change means another namespace to the kernel. */
  identity: string;
  /** Whether the array shows the namespace; a subsystem without one can be connected all the same. */
  isEnabled: boolean;
  content: DiskContent;
}

/** One connection to an array, and the device it shows. */
interface Connection {
  readonly disk: ExportedDisk;
  device: ConnectedDevice | undefined;
  /** `closing`: there is no controller any more, and the kernel keeps the device for a while. */
  state: "live" | "lost" | "closing";
}

interface ConnectedDevice {
  readonly path: string;
  readonly number: DeviceNumber;
  sizeBytes: number;
  readonly identity: string;
}

/** One mount; a path may carry several. */
export interface MountRecord {
  readonly path: string;
  readonly device: DeviceNumber;
  readonly stored: StoredFileSystem;
  readonly options: readonly string[];
  readonly isReadOnly: boolean;
}

/** The block extended major number, from which the kernel numbers NVMe devices. */
const MAJOR = 259;

/** A node's kernel, and the array it reaches. */
export class HostWorld {
  /** What the array exports, by NQN. */
  readonly disks: Map<string, ExportedDisk> = new Map();
  /** Mounts, the oldest first. */
  readonly mounts: MountRecord[] = [];
  /** Directories, files and device nodes that are on the node itself. */
  readonly tree: PathTree = new PathTree();
  readonly #connections = new Map<string, Connection>();
  /** Devices that something holds without a mount: a hanging unmount, another namespace. */
  readonly #held = new Set<DeviceNumber>();
  /** Devices whose last unmount waits for the array, out of the mount table, with its path. */
  readonly #pending = new Map<DeviceNumber, string>();
  /** Devices that are there and whose mounted file system has given up; whether tables show it. */
  readonly #shutDown = new Map<DeviceNumber, "shown" | "unseen">();
  #minor = 0;

  /** Exports a disk from the array; one that is exported already stays as it is. */
  exportDisk(
    disk: Pick<ExportedDisk, "nqn" | "at" | "sizeBytes"> & Partial<ExportedDisk>,
  ): ExportedDisk {
    const existing = this.disks.get(disk.nqn);
    if (existing !== undefined) return existing;
    const identity = `identity of ${disk.nqn}`;
    const exported: ExportedDisk = {
      ...{ content: { kind: "blank" }, identity, isEnabled: true },
      ...disk,
    };
    this.disks.set(disk.nqn, exported);
    return exported;
  }

  /** The array stops answering for this disk; the kernel keeps trying. */
  loseConnection(nqn: Nqn): void {
    this.#connectionTo(nqn).state = "lost";
  }

  /** The array answers again: waiting unmounts end, and a namespace that changed is dropped. */
  regainConnection(nqn: Nqn): void {
    const connection = this.#connectionTo(nqn);
    connection.state = "live";
    if (connection.device !== undefined) this.#pending.delete(connection.device.number);
    this.#dropChanged(connection);
  }

  /** A reconnect was refused for good: the controller goes, the device waits for another one. */
  removeController(nqn: Nqn): void {
    this.#connectionTo(nqn).state = "closing";
  }

  /**
   * An error reaches the journal: the file system gives up, the device stays.
   * @param how whether the kernel's tables say so
   */
  shutDownFileSystem(nqn: Nqn, how: "shown" | "unseen" = "shown"): void {
    this.#shutDown.set(this.#shownBy(nqn).number, how);
  }

  /** The kernel gives up: the device is gone and what was mounted from it is dead. */
  removeDevice(nqn: Nqn): void {
    this.#connectionTo(nqn);
    this.#connections.delete(nqn);
  }

  /** Something takes hold of the device, or lets go of it, unseen by the mount table. */
  hold(nqn: Nqn, isHeld: boolean): void {
    const { number } = this.#shownBy(nqn);
    if (isHeld) this.#held.add(number);
    else this.#held.delete(number);
  }

  /** Somebody else mounts the device, beside or on top of what is there. */
  mountForeign(nqn: Nqn, path: string): void {
    const device = this.#shownBy(nqn);
    const { disk } = this.#connectionTo(nqn);
    if (disk.content.kind !== "file-system") throw new Error(`${nqn} has no file system`);
    this.tree.makeDirectories(path);
    const { stored } = disk.content;
    this.mounts.push({ path, device: device.number, stored, options: [], isReadOnly: false });
  }

  /**
   * Writes a file where a program would: into what is mounted at the directory, or into it.
   * @throws {Error} when what is mounted there is dead or read-only.
   */
  writeFile(directory: string, name: string, text: string): void {
    const mount = this.mountAt(directory);
    if (mount === undefined) return this.tree.writeFile(directory, name);
    if (!this.isMountAlive(mount.device)) throw new Error(`input/output error: ${directory}`);
    if (mount.isReadOnly) throw new Error(`read-only file system: ${directory}`);
    mount.stored.files.set(name, text);
  }

  /** What a program reads, or undefined when there is no such file. */
  readFile(directory: string, name: string): string | undefined {
    const mount = this.mountAt(directory);
    if (mount !== undefined) return mount.stored.files.get(name);
    return this.tree.at(`${directory}/${name}`)?.kind === "file" ? "" : undefined;
  }

  /** Sessions as the kernel lists them. */
  connections(): {
    readonly nqn: Nqn;
    readonly state: Connection["state"];
    readonly at: TransportAddress;
  }[] {
    const connections = [...this.#connections.values()];
    return connections.map(({ disk: { nqn, at }, state }) => ({ nqn, state, at }));
  }

  /**
   * Connects a disk; one that is connected stays as it is, and a device that waits for a controller
   * gets one. Names of devices are used again, numbers are not.
   */
  connect(disk: ExportedDisk): void {
    const known = this.#connections.get(disk.nqn);
    if (known?.state === "closing") return this.regainConnection(disk.nqn);
    if (known !== undefined) return;
    const connection: Connection = { disk, device: undefined, state: "live" };
    this.#connections.set(disk.nqn, connection);
    this.#showDevice(connection);
  }

  /** The device of a connection, or undefined when there is none. */
  deviceOf(nqn: Nqn): BlockDevice | undefined {
    const device = this.#connections.get(nqn)?.device;
    return device === undefined ? undefined : { ...device };
  }

  /**
   * The kernel looks at the namespace again: takes over the size that the array has today, drops
   * one that has changed, and shows one where there was none.
   */
  rescan(nqn: Nqn): void {
    const connection = this.#connectionTo(nqn);
    const { device, disk } = connection;
    if (device === undefined) return this.#showDevice(connection);
    this.#dropChanged(connection);
    device.sizeBytes = disk.sizeBytes;
  }

  /** Ends a connection and removes its device. */
  disconnect(nqn: Nqn): void {
    this.#connections.delete(nqn);
  }

  /** Whether there is a device of that number. */
  isAlive(number: DeviceNumber): boolean {
    return this.#ofNumber(number) !== undefined;
  }

  /** Whether a file system mounted from the device of that number still works. */
  isMountAlive(number: DeviceNumber): boolean {
    return this.isAlive(number) && !this.#shutDown.has(number);
  }

  /** Whether the kernel's tables show a file system mounted from the device as one that works. */
  isMountShownAlive(number: DeviceNumber): boolean {
    return this.isAlive(number) && this.#shutDown.get(number) !== "shown";
  }

  /** Whether an exclusive open of the device would fail. */
  isHeld(number: DeviceNumber): boolean {
    return this.#held.has(number) || this.#pending.has(number) ||
      this.mounts.some(({ device }) => device === number);
  }

  /**
   * Takes a mount out of the table. The last one of a device lets go of the file system, which has
   * to wait while the array does not answer.
   */
  unmount(mount: MountRecord): void {
    this.mounts.splice(this.mounts.lastIndexOf(mount), 1);
    const { device: number, path } = mount;
    if (this.mounts.some(({ device }) => device === number)) return;
    this.#shutDown.delete(number);
    const connection = this.#ofNumber(number);
    if (connection !== undefined && connection.state !== "live") this.#pending.set(number, path);
  }

  /** Whether an unmount at `path` has not ended, for the device is there and does not answer. */
  isUnmounting(path: string): boolean {
    return [...this.#pending].some(([number, each]) => each === path && this.isAlive(number));
  }

  /** The topmost mount at a path. */
  mountAt(path: string): MountRecord | undefined {
    return this.mounts.findLast((mount) => mount.path === path);
  }

  /**
   * The disk behind a device that somebody opens by its path.
   * @throws {StorageError} `unavailable` when the path leads to another device, or to none, or the
   * connection is lost.
   */
  open({ path, number }: Pick<BlockDevice, "path" | "number">): ExportedDisk {
    const connection = this.#ofNumber(number);
    if (connection?.device?.path !== path) {
      throw new StorageError("unavailable", `Cannot open ${path}: it is not device ${number}`);
    }
    if (connection.state !== "live") {
      throw new StorageError("unavailable", `Cannot read ${path}: the connection is lost`);
    }
    return connection.disk;
  }

  #ofNumber(number: DeviceNumber): Connection | undefined {
    return [...this.#connections.values()].find(({ device }) => device?.number === number);
  }

  /** The kernel shows no namespace that is disabled, or that another subsystem shows already. */
  #showDevice(connection: Connection): void {
    const { disk } = connection;
    const devices = [...this.#connections.values()].flatMap(({ device }) => device ?? []);
    const isTwin = devices.some(({ identity }) => identity === disk.identity);
    if (!disk.isEnabled || isTwin) return;
    const taken = new Set(devices.map(({ path }) => path));
    let index = 0;
    while (taken.has(`/dev/nvme${index}n1`)) index++;
    const { sizeBytes, identity } = disk;
    const number = deviceNumberOf(MAJOR, this.#minor++);
    connection.device = { path: `/dev/nvme${index}n1`, number, sizeBytes, identity };
  }

  #dropChanged(connection: Connection): void {
    const { device, disk } = connection;
    if (disk.isEnabled && device?.identity === disk.identity) return;
    connection.device = undefined;
  }

  #shownBy(nqn: Nqn): ConnectedDevice {
    const { device } = this.#connectionTo(nqn);
    if (device === undefined) throw new Error(`${nqn} shows no device`);
    return device;
  }

  #connectionTo(nqn: Nqn): Connection {
    const connection = this.#connections.get(nqn);
    if (connection === undefined) throw new Error(`${nqn} is not connected`);
    return connection;
  }
}
