/** The port `FileSystems` over the Linux kernel, with the tools of each file system. */
import type { FileSystemType } from "../../domain/access.ts";
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { FsckPolicy } from "../../domain/volume_parameters.ts";
import type { DeviceContent, FileSystems, FoundFileSystem } from "../../ports/file_systems.ts";
import { checkExt } from "./checking.ts";
import { FORMAT_MS, OPEN_MS } from "./deadlines.ts";
import { probeDevice } from "./device_probe.ts";
import { forgetFormat, formatKeyOf } from "./format_notes.ts";
import { growMounted } from "./growing.ts";
import { foreignMountsOf } from "./holders.ts";
import { askTool, makeCommand } from "./mkfs.ts";
import type { MakeRequest, ToolFeatures } from "./mkfs.ts";
import { isDeviceFailure, toolWords } from "./mount_failures.ts";
import { Ongoing, until } from "./ongoing.ts";
import type { MountParts } from "./parts.ts";
import { checkDevicePath, realPathOf } from "./paths.ts";
import type { Finding } from "./recognise.ts";
import type { DeviceNote } from "./records.ts";

/** The file systems on the block devices of this machine. */
export class LinuxFileSystems implements FileSystems {
  readonly #parts: MountParts;
  /** Formats and checks that run: each may take longer than its caller waits. */
  readonly #formats = new Ongoing();
  readonly #checks = new Ongoing();

  constructor(parts: MountParts) {
    this.#parts = parts;
  }

  async identify(device: BlockDevice, signal: AbortSignal): Promise<DeviceContent> {
    signal.throwIfAborted();
    return await this.#contentOf(device, await probeDevice(this.#parts, device, signal));
  }

  async format(
    device: BlockDevice,
    fileSystem: FileSystemType,
    options: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const running = this.#formats.on(device.number);
    if (running !== undefined) return await until(running, signal);
    const content = await this.identify(device, signal);
    if (content.kind !== "blank" && content.kind !== "half-formatted") {
      const found = content.kind === "other" ? content.what : content.fileSystem;
      throw notFormatted(device, `it holds ${found}`);
    }
    await this.#checkUnheld(device, "format", "not-ready", signal);
    const features = await askTool(this.#parts.programs, fileSystem, signal);
    const uuid = crypto.randomUUID();
    const isForced = content.kind === "half-formatted";
    const request = { fileSystem, uuid, devicePath: device.path, options, isForced };
    const work = (): Promise<void> => this.#make(device, request, features);
    await until(this.#formats.start(device.number, work), signal);
  }

  /** Makes a file system, and goes on when nobody waits: one that is stopped would begin anew. */
  async #make(
    device: BlockDevice,
    request: MakeRequest,
    features: ToolFeatures,
  ): Promise<void> {
    const { programs, notes } = this.#parts;
    const { fileSystem, uuid } = request;
    const { signal } = new AbortController();
    const { program, args } = makeCommand(request, features);
    await checkDevicePath(device);
    const note = await this.#noteOf(device, uuid);
    await notes.put("formatting", note);
    const call = { program, args, deadlineMs: FORMAT_MS, subject: device.number };
    const end = await programs.run(call, signal);
    if (end.code !== 0) {
      const code = isDeviceFailure(end) ? "unavailable" : "not-ready";
      throw new StorageError(code, `Cannot format ${device.path}: ${toolWords(end)}`);
    }
    const made = await this.identify(device, signal);
    if (made.kind === "file-system" && made.uuid === uuid && made.fileSystem === fileSystem) return;
    throw new StorageError(
      "unavailable",
      `Cannot format ${device.path}: ${program} ended well, and there is no such ${fileSystem}`,
    );
  }

  async check(
    device: BlockDevice,
    { fileSystem, needsReplay }: FoundFileSystem,
    policy: FsckPolicy,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const running = this.#checks.on(device.number);
    if (running !== undefined) return await until(running, signal);
    await checkDevicePath(device);
    await this.#checkUnheld(device, "check", "in-use", signal);
    if (policy === "off" || fileSystem === "xfs" || fileSystem === "btrfs") return;
    // A check that is stopped begins at the beginning the next time, and would never end.
    const plan = { device, policy, needsReplay };
    const work = (): Promise<void> => checkExt(this.#parts, plan, new AbortController().signal);
    await until(this.#checks.start(device.number, work), signal);
  }

  async grow(
    device: BlockDevice,
    fileSystem: FileSystemType,
    mountPath: string,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    await checkDevicePath(device);
    const path = await realPathOf(mountPath);
    const view = path === undefined ? undefined : await this.#parts.table.topmost(path);
    const isIt = view?.device === device.number && view.entry.fileSystem === fileSystem;
    if (path === undefined || !isIt || !view.isAlive || view.isReadOnly) {
      const finding = `${mountPath} does not have it mounted writable`;
      throw new StorageError(
        "not-ready",
        `Cannot grow the ${fileSystem} on ${device.path}: ${finding}`,
      );
    }
    await growMounted(this.#parts, device, fileSystem, path, signal);
  }

  /** What is found, told in the light of a format of ours that has not ended. */
  async #contentOf(device: BlockDevice, finding: Finding): Promise<DeviceContent> {
    switch (finding.kind) {
      case "blank":
      case "other":
        return finding;
      case "file-system":
        // Whoever made it whole, it may have been used since: nothing gives it up again.
        await forgetFormat(this.#parts, device);
        return finding;
      case "remains": {
        const key = await formatKeyOf(this.#parts, device);
        const note = await this.#parts.notes.get("formatting", key);
        return note !== undefined && await this.#isLeftBy(note, device, finding.uuids)
          ? { kind: "half-formatted" }
          : { kind: "other", what: finding.what };
      }
    }
  }

  /**
   * Whether remains on a device are those of the format that a note is about. Another node may have
   * had the disk since: remains that carry no UUID are ours only while it was never detached.
   */
  async #isLeftBy(
    note: DeviceNote,
    { number }: BlockDevice,
    uuids: readonly string[],
  ): Promise<boolean> {
    const { tables } = this.#parts;
    if (note.bootId !== await tables.bootId()) return false;
    if (uuids.length > 0) return uuids.every((uuid) => uuid === note.uuid);
    return note.number === number && note.sequence === (await tables.device(number))?.sequence;
  }

  /**
   * @throws {StorageError} `code` when something has claimed the device: a mount, also one that no
   * table shows any more.
   */
  async #checkUnheld(
    device: BlockDevice,
    verb: string,
    code: StorageError["code"],
    signal: AbortSignal,
  ): Promise<void> {
    const { path, number } = device;
    const mounts = await this.#parts.table.mountsOf(number);
    if (mounts.length > 0) {
      const places = mounts.map(({ entry }) => entry.path).join(", ");
      throw new StorageError(code, `Cannot ${verb} ${path}: it is mounted at ${places}`);
    }
    const call = { kind: "open-exclusively", path, number } as const;
    const options = { deadlineMs: OPEN_MS, subject: number };
    const result = await this.#parts.kernelCalls.call(call, options, signal);
    if (result.isOk) return;
    if (result.errno === "EBUSY") {
      const foreign = await foreignMountsOf(number, this.#parts.files);
      const holder = foreign.length === 0
        ? "something that no table of mounts shows holds it"
        : `it is mounted at ${foreign.join(", ")}`;
      throw new StorageError(code, `Cannot ${verb} ${path}: ${holder}`);
    }
    throw new StorageError("unavailable", `Cannot ${verb} ${path}: ${result.errno}`);
  }

  async #noteOf(device: BlockDevice, uuid: string): Promise<DeviceNote> {
    const { tables } = this.#parts;
    const sequence = (await tables.device(device.number))?.sequence ?? "";
    const [key, bootId] = [await formatKeyOf(this.#parts, device), await tables.bootId()];
    return { key, bootId, number: device.number, sequence, uuid };
  }
}

function notFormatted({ path }: BlockDevice, finding: string): StorageError {
  return new StorageError("not-ready", `Cannot format ${path}: ${finding}`);
}
