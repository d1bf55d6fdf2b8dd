/** The port `Mounter` over the Linux kernel, with the tools of util-linux. */
import type { BlockDevice, DeviceNumber } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { KernelResult } from "../../ports/kernel_calls.ts";
import type { FileSystemUsage, Mounter, MountRequest, PathUse } from "../../ports/mounter.ts";
import { bindTree } from "./binding.ts";
import { lookAtNode, makeNode, nodesOf } from "./block_targets.ts";
import { MEASURE_MS, MOUNT_MS } from "./deadlines.ts";
import { probeDevice } from "./device_probe.ts";
import { forgetFormat } from "./format_notes.ts";
import { growUnmounted } from "./growing_unmounted.ts";
import { isDeviceFailure, isVagueRefusal, mountRefusal } from "./mount_failures.ts";
import { optionsOf } from "./mount_table.ts";
import type { MountView } from "./mount_table.ts";
import { Ongoing, until } from "./ongoing.ts";
import type { MountParts } from "./parts.ts";
import { checkDevicePath, entryAt, isEmpty, onThisMachine, realPathOf } from "./paths.ts";
import { releasePath } from "./releasing.ts";
import { twinOf } from "./twins.ts";

/** Directories that we make are for the kubelet and root. */
const DIRECTORY_MODE = 0o750;
/** So many paths are remembered as callers call them; a node has far fewer in use. */
const CALLERS_MAX = 10_000;
/** Options that do something else than mount this device here. */
const OTHER_DEEDS =
  /^(bind|rbind|move|remount|loop|offset|sizelimit|helper|uhelper|[xX]-.*|r?(private|shared|slave|unbindable))(=|$)/;

/** The mounts of this machine. */
export class LinuxMounter implements Mounter {
  readonly #parts: MountParts;
  readonly #growths = new Ongoing();
  /**
   * How callers call real paths, for those asked about lately: they compare what they are told with
   * what they said, and the kernel names the same directory otherwise where a link is above it.
   */
  readonly #callers = new Map<string, string>();

  constructor(parts: MountParts) {
    this.#parts = parts;
  }

  async look(path: string, signal: AbortSignal): Promise<PathUse> {
    signal.throwIfAborted();
    const real = await this.#realPathOf(path);
    if (real === undefined) return { kind: "nothing" };
    const view = await this.#parts.table.topmost(real);
    if (view === undefined) return await this.#lookBehind(real);
    const { entry, device, isReadOnly, isAlive } = view;
    const { fileSystem } = entry;
    return { kind: "mount", device, fileSystem, options: optionsOf(entry), isReadOnly, isAlive };
  }

  async works(path: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const { real, view } = await this.#mountedAt(path);
    return view.isAlive && !isGivenUp(await this.#measure(real, view, signal));
  }

  async mount(request: MountRequest, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { device, isReadOnly, options } = request;
    const odd = options.find((option) => OTHER_DEEDS.test(option));
    if (odd !== undefined) {
      throw new StorageError("invalid", `Cannot mount at ${request.path}: option "${odd}"`);
    }
    await checkDevicePath(device);
    const path = await this.#existing(request.path);
    const view = await this.#parts.table.topmost(path);
    if (view !== undefined) {
      if (isMountOf(view, device.number, isReadOnly)) return;
      throw notFree(path, describe(view));
    }
    const isOurs = await this.#prepareDirectory(path);
    try {
      await this.#mountAt(path, request, signal);
    } catch (error) {
      if (isOurs) await Deno.remove(path).catch(() => undefined);
      throw error;
    }
    await this.#parts.notes.remove("releasing", path);
  }

  async bind(from: string, path: string, isReadOnly: boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const [source, target] = [await this.#realPathOf(from), await this.#existing(path)];
    const view = source === undefined ? undefined : await this.#parts.table.topmost(source);
    if (source === undefined || !view?.isAlive) {
      throw new StorageError("not-ready", `Cannot bind ${from}: nothing alive is mounted there`);
    }
    const wanted = isReadOnly || view.isReadOnly;
    const there = await this.#parts.table.topmost(target);
    if (there !== undefined) {
      if (isMountOf(there, view.device, wanted)) return;
      throw notFree(target, describe(there));
    }
    const isOurs = await this.#prepareDirectory(target);
    try {
      const what = { from: source, path: target, isReadOnly: wanted, subject: view.device };
      await bindTree(this.#parts, what, signal);
    } catch (error) {
      if (isOurs) await Deno.remove(target).catch(() => undefined);
      throw error;
    }
    await this.#confirm(target, view.device, wanted);
  }

  async exposeBlock(
    device: BlockDevice,
    path: string,
    isReadOnly: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    await checkDevicePath(device);
    const real = await this.#existing(path);
    const use = await this.look(path, signal);
    if (use.kind === "block" && use.device === device.number && use.isAlive) {
      if (use.isReadOnly === isReadOnly) return;
    }
    if (use.kind !== "nothing") throw notFree(real, describe(use));
    await forgetFormat(this.#parts, device);
    await makeNode(this.#parts, device, real, isReadOnly, signal);
  }

  async release(path: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const real = await this.#realPathOf(path);
    if (real !== undefined) await releasePath(this.#parts, real, signal);
  }

  async usesOf(device: DeviceNumber, signal: AbortSignal): Promise<string[]> {
    signal.throwIfAborted();
    const isKnown = (path: string): boolean => this.#callers.has(path);
    const mounted = await this.#parts.table.pathsOf(device, isKnown);
    const paths = new Set([...mounted, ...await nodesOf(this.#parts, device)]);
    return [...paths].map((path) => this.#callers.get(path) ?? path);
  }

  async usage(path: string, signal: AbortSignal): Promise<FileSystemUsage> {
    signal.throwIfAborted();
    const { real, view } = await this.#mountedAt(path);
    // Asked from memory, a dead file system answers as if it were well.
    const result = view.isAlive ? await this.#measure(real, view, signal) : undefined;
    if (result === undefined || isGivenUp(result)) {
      const finding = "its device is gone, or its file system has given up";
      throw new StorageError("unavailable", `Cannot measure ${path}: ${finding}`);
    }
    if (!result.isOk) {
      throw new StorageError("unavailable", `Cannot measure ${path}: ${result.errno}`);
    }
    const { blockBytes, blocks, freeBlocks, availableBlocks, inodes, freeInodes } = result.answer;
    const space = {
      totalBytes: blocks * blockBytes,
      usedBytes: (blocks - freeBlocks) * blockBytes,
      availableBytes: availableBlocks * blockBytes,
    };
    if (inodes === 0) return space;
    const used = inodes - freeInodes;
    return { ...space, inodes: { total: inodes, used, available: freeInodes } };
  }

  /** @throws {StorageError} `not-found` when nothing is mounted at the path */
  async #mountedAt(path: string): Promise<{ readonly real: string; readonly view: MountView }> {
    const real = await this.#realPathOf(path);
    const view = real === undefined ? undefined : await this.#parts.table.topmost(real);
    if (real !== undefined && view !== undefined) return { real, view };
    throw new StorageError("not-found", `Cannot measure ${path}: nothing is mounted there`);
  }

  #measure(
    path: string,
    { device }: MountView,
    signal: AbortSignal,
  ): Promise<KernelResult<"measure-file-system">> {
    const options = { deadlineMs: MEASURE_MS, subject: device };
    return this.#parts.kernelCalls.call({ kind: "measure-file-system", path }, options, signal);
  }

  async #realPathOf(path: string): Promise<string | undefined> {
    const real = await realPathOf(path);
    if (real === undefined) return undefined;
    this.#callers.delete(real);
    this.#callers.set(real, path);
    const [oldest] = this.#callers.keys();
    if (this.#callers.size > CALLERS_MAX && oldest !== undefined) this.#callers.delete(oldest);
    return real;
  }

  /** What is at a path where nothing is mounted. */
  async #lookBehind(path: string): Promise<PathUse> {
    const info = await entryAt(path);
    if (info === undefined) return { kind: "nothing" };
    if (info.isDirectory) return { kind: "directory" };
    if (info.isBlockDevice) return await lookAtNode(this.#parts, path, info);
    if (info.isSymlink) return { kind: "other", what: "a symbolic link" };
    return { kind: "other", what: info.isFile ? "a file" : "neither file nor directory" };
  }

  /** The real path for something to be made at. */
  async #existing(path: string): Promise<string> {
    const real = await this.#realPathOf(path);
    if (real !== undefined) return real;
    throw notFree(path, "its directory is missing");
  }

  /** Lets there be an empty directory; tells whether it was made. */
  async #prepareDirectory(path: string): Promise<boolean> {
    const use = await this.#lookBehind(path);
    if (use.kind === "nothing") {
      await onThisMachine("make", path, Deno.mkdir(path, { mode: DIRECTORY_MODE }));
      return true;
    }
    if (use.kind !== "directory") throw notFree(path, describe(use));
    if (!await isEmpty(path)) throw notFree(path, "it holds files");
    return false;
  }

  async #mountAt(path: string, request: MountRequest, signal: AbortSignal): Promise<void> {
    const { device, fileSystem, isReadOnly, options } = request;
    const { programs } = this.#parts;
    const isExt = fileSystem === "ext4" || fileSystem === "ext3";
    if (isExt && !isReadOnly) await this.#growUnmounted(device, signal);
    const all = [isReadOnly ? "ro" : "rw", ...options].join(",");
    // -w: a device that cannot be written is refused, not mounted read-only instead.
    const mode = isReadOnly ? [] : ["-w"];
    const args = ["-i", "-c", ...mode, "-t", fileSystem, "-o", all, device.path, path];
    await checkDevicePath(device);
    const subject = device.number;
    const call = { program: "mount", args, deadlineMs: MOUNT_MS, subject };
    const end = await programs.run(call, signal);
    if (end.code !== 0) {
      const twin = isVagueRefusal(end) && fileSystem === "xfs" && !options.includes("nouuid")
        ? await twinOf(this.#parts, device, signal)
        : undefined;
      const finding = twin ?? mountRefusal(end, fileSystem);
      // It may have been the device: then reading it fails, and says so.
      if (isDeviceFailure(end)) await probeDevice(this.#parts, device, signal);
      throw new StorageError("not-ready", `Cannot mount ${device.path} at ${path}: ${finding}`);
    }
    if (fileSystem === "btrfs") await this.#parts.table.noteDevice(path);
    await this.#confirm(path, device.number, isReadOnly);
  }

  /** Goes on when its caller leaves: an offline growth that is stopped leaves nobody knows what. */
  async #growUnmounted(device: BlockDevice, signal: AbortSignal): Promise<void> {
    const { number } = device;
    const work = (): Promise<void> =>
      growUnmounted(this.#parts, device, new AbortController().signal);
    await until(this.#growths.on(number) ?? this.#growths.start(number, work), signal);
  }

  /**
   * A path of a device can lead to another one at any moment: what counts is what is there now, and
   * what is wrong goes again.
   */
  async #confirm(path: string, device: DeviceNumber, isReadOnly: boolean): Promise<void> {
    const view = await this.#parts.table.topmost(path);
    if (view !== undefined && isMountOf(view, device, isReadOnly)) return;
    const finding = view === undefined ? "nothing is mounted there" : describe(view);
    if (view !== undefined) {
      const args = ["-i", "-c", path];
      const call = { program: "umount", args, deadlineMs: MOUNT_MS, subject: view.device };
      await this.#parts.programs.run(call, new AbortController().signal).catch(() => undefined);
    }
    throw new StorageError("unavailable", `Cannot use ${path}: ${finding} after the mount`);
  }
}

/** What a file system that has given up answers to everything. */
function isGivenUp(result: KernelResult<"measure-file-system">): boolean {
  return !result.isOk && (result.errno === "EIO" || result.errno === "ESHUTDOWN");
}

function isMountOf(view: MountView, device: DeviceNumber, isReadOnly: boolean): boolean {
  return view.device === device && view.isReadOnly === isReadOnly && view.isAlive;
}

function notFree(path: string, finding: string): StorageError {
  return new StorageError("not-ready", `Cannot use ${path}: ${finding}`);
}

function describe(use: PathUse | MountView): string {
  if (!("kind" in use)) {
    const how = use.isReadOnly ? "read-only" : "writable";
    return `it has device ${use.device} mounted ${how}${use.isAlive ? "" : ", and it is dead"}`;
  }
  switch (use.kind) {
    case "nothing":
    case "directory":
      return `it is a ${use.kind}`;
    case "mount":
    case "block":
      return `it shows device ${use.device}${use.isAlive ? "" : ", which is gone"}`;
    case "other":
      return `it is ${use.what}`;
  }
}
