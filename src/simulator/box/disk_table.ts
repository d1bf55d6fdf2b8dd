/** The items of `/disk`: add, change, remove, and what a reboot does to them. */
import { RouterOsError } from "../menu.ts";
import { BackingOpener } from "./backing_opener.ts";
import { DiskIndex } from "./disk_index.ts";
import { checkedComment, checkedSlot } from "./disk_limits.ts";
import {
  fileNameOf,
  isExported,
  isPreExisting,
  mountsFileSystems,
  slotOf,
  subsystemNameOf,
} from "./disk_record.ts";
import type { FileTable } from "./file_table.ts";
import type { BackingFiles } from "./backing_files.ts";
import type { BoxSettings } from "./options.ts";
import {
  DETACHED_PREFIX,
  type DiskRecord,
  FILES_PREFIX,
  type NamespaceIdentity,
  type Scalar,
} from "./records.ts";
import { detectFileSystem } from "./signatures.ts";
import type { BoxState } from "./state.ts";
import type { ViolationLog } from "./violation_log.ts";
import { WORDINGS } from "./wordings.ts";

/** What the table works with. */
export interface DiskTableParts {
  readonly state: BoxState;
  readonly files: FileTable;
  readonly backing: BackingFiles;
  readonly settings: BoxSettings;
  readonly violations: ViolationLog;
}

/** Disks by id. Methods throw {@link RouterOsError} when the box would refuse. */
export class DiskTable {
  readonly #parts: DiskTableParts;
  readonly #index: DiskIndex;
  readonly #opener: BackingOpener;

  constructor(parts: DiskTableParts) {
    this.#parts = parts;
    this.#index = new DiskIndex(parts.settings.version);
    this.#opener = new BackingOpener(parts.files, parts.settings);
    for (const disk of this.all()) this.#index.enter(disk);
  }

  get(id: string): DiskRecord | undefined {
    return this.#parts.state.all("disk").get(id);
  }

  bySlot(slot: string): DiskRecord | undefined {
    const id = this.#index.idOfSlot(slot);
    return id === undefined ? undefined : this.get(id);
  }

  all(): Iterable<DiskRecord> {
    return this.#parts.state.all("disk").values();
  }

  /** The disks that have the file of this name open. */
  usersOf(fileName: string): DiskRecord[] {
    return this.#disks(this.#index.idsOfBacking(FILES_PREFIX + fileName));
  }

  /**
   * Adds a disk. With `source` (`copy-from`), whatever is not given has the value it has there,
   * the export and its NQN included; what becomes of the data is the box's `copyFrom` mode.
   */
  add(given: ReadonlyMap<string, Scalar>, source?: DiskRecord): DiskRecord {
    const { state } = this.#parts;
    const configured: Record<string, Scalar> = {
      ...source?.configured,
      ...Object.fromEntries(given),
    };
    const type = configured["type"];
    if (type === undefined) throw new RouterOsError("missing value(s) of argument(s) type");
    this.#checkSettings(configured, undefined, String(configured["slot"] ?? this.#freeSlot(type)));
    const opened = this.#opener.openForAdd(configured, given.get("file-size"), source);
    const number = state.next("last-disk-number");
    const disk: DiskRecord = {
      id: idOf(number),
      configured: { ...configured, ...opened?.configured },
      facts: {},
      backing: opened?.backing,
      sizeBytes: opened?.sizeBytes ?? 0,
      guest: undefined,
      identity: undefined,
    };
    return this.#settle(disk, undefined);
  }

  /** Changes and unsets properties of one disk. */
  change(
    disk: DiskRecord,
    given: ReadonlyMap<string, Scalar>,
    unset: ReadonlySet<string> = new Set(),
  ): DiskRecord {
    const configured: Record<string, Scalar> = {
      ...disk.configured,
      ...Object.fromEntries(given),
    };
    for (const name of unset) delete configured[name];
    if (configured["type"] !== disk.configured["type"]) {
      throw new RouterOsError("failure: can not change type");
    }
    this.#checkSettings(configured, disk.id, String(configured["slot"] ?? slotOf(disk)));
    const opened = this.#opener.openForChange(disk, configured, given);
    const changed: DiskRecord = {
      ...disk,
      configured: { ...configured, ...opened?.configured },
      backing: opened?.backing,
      sizeBytes: opened?.sizeBytes ?? disk.sizeBytes,
    };
    if (disk.backing !== changed.backing) this.#closeBacking(disk, [disk.id]);
    return this.#settle(changed, disk);
  }

  /** Removes a disk; the backing file stays, unless the box is set to delete it. */
  remove(disk: DiskRecord): void {
    const words = WORDINGS[this.#parts.settings.wordings];
    if (disk.configured["type"] === "hardware") throw new RouterOsError("can not do that");
    if (disk.configured["type"] === "raid") throw new RouterOsError(words.inUse);
    this.#parts.state.delete("disk", disk.id);
    this.#index.leave(disk);
    this.#closeBacking(disk, []);
    const name = fileNameOf(disk);
    if (this.#parts.settings.removeKeepsFile || name === undefined) return;
    const file = this.#parts.files.get(name);
    if (file?.kind === "file" && this.usersOf(name).length === 0) this.#parts.files.remove(file);
  }

  /** Notes that the open file of some disks is now elsewhere: renamed, or removed while open. */
  moveBacking(disks: readonly DiskRecord[], backing: string): void {
    for (const disk of disks) this.#put({ ...disk, backing }, disk);
  }

  /** Looks for file systems in the disk, as the box does when a disk appears. */
  inspect(disk: DiskRecord): DiskRecord {
    const { backing, violations } = this.#parts;
    const path = disk.backing;
    if (path === undefined) return disk;
    const offsetBytes = Number(disk.configured["file-offset"] ?? 0);
    const found = detectFileSystem((at, length) => backing.read(path, offsetBytes + at, length));
    const isMounted = found !== undefined && mountsFileSystems(disk);
    if (isMounted && !isPreExisting(disk)) {
      violations.record(
        "guest-file-system-mounted",
        `disk "${slotOf(disk)}" holds ${found} and has mount-filesystem=yes`,
      );
    }
    const guest = found === undefined ? undefined : { fileSystem: found, isMounted };
    if (guest?.fileSystem === disk.guest?.fileSystem && isMounted === disk.guest?.isMounted) {
      return disk;
    }
    const inspected = { ...disk, guest };
    this.#put(inspected, disk);
    return inspected;
  }

  /** Looks at every disk that has a file. */
  inspectAll(): void {
    for (const disk of [...this.all()]) this.inspect(disk);
  }

  /** What a reboot does: open files are closed and opened by name; ids and identity may change. */
  reboot(): void {
    for (const disk of [...this.all()]) this.#reopen(disk);
    if (this.#parts.settings.idsChangeOnReboot) this.#renumber();
    this.inspectAll();
  }

  #reopen(disk: DiskRecord): void {
    const { files, settings } = this.#parts;
    const name = fileNameOf(disk);
    if (name === undefined) return;
    const file = files.get(name);
    const isThere = file?.kind === "file";
    const reopened: DiskRecord = {
      ...disk,
      backing: isThere ? FILES_PREFIX + name : undefined,
      sizeBytes: isThere ? file.sizeBytes : 0,
      guest: undefined,
      identity: settings.identity === "stable" || disk.identity === undefined
        ? disk.identity
        : newIdentity(),
    };
    this.#put(reopened, disk);
    if (reopened.backing !== disk.backing) this.#closeBacking(disk, [disk.id]);
  }

  #renumber(): void {
    const { state } = this.#parts;
    const disks = [...this.all()];
    for (const disk of disks) {
      state.delete("disk", disk.id);
      this.#index.leave(disk);
    }
    for (const disk of disks) {
      const renumbered = { ...disk, id: idOf(state.next("last-disk-number")) };
      state.put("disk", renumbered.id, renumbered);
      this.#index.enter(renumbered);
    }
  }

  /** Stores a disk with its identity, looks inside, and records what must not be. */
  #settle(disk: DiskRecord, before: DiskRecord | undefined): DiskRecord {
    const wasExported = before !== undefined && isExported(before);
    let identity = disk.identity;
    if (isExported(disk) && !wasExported) {
      const keeps = this.#parts.settings.identity === "stable";
      identity = keeps ? identity ?? newIdentity() : newIdentity();
    }
    const settled = { ...disk, identity };
    this.#put(settled, before);
    const inspected = this.inspect(settled);
    this.#recordSharing(inspected);
    return inspected;
  }

  #recordSharing(disk: DiskRecord): void {
    const { violations, settings } = this.#parts;
    if (disk.backing !== undefined) {
      const users = this.#disks(this.#index.idsOfBacking(disk.backing));
      if (users.length > 1) {
        violations.record("shared-file", `${slots(users)} are on ${fileNameOf(disk)}`);
      }
    }
    if (!isExported(disk)) return;
    const name = subsystemNameOf(disk, settings.version);
    const exports = this.#disks(this.#index.idsOfSubsystem(name));
    if (exports.length > 1) violations.record("shared-nqn", `${slots(exports)} export ${name}`);
  }

  /** Frees what a removed file still took, once the last disk has closed it. */
  #closeBacking(disk: DiskRecord, except: readonly string[]): void {
    if (disk.backing === undefined || !disk.backing.startsWith(DETACHED_PREFIX)) return;
    const users = [...this.#index.idsOfBacking(disk.backing)];
    if (users.every((id) => except.includes(id))) this.#parts.files.release(disk.backing);
  }

  #put(disk: DiskRecord, before: DiskRecord | undefined): void {
    if (before !== undefined) this.#index.leave(before);
    this.#index.enter(disk);
    this.#parts.state.put("disk", disk.id, disk);
  }

  #checkSettings(
    configured: Record<string, Scalar>,
    ownId: string | undefined,
    slot: string,
  ): void {
    const { settings } = this.#parts;
    const own = ownId === undefined ? undefined : this.get(ownId);
    const isKept = own !== undefined && slotOf(own) === slot;
    configured["slot"] = isKept ? slot : checkedSlot(slot, settings);
    const holder = this.#index.idOfSlot(String(configured["slot"]));
    if (holder !== undefined && holder !== ownId) {
      throw new RouterOsError(WORDINGS[settings.wordings].slotExists);
    }
    checkedComment(configured, settings);
    if (configured["compress"] === true && configured["type"] === "file") {
      throw new RouterOsError("compression only available for btrfs");
    }
  }

  #freeSlot(type: Scalar): string {
    for (let number = 1;; number++) {
      if (this.#index.idOfSlot(`${type}${number}`) === undefined) return `${type}${number}`;
    }
  }

  #disks(ids: ReadonlySet<string>): DiskRecord[] {
    return [...ids].map((id) => this.get(id)).filter((disk) => disk !== undefined);
  }
}

function idOf(number: number): string {
  return `*${number.toString(16).toUpperCase()}`;
}

/** An identity that no disk has had. */
export function newIdentity(): NamespaceIdentity {
  const namespaceUuid = crypto.randomUUID();
  return { namespaceUuid, serial: crypto.randomUUID().replaceAll("-", "").slice(0, 16) };
}

function slots(disks: readonly DiskRecord[]): string {
  return disks.map((disk) => `"${slotOf(disk)}"`).join(" and ");
}
