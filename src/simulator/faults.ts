/**
 * The faults a simulator can be told to show, and the record of what must never happen.
 * Types only; the server applies the faults, the box records the violations.
 */

/** Commands fall in classes, each with its own latency. */
export type CommandClass = "handshake" | "read" | "add" | "change" | "remove";

/** A way to misbehave. `times` counts the commands (or connections) it strikes, then it is gone. */
export type Fault =
  | { readonly kind: "refuse-connections"; readonly times: number }
  | { readonly kind: "reset-before"; readonly times: number }
  | { readonly kind: "reset-after"; readonly times: number }
  | { readonly kind: "reset-middle"; readonly times: number; readonly afterBytes: number }
  | { readonly kind: "truncate"; readonly times: number; readonly afterBytes: number }
  | { readonly kind: "hang"; readonly times: number }
  | { readonly kind: "half-open"; readonly times: number }
  | { readonly kind: "wrong-host-key"; readonly times: number }
  | { readonly kind: "session-limit"; readonly limit: number }
  | { readonly kind: "disk-full"; readonly freeBytes: number }
  | { readonly kind: "reboot"; readonly seconds: number }
  | { readonly kind: "lose-replies"; readonly percent: number; readonly seed: number };

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
