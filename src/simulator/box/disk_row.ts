/** A disk as its menu shows it: every property of the sample outputs, by name. */
import type { Row } from "../menu.ts";
import type { Value } from "../language/values.ts";
import {
  diskSizeBytes,
  exportPortOf,
  isDisabled,
  isExported,
  slotOf,
  subsystemNameOf,
} from "./disk_record.ts";
import { SENSITIVE_DISK_ARGUMENTS } from "./disk_properties.ts";
import type { DiskRecord } from "./records.ts";

/** What a row depends on besides the record itself. */
export interface DiskRowContext {
  readonly version: string;
  /** The arguments this box has; of the others no property is shown either. */
  readonly argumentNames: ReadonlySet<string>;
  /** The properties that some version or package may lack. */
  readonly gatedNames: ReadonlySet<string>;
  /** Bytes free on a mount of the box. */
  readonly freeBytes: (mount: string) => number;
}

/** The rows of disks, kept for as long as a disk does not change. */
export class DiskRows {
  readonly #context: DiskRowContext;
  readonly #rows = new WeakMap<DiskRecord, Row>();

  constructor(context: DiskRowContext) {
    this.#context = context;
  }

  /** The row of a disk. That of a mounted disk is made anew: its free space changes. */
  rowOf(disk: DiskRecord): Row {
    const known = this.#rows.get(disk);
    if (known !== undefined) return known;
    const row = sorted(this.#propertiesOf(disk));
    if (disk.facts["mount-point"] === undefined) this.#rows.set(disk, row);
    return row;
  }

  #propertiesOf(disk: DiskRecord): [string, Value][] {
    const { argumentNames, gatedNames } = this.#context;
    const values: Record<string, Value> = {
      ...DEFAULTS,
      ...disk.facts,
      ...visible(disk.configured),
      ...flagsOf(disk),
      ...dataOf(disk),
      ...this.#mountOf(disk),
      ...this.#exportOf(disk),
    };
    delete values["pre-existing"];
    delete values["overhead-bytes"];
    const entries = Object.entries(values).filter(([name, value]) =>
      value !== undefined && (argumentNames.has(name) || !gatedNames.has(name))
    );
    return [[".id", { type: "id", text: disk.id }], ...entries];
  }

  #mountOf(disk: DiskRecord): Record<string, Value> {
    const mount = disk.facts["mount-point"];
    if (mount === undefined) return {};
    const size = Number(disk.facts["size"]);
    const free = this.#context.freeBytes(String(mount));
    return { free, use: `${Math.round(100 * (size - free) / size)}%` };
  }

  #exportOf(disk: DiskRecord): Record<string, Value> {
    if (!isExported(disk)) return {};
    return {
      "nvme-tcp-server-port": exportPortOf(disk),
      "nvme-tcp-server-nqn": subsystemNameOf(disk, this.#context.version),
      "nvme-tcp-server-allow-host-name": disk.configured["nvme-tcp-server-allow-host-name"] ?? "",
    };
  }
}

/** What every disk shows, set or not. */
const DEFAULTS: Readonly<Record<string, Value>> = {
  "slot-default": "",
  "parent": "",
  "fs": "-",
  "mount-filesystem": true,
  "mount-read-only": false,
  "compress": false,
  "sector-size": 512,
  "raid-master": "none",
  "nvme-tcp-export": false,
  "iscsi-export": false,
  "nfs-sharing": false,
  "smb-sharing": false,
  "media-sharing": false,
  "media-interface": "none",
  "swap": false,
};

function visible(configured: DiskRecord["configured"]): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(configured).filter(([name]) => !SENSITIVE_DISK_ARGUMENTS.has(name)),
  );
}

function flagsOf(disk: DiskRecord): Record<string, Value> {
  const hasData = disk.backing !== undefined || disk.facts["size"] !== undefined;
  return {
    "disabled": isDisabled(disk),
    "block-device": hasData,
    "empty": !hasData,
    "mounted": disk.guest?.isMounted === true || disk.facts["mount-point"] !== undefined,
    "raid-member": disk.facts["raid-member"] === true,
    "formatting": false,
  };
}

function dataOf(disk: DiskRecord): Record<string, Value> {
  if (disk.configured["type"] !== "file") return {};
  const isOpen = disk.backing !== undefined;
  return {
    "model": disk.configured["file-path"],
    "size": isOpen ? diskSizeBytes(disk) : undefined,
    "file-offset": disk.configured["file-offset"] ?? 0,
    "fs": disk.guest?.fileSystem ?? "-",
    "mount-point": disk.guest?.isMounted === true ? slotOf(disk) : undefined,
  };
}

/** Alphabetical after the id, the order of `print as-value`. */
function sorted(entries: [string, Value][]): Row {
  const [id, ...rest] = entries;
  rest.sort(([a], [b]) => a < b ? -1 : 1);
  return new Map(id === undefined ? rest : [id, ...rest]);
}
