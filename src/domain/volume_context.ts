/**
 * What is kept of a volume's parameters for its whole life: the texts CreateVolume answers with and
 * Kubernetes hands back with every later call.
 */
import { RECONNECT_KEYS, reconnectParameters } from "./reconnect_policy.ts";
import { parseVolumeParameters } from "./volume_parameters.ts";
import type { VolumeParameters } from "./volume_parameters.ts";

type Texts = Readonly<Record<string, string>>;

const KEYS: readonly string[] = [
  ...["nvmeAddress", "migrationTimeoutSeconds", "mkfsOptions", "fsckPolicy"],
  ...RECONNECT_KEYS,
];

/** The volume context that says what publishing and staging need of `parameters`. */
export function volumeContextOf(parameters: VolumeParameters): Record<string, string> {
  const { nvmeAddress, migrationTimeoutSeconds, mkfsOptions, fsckPolicy, reconnect } = parameters;
  return {
    ...(nvmeAddress === undefined ? {} : { nvmeAddress }),
    migrationTimeoutSeconds: String(migrationTimeoutSeconds),
    ...(mkfsOptions.length === 0 ? {} : { mkfsOptions: mkfsOptions.join(",") }),
    fsckPolicy,
    ...reconnectParameters(reconnect),
  };
}

/**
 * The parameters that a volume context says, the inverse of {@link volumeContextOf}. Everything
 * else in it is left alone: sidecars and the kubelet add keys of their own, and volumes taken over
 * from the original driver carry keys that the array itself answers today.
 * @throws {StorageError} `invalid` naming the key, the value and what is allowed.
 */
export function parseVolumeContext(context: Texts): VolumeParameters {
  const known: Record<string, string> = {};
  for (const key of KEYS) {
    const text = context[key];
    if (text !== undefined) known[key] = text;
  }
  return parseVolumeParameters(known);
}
