/**
 * How a node's kernel treats a lost connection to a volume, in the words of the kernel's options.
 * Defaults and their reasons: docs/explanation/reconnection.md.
 */
import { StorageError } from "./errors.ts";

/** A complete policy; what is passed to the kernel at connect. */
export interface ReconnectPolicy {
  /** Seconds after which the kernel gives up and fails all I/O; -1 = never. */
  readonly ctrlLossTmo: number;
  /** Seconds between two attempts, 1 to 60. */
  readonly reconnectDelay: number;
  /** Seconds of silence after which a connection counts as lost, 1 to 120. */
  readonly keepAliveTmo: number;
  /** Seconds after which waiting I/O fails; undefined = never, and not passed to the kernel. */
  readonly fastIoFailTmo: number | undefined;
  /** I/O queues per volume, 1 to 64; undefined = the node's choice, at most 4. */
  readonly nrIoQueues: number | undefined;
}

/** The parts of a policy that a StorageClass or a VolumeAttributesClass names. */
export type ReconnectChange = { readonly [Key in keyof ReconnectPolicy]?: ReconnectPolicy[Key] };

/** What is used where nothing is said: never give up. */
export const DEFAULT_RECONNECT_POLICY: ReconnectPolicy = {
  ctrlLossTmo: -1,
  reconnectDelay: 5,
  keepAliveTmo: 10,
  fastIoFailTmo: undefined,
  nrIoQueues: undefined,
};

/** The parameter keys a policy is made of; the only ones that can change on a living volume. */
export const RECONNECT_KEYS: readonly (keyof ReconnectPolicy)[] = [
  "ctrlLossTmo",
  "reconnectDelay",
  "keepAliveTmo",
  "fastIoFailTmo",
  "nrIoQueues",
];

const RANGES: Record<keyof ReconnectPolicy, readonly [least: number, most: number]> = {
  ctrlLossTmo: [-1, 86_400],
  reconnectDelay: [1, 60],
  keepAliveTmo: [1, 120],
  fastIoFailTmo: [0, 86_400],
  nrIoQueues: [1, 64],
};

/**
 * The policy parts named in `parameters`; other keys are left alone.
 * @throws {StorageError} `invalid` naming the key, the value and what is allowed.
 */
export function parseReconnectChange(
  parameters: Readonly<Record<string, string>>,
): ReconnectChange {
  const change: Partial<Record<keyof ReconnectPolicy, number>> = {};
  for (const key of RECONNECT_KEYS) {
    const text = parameters[key];
    if (text !== undefined) change[key] = parseSeconds(key, text);
  }
  return change;
}

/**
 * `changes` laid over the defaults, later ones winning.
 * @throws {StorageError} `invalid` when the parts contradict each other.
 */
export function reconnectPolicyOf(...changes: readonly ReconnectChange[]): ReconnectPolicy {
  const policy: ReconnectPolicy = Object.assign({}, DEFAULT_RECONNECT_POLICY, ...changes);
  const { ctrlLossTmo, reconnectDelay, fastIoFailTmo } = policy;
  if (ctrlLossTmo !== -1 && ctrlLossTmo < 2 * reconnectDelay) {
    throw new StorageError(
      "invalid",
      `Cannot use ctrlLossTmo ${ctrlLossTmo}: -1 (never give up) or at least twice ` +
        `reconnectDelay (${reconnectDelay}) is allowed`,
    );
  }
  if (fastIoFailTmo !== undefined && ctrlLossTmo !== -1 && fastIoFailTmo >= ctrlLossTmo) {
    throw new StorageError(
      "invalid",
      `Cannot use fastIoFailTmo ${fastIoFailTmo}: it must be below ctrlLossTmo (${ctrlLossTmo})`,
    );
  }
  return policy;
}

/**
 * The policy a volume is published with: what its class says, with what was changed since laid over
 * it. Where the two contradict each other the change stands alone, for it was checked by itself: a
 * volume must stay usable whatever its class says.
 */
export function effectivePolicyOf(
  ofClass: ReconnectChange,
  changed: ReconnectChange,
): ReconnectPolicy {
  try {
    return reconnectPolicyOf(ofClass, changed);
  } catch (error) {
    if (error instanceof StorageError) return reconnectPolicyOf(changed);
    throw error;
  }
}

/** The policy as parameters, the inverse of {@link parseReconnectChange}; unset parts are absent. */
export function reconnectParameters(change: ReconnectChange): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const key of RECONNECT_KEYS) {
    const value = change[key];
    if (value !== undefined) parameters[key] = String(value);
  }
  return parameters;
}

function parseSeconds(key: keyof ReconnectPolicy, text: string): number {
  const [least, most] = RANGES[key];
  const value = /^-?\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most && !(key === "ctrlLossTmo" && value === 0)) return value;
  throw new StorageError(
    "invalid",
    `Cannot use ${key} "${text}": a whole number from ${least} to ${most} is allowed`,
  );
}
