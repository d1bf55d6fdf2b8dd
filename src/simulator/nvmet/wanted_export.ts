/** One subsystem of nvmet as it shall be. */
export interface WantedExport {
  readonly nqn: string;
  /** The TCP port. */
  readonly port: number;
  /** The file with the data, by its canonical path. */
  readonly backingPath: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly namespaceUuid: string;
  readonly serial: string;
  /** The host NQNs that may connect; none: every host may. */
  readonly allowedHosts: readonly string[];
  /** The lowest controller id that hosts are given; undefined: the kernel's own choice. */
  readonly leastControllerId: number | undefined;
  /** False: the namespace is not enabled yet. One that is enabled already stays so. */
  readonly isEnabled: boolean;
  /** False: no host can reach it yet. One that is linked already stays so. */
  readonly isLinked: boolean;
}

/** Longer names do not fit into the protocol's field of 223 bytes and its end. */
const MAX_NQN_BYTES = 222;

/** Whether the kernel may be asked for an object of this name: it becomes a part of a path. */
export function isObjectName(name: string): boolean {
  return /^[!-~]+$/.test(name) && name.length <= MAX_NQN_BYTES && !name.includes("/") &&
    name !== "." && name !== "..";
}

/** Whether two are the same in everything. */
export function isSameWanted(a: WantedExport, b: WantedExport): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
