/**
 * The faults a simulator can be told to show, and the record of what must never happen.
 * The server applies the faults, the box records the violations.
 */

/** Commands fall in classes, each with its own latency. */
export type CommandClass = "handshake" | "read" | "add" | "change" | "remove";

/** The classes of a command line; `handshake` is the connection's. */
export type LineClass = Exclude<CommandClass, "handshake">;

/** How often a fault strikes, and what it lets pass. */
export interface Strike {
  /** The number of commands (or connections) it strikes; then it is gone. */
  readonly times: number;
  /** The number of commands (or connections) it lets pass first; 0 when absent. */
  readonly skip?: number;
}

/** A {@link Strike} at commands; `on` limits it to some classes, all when absent. */
export interface CommandStrike extends Strike {
  readonly on?: readonly LineClass[];
}

/**
 * A fault that strikes one command.
 *
 * - `reset-before`: the connection is reset, the command never runs.
 * - `reset-after`: the command runs, then the connection is reset before the reply.
 * - `reset-middle`: the command runs, `afterBytes` bytes of the reply arrive, then a reset.
 * - `truncate`: as `reset-middle`, but the channel ends normally with exit status 0.
 * - `hang`: the command never runs and is never answered; the connection stays.
 * - `hang-after`: the command runs but is never answered; the connection stays.
 * - `half-open`: the link dies without a sign: nothing is read or written any more, no close.
 */
export type CommandFault =
  | { readonly kind: "reset-before" | "reset-after" } & CommandStrike
  | { readonly kind: "reset-middle" | "truncate"; readonly afterBytes: number } & CommandStrike
  | { readonly kind: "hang" | "hang-after" | "half-open" } & CommandStrike;

/** A fault that strikes one connection while it is made. */
export type ConnectionFault = { readonly kind: "refuse-connections" | "wrong-host-key" } & Strike;

/**
 * A fault that strikes one export of the disk in `slot`: at the boot of the box, or when the export
 * is switched on. It lasts as long as that export. For boxes whose exports are the kernel's.
 *
 * - `late-export`: the subsystem is on its port `seconds` later than the box is up. When others
 *   have opened the port by then, hosts that come back are told that there is no such subsystem.
 * - `late-namespace`: the subsystem is on its port at once, its namespace `seconds` later.
 * - `new-identity`: the namespace has another UUID and NGUID from now on.
 * - `new-controller`: the subsystem has another serial from now on, and hosts get controller ids
 *   from `leastId`.
 * - `same-identity`: the namespace has the UUID and NGUID of the disk in the slot `as`.
 */
export type ExportFault =
  | { readonly kind: "late-export"; readonly seconds: number } & ExportStrike
  | { readonly kind: "late-namespace"; readonly seconds: number } & ExportStrike
  | { readonly kind: "new-identity" } & ExportStrike
  | { readonly kind: "new-controller"; readonly leastId: number } & ExportStrike
  | { readonly kind: "same-identity"; readonly as: string } & ExportStrike;

/** A {@link Strike} at the exports of one disk. */
export interface ExportStrike extends Strike {
  readonly slot: string;
}

/** A fault that lasts until it is replaced or cleared. */
export type LastingFault =
  | { readonly kind: "session-limit"; readonly limit: number }
  | { readonly kind: "disk-full"; readonly freeBytes: number }
  | { readonly kind: "lose-replies"; readonly percent: number; readonly seed: number };

/** A way to misbehave. `reboot` refuses connections for `seconds` after everything was dropped. */
export type Fault =
  | CommandFault
  | ConnectionFault
  | ExportFault
  | LastingFault
  | { readonly kind: "reboot"; readonly seconds: number };

const EXPORT_FAULTS: ReadonlySet<string> = new Set<ExportFault["kind"]>([
  "late-export",
  "late-namespace",
  "new-identity",
  "new-controller",
  "same-identity",
]);

/** Whether a fault strikes exports of the kernel. */
export function isExportFault(fault: Fault): fault is ExportFault {
  return EXPORT_FAULTS.has(fault.kind);
}

/** Something that would lose or mix up data on a real box. */
export interface Violation {
  readonly kind:
    | "shared-nqn"
    | "shared-file"
    | "guest-file-system-mounted"
    | "file-removed-in-use";
  /** What happened, with slots and paths. */
  readonly detail: string;
}
