/** The parameters of a StorageClass, and of a VolumeAttributesClass. */
import { StorageError } from "./errors.ts";
import { checkPort } from "./nvme.ts";
import { parseReconnectChange, RECONNECT_KEYS, reconnectPolicyOf } from "./reconnect_policy.ts";
import type { ReconnectChange } from "./reconnect_policy.ts";

/** What to do about file-system errors before a mount. */
export type FsckPolicy = "off" | "check" | "repair-safe";

/** The parameters of a StorageClass, checked. */
export interface VolumeParameters {
  readonly backend: string | undefined;
  readonly nvmeAddress: string | undefined;
  readonly nvmePort: number | "per-volume";
  readonly basePath: string | undefined;
  readonly reconnect: ReconnectChange;
  /** Seconds a live migration may take, 30 to 3600. */
  readonly migrationTimeoutSeconds: number;
  readonly mkfsOptions: readonly string[];
  readonly fsckPolicy: FsckPolicy;
}

type Texts = Readonly<Record<string, string>>;

const ALIASES: Readonly<Record<string, string>> = {
  rdsAddress: "nvmeAddress",
  volumePath: "basePath",
};
const KEYS: ReadonlySet<string> = new Set([
  ...["backend", "nvmeAddress", "nvmePort", "basePath", "migrationTimeoutSeconds"],
  ...["mkfsOptions", "fsckPolicy"],
  ...RECONNECT_KEYS,
]);
/** Keys that belong to the sidecars; they read them themselves. */
const SIDECAR_PREFIX = "csi.storage.k8s.io/";
const BACKEND = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;
const ADDRESS = /^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$/;
const BASE_PATH = /^(\/[A-Za-z0-9_][A-Za-z0-9._-]*){1,8}$/;
/** mkfs options that cannot destroy anything nor reach another device. */
const MKFS_OPTION =
  /^(-m \d{1,2}|-i \d{4,8}|-I (128|256|512|1024)|-b (1024|2048|4096)|-T [a-z0-9]{1,16}|-O \^?[a-z0-9_]{1,32}|-L [A-Za-z0-9_-]{1,12})$/;

/**
 * The parameters of a StorageClass. The original driver's `rdsAddress` and `volumePath` stand for
 * `nvmeAddress` and `basePath`; `csi.storage.k8s.io/…` is left to the sidecars.
 * @throws {StorageError} `invalid` naming the key, the value and what is allowed.
 */
export function parseVolumeParameters(given: Texts): VolumeParameters {
  const texts = withoutAliases(given);
  const unknown = Object.keys(texts).find((key) => !KEYS.has(key));
  if (unknown !== undefined) refuse(unknown, texts[unknown] ?? "", `${[...KEYS].join(", ")}`);
  const reconnect = parseReconnectChange(texts);
  reconnectPolicyOf(reconnect);
  return {
    backend: matching(texts, "backend", BACKEND, "a backend's name"),
    nvmeAddress: matching(texts, "nvmeAddress", ADDRESS, "an IP address or a host name"),
    nvmePort: parsePort(texts["nvmePort"]),
    basePath: matching(texts, "basePath", BASE_PATH, "an absolute path of plain names"),
    reconnect,
    migrationTimeoutSeconds: parseMigrationTimeout(texts["migrationTimeoutSeconds"]),
    mkfsOptions: parseMkfsOptions(texts["mkfsOptions"]),
    fsckPolicy: parseFsckPolicy(texts["fsckPolicy"]),
  };
}

/**
 * The parameters that ControllerModifyVolume may change: those of the reconnect policy.
 * @throws {StorageError} `invalid` naming the key, the value and what is allowed.
 */
export function parseMutableParameters(given: Texts): ReconnectChange {
  const allowed: readonly string[] = RECONNECT_KEYS;
  const fixed = Object.keys(given).find((key) => !allowed.includes(key));
  if (fixed !== undefined) {
    refuse(fixed, given[fixed] ?? "", `only ${allowed.join(", ")} can change`);
  }
  const change = parseReconnectChange(given);
  reconnectPolicyOf(change);
  return change;
}

function withoutAliases(given: Texts): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(given)) {
    if (key.startsWith(SIDECAR_PREFIX)) continue;
    const name = Object.hasOwn(ALIASES, key) ? ALIASES[key] ?? key : key;
    if (Object.hasOwn(texts, name)) refuse(key, value, `"${name}" and its alias are both given`);
    texts[name] = value;
  }
  return texts;
}

function matching(texts: Texts, key: string, pattern: RegExp, allowed: string): string | undefined {
  const text = texts[key];
  if (text === undefined || pattern.test(text)) return text;
  return refuse(key, text, allowed);
}

function parsePort(text = "per-volume"): number | "per-volume" {
  if (text === "per-volume") return text;
  if (!/^\d{1,5}$/.test(text)) return refuse("nvmePort", text, `"per-volume" or a port number`);
  return checkPort(Number(text), "nvmePort");
}

function parseMigrationTimeout(text = "300"): number {
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  if (seconds >= 30 && seconds <= 3600) return seconds;
  return refuse("migrationTimeoutSeconds", text, "30 to 3600");
}

function parseMkfsOptions(text = ""): string[] {
  const options = text.split(",").map((option) => option.trim()).filter((option) => option !== "");
  const bad = options.find((option) => !MKFS_OPTION.test(option));
  if (bad !== undefined) {
    refuse("mkfsOptions", bad, "-m, -i, -I, -b, -T, -O, -L with one value each");
  }
  return options;
}

function parseFsckPolicy(text = "repair-safe"): FsckPolicy {
  if (text === "off" || text === "check" || text === "repair-safe") return text;
  return refuse("fsckPolicy", text, "off, check, repair-safe");
}

function refuse(key: string, value: string, allowed: string): never {
  throw new StorageError(
    "invalid",
    `Cannot use parameter ${key} "${value}": allowed is ${allowed}`,
  );
}
