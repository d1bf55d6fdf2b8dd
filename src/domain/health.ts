/**
 * What is wrong with a staged volume, from what its record, its session and its mount say. The
 * texts are for people: events and the volume condition of CSI show them as they are.
 */
import type { DeviceNumber } from "./block_device.ts";

/** Why a volume is not well. */
export type IllReason =
  /** The connection is lost and the kernel is trying to bring it back: I/O waits. */
  | "waiting-for-box"
  /** The kernel has no connection although the volume is staged. */
  | "no-connection"
  /** The same, and an attempt to connect failed. */
  | "cannot-connect"
  /** Connected, and the array shows no device. */
  | "no-namespace"
  /** Connected, and the device is not the one that was staged. */
  | "identity-changed"
  /** The device or the file system under a mount is gone for good. */
  | "mount-dead"
  /** Nothing is mounted where the volume is staged. */
  | "mount-gone"
  /** It is being unstaged, or was given up by a person. */
  | "ended";

/** Whether a volume is well. */
export type Health =
  | { readonly kind: "well" }
  | { readonly kind: "ill"; readonly reason: IllReason; readonly message: string };

interface Device {
  readonly number: DeviceNumber;
  readonly identity: string | undefined;
}

/** What was found about one volume. */
export interface Findings {
  /** From its record; undefined when it has none. */
  readonly phase: "staging" | "staged" | "unstaging" | "abandoned" | undefined;
  /** The device as it was staged; undefined when that is not known. */
  readonly staged: Device | undefined;
  /** The connection as the kernel shows it; undefined when there is none. */
  readonly session:
    | {
      readonly state: "live" | "lost" | "closing";
      readonly controllers: readonly string[];
      readonly device: Device | undefined;
    }
    | undefined;
  /** What is where the volume is mounted or shown; `unasked` for raw block at its staging path. */
  readonly shown: "alive" | "dead" | "nothing" | "unasked";
  /** Why the last attempt to connect failed, if it did. */
  readonly connectFailure: string | undefined;
}

/** How long a state must last before it is reported. A condition that is asked for says it at once. */
export const PATIENCE_MS: Readonly<Record<IllReason, number>> = {
  "waiting-for-box": 30_000,
  "no-connection": 0,
  "cannot-connect": 0,
  "no-namespace": 10_000,
  "identity-changed": 0,
  "mount-dead": 0,
  "mount-gone": 0,
  "ended": 0,
};

const WELL: Health = { kind: "well" };
/** What brings back what is dead, in words. */
export const RESTAGE =
  "it must be staged again: delete the pod that uses it; what was synced to the volume is safe";

/** The health of a volume. */
export function diagnose(findings: Findings): Health {
  const { phase, session, shown } = findings;
  if (phase === "abandoned") {
    return ill("ended", "the volume was detached by force and is not brought back; " + RESTAGE);
  }
  if (phase === "unstaging") return ill("ended", "the volume is being unstaged");
  const health = healthOf(session, findings);
  if (health.kind === "well" || shown !== "dead" || health.reason === "mount-dead") return health;
  return { ...health, message: `${health.message}; what is mounted is dead, ${RESTAGE}` };
}

function healthOf(session: Findings["session"], findings: Findings): Health {
  const { connectFailure } = findings;
  const isHeadOnly = session?.state === "closing" && session.controllers.length === 0;
  if (session === undefined || isHeadOnly) {
    const missing = "the node has no connection to the array for this volume";
    return connectFailure === undefined
      ? ill("no-connection", `${missing}; it is being made again`)
      : ill("cannot-connect", `${missing}, and it cannot be made: ${connectFailure}`);
  }
  switch (session.state) {
    case "closing":
      return ill("no-connection", "the connection to the array is being closed");
    case "lost":
      return ill(
        "waiting-for-box",
        "the connection to the array is lost; reads and writes wait until the array answers again",
      );
    case "live":
      return deviceHealth(session.device, findings);
  }
}

function deviceHealth(device: Device | undefined, { staged, shown }: Findings): Health {
  if (device === undefined) {
    return ill(
      "no-namespace",
      "the node is connected and the array shows no device: the namespace has another identity " +
        "than before, is not enabled, or has the same identity as another volume's on this node",
    );
  }
  const [was, is] = [staged?.identity, device.identity];
  if (was !== undefined && is !== undefined && was !== is) {
    return ill(
      "identity-changed",
      `the array shows a namespace with another identity (was ${was}, is ${is})`,
    );
  }
  if (shown === "dead") {
    return ill("mount-dead", `the device behind the volume is gone; ${RESTAGE}`);
  }
  if (shown === "nothing") return ill("mount-gone", `nothing is mounted any more; ${RESTAGE}`);
  // For raw block nothing but the number tells that what pods hold is not the device of today.
  if (shown === "unasked" && staged !== undefined && staged.number !== device.number) {
    return ill(
      "mount-dead",
      `the volume has device ${device.number} now and was ${staged.number}; ${RESTAGE}`,
    );
  }
  return WELL;
}

function ill(reason: IllReason, message: string): Health {
  return { kind: "ill", reason, message };
}
