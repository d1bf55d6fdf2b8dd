/**
 * What the driver reports: one closed union. Logs and counters are made from it, so reading it is
 * reading the manual (docs/reference/events.md is tested against it).
 */

/** One thing that happened. Names are in the words of docs/reference/events.md. */
export type DriverEvent =
  /**
   * A CSI call was answered. `code` is the gRPC status name; `error` the cause, for the log only;
   * `request` the request of a failed call, without its secrets.
   */
  | {
    readonly kind: "rpc-finished";
    readonly method: string;
    readonly code: string;
    readonly durationMs: number;
    readonly volumeId?: string;
    readonly error?: unknown;
    readonly request?: unknown;
  }
  /** A process took up its role. */
  | {
    readonly kind: "role-started";
    readonly role: "controller" | "node";
    readonly endpoint: string;
    readonly version: string;
  }
  /** A process gave up its role, in order. */
  | { readonly kind: "role-stopped"; readonly role: "controller" | "node"; readonly reason: string }
  /** An SSH session to an array is up; `attempt` counts from 1 since the last one was lost. */
  | { readonly kind: "session-opened"; readonly array: string; readonly attempt: number }
  /** An SSH session to an array ended, or could not be opened; it is tried again for ever. */
  | {
    readonly kind: "session-lost";
    readonly array: string;
    readonly reason: string;
    readonly retryInMs: number;
  }
  /** Security: the array showed a host key that is not pinned. */
  | {
    readonly kind: "host-key-refused";
    readonly array: string;
    readonly pinned: readonly string[];
    readonly shown: string;
  }
  /** What an array can do, found on connect. */
  | {
    readonly kind: "array-probed";
    readonly array: string;
    readonly version: string;
    readonly features: Readonly<Record<string, string | number | boolean>>;
  }
  /** How an array makes copies, found by making some. */
  | {
    readonly kind: "copy-probed";
    readonly array: string;
    readonly result: string;
    readonly reason?: string;
  }
  /**
   * Limits or copies of an array could not be tried out, or left-overs not be removed; it is tried
   * again. Calls that need them say the same.
   */
  | { readonly kind: "preparation-failed"; readonly array: string; readonly error: unknown }
  /** The reply to a change was lost; the array is asked what happened before anything is repeated. */
  | { readonly kind: "outcome-unknown"; readonly array: string; readonly change: string }
  /** Security: something stands under one of our names and does not carry our identity. */
  | { readonly kind: "foreign-item"; readonly array: string; readonly item: string }
  /** Something half-made was found and removed, or could not be. */
  | { readonly kind: "left-over-removed"; readonly array: string; readonly item: string }
  /**
   * A staged volume is not well, or for another reason than before; once per change, not per look.
   * A lost connection is reported after 30 s, a missing device after 10 s.
   */
  | {
    readonly kind: "volume-abnormal";
    readonly volumeId: string;
    readonly reason: string;
    readonly finding: string;
  }
  /** A volume that was reported abnormal is well again. */
  | { readonly kind: "volume-recovered"; readonly volumeId: string; readonly durationMs: number }
  /**
   * The node connected a volume again that the kernel had given up. With the same device its
   * mounts live on; with another one they are dead.
   */
  | {
    readonly kind: "controller-regained";
    readonly volumeId: string;
    readonly device: string;
    readonly isSameDevice: boolean;
  }
  /** Staging a volume failed too often in a row; it is not tried before the time given. */
  | {
    readonly kind: "breaker-opened";
    readonly volumeId: string;
    readonly reason: string;
    readonly failures: number;
    readonly retryAt: string;
  }
  /** A record of a staged volume cannot be read; its volume is not looked after. */
  | { readonly kind: "record-unreadable"; readonly record: string }
  /** The node has a connection to a volume of ours that no record claims. */
  | {
    readonly kind: "session-unclaimed";
    readonly nqn: string;
    readonly isClosed: boolean;
    readonly finding: string;
  }
  /** Children that the kernel does not let end, or none any more. */
  | {
    readonly kind: "children-stuck";
    readonly count: number;
    readonly children: readonly string[];
  }
  /** Something about this machine endangers volumes. */
  | { readonly kind: "host-danger"; readonly danger: string }
  /** Programs that this node lacks: volumes that need one of them cannot be used here. */
  | { readonly kind: "tools-missing"; readonly tools: readonly string[] }
  /**
   * A round of looking after the volumes failed, or setting the node in order at its start; the next
   * round, or start, does it again.
   */
  | { readonly kind: "guard-failed"; readonly error: unknown };

/** Takes an event. Must not throw and must not wait. */
export type Observe = (event: DriverEvent) => void;
