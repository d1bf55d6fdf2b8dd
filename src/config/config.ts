/**
 * The configuration of a controller: one YAML file, with what flags replace, checked as a whole.
 * Pure. The table below is the list of all keys; docs/reference/configuration.md is tested against
 * it.
 */
import {
  byDefault,
  defaultsOf,
  type Field,
  type FieldsOf,
  list,
  REQUIRED,
  scalar,
  section,
} from "./field.ts";
import { backendConflicts } from "./conflicts.ts";
import { type ConfigOverrides, readYaml, withOverrides } from "./file.ts";
import {
  address,
  hostKey,
  oneOf,
  portRange,
  showPortRange,
  textLike,
  wholeNumber,
} from "./values.ts";
import type {
  Config,
  ConnectionsConfig,
  LogConfig,
  SnapshotsConfig,
  TimeoutsConfig,
  WrittenBackend,
  WrittenConfig,
} from "./shape.ts";

/** Everything that is wrong with a configuration; one line for each problem. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`Cannot use the configuration: ${problems.join("; ") || "nothing is known"}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** The name the driver registers under unless told otherwise. */
export const DEFAULT_DRIVER_NAME = "rds.csi.srvlab.io";
/** What a driver may be called, in words. */
export const DRIVER_NAME_WORDS = "a name in domain notation, at most 63 characters";
/** The arrays one controller serves at most. */
export const BACKENDS_MAX = 16;

const NAME = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;
const DRIVER_NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const BASE_PATH = /^(\/[A-Za-z0-9_][A-Za-z0-9._-]*){1,8}$/;
const FILE = /^\/[^\p{Cc}]{0,1023}$/u;
const LEVELS = ["debug", "info", "warning", "error"] as const;
const BASE_PATH_WORDS = "an absolute path of 1 to 8 plain names, without a slash at its end";
const ADDRESS_WORDS = "an IPv4 or IPv6 literal or a host name";

const TIMEOUTS: FieldsOf<TimeoutsConfig> = {
  dialSeconds: seconds("Until a connection stands and the user is let in.", 10, 60),
  commandSeconds: seconds("For a command that only reads.", 30, 300),
  changeSeconds: seconds("For a command that changes something.", 120, 3600),
  copySeconds: seconds("For a command that copies a volume or a snapshot.", 600, 7200),
  shutdownSeconds: seconds("For closing the connection at the end.", 5, 30),
};

const SNAPSHOTS: FieldsOf<SnapshotsConfig> = {
  strategy: word(
    "How copies are made: whatever is proved to work at the start, or one way only.",
    ["auto", "copy-from", "file-copy"],
    "auto",
  ),
  whileAttached: word(
    "What to do with a snapshot or clone of a volume in use, when the array cannot cut a copy at one instant.",
    ["refuse", "allow-fuzzy"],
    "refuse",
  ),
};

const CONNECTIONS: FieldsOf<ConnectionsConfig> = {
  reads: number("SSH sessions for reading, beside the one that makes changes.", 1, 8, byDefault(2)),
};

const BACKEND: FieldsOf<WrittenBackend> = {
  name: scalar(
    "What a StorageClass calls this array; part of nothing on the array itself.",
    "1 to 32 of a-z, 0-9 and -",
    REQUIRED,
    textLike(NAME),
  ),
  address: scalar("Where SSH is served.", ADDRESS_WORDS, REQUIRED, address),
  port: number("The TCP port of SSH.", 1, 65_535, byDefault(22)),
  user: scalar(
    "The user to log in as.",
    "1 to 64 of letters, digits, and . _ @ -",
    byDefault("metal-csi"),
    textLike(/^[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}$/),
  ),
  privateKeyFile: scalar(
    "The file with the user's private key: Ed25519, or RSA of at least 2048 bits.",
    "an absolute path",
    REQUIRED,
    textLike(FILE),
  ),
  hostKeys: list(
    scalar(
      "The host keys that are accepted; several during a change of keys.",
      `"SHA256:…" or "ssh-ed25519 AAAA…"`,
      REQUIRED,
      hostKey,
    ),
    { least: 1, most: 8 },
    REQUIRED,
  ),
  storageAddress: scalar<string | undefined>(
    "Where nodes reach the array's NVMe/TCP.",
    ADDRESS_WORDS,
    byDefault(undefined, "the value of address"),
    address,
  ),
  basePath: scalar(
    "The directory that holds this cluster's files; no other cluster may use it.",
    BASE_PATH_WORDS,
    byDefault("/storage-pool/metal-csi"),
    textLike(BASE_PATH),
  ),
  allowedBasePaths: list(
    scalar(
      "Further directories that a StorageClass may name.",
      BASE_PATH_WORDS,
      REQUIRED,
      textLike(BASE_PATH),
    ),
    { least: 0, most: 16 },
    byDefault([], "none"),
  ),
  nvmePorts: scalar(
    "The TCP ports volumes are exported on, one for each; or one port for all of them.",
    "a port, or two with a - between them, from 1 to 65535",
    byDefault({ first: 44_200, last: 48_295 }, "44200-48295"),
    portRange,
  ),
  minFreePercent: number(
    "How much of the pool new volumes and snapshots leave free.",
    0,
    50,
    byDefault(10),
  ),
  volumesMax: number("Volumes of this cluster on the array at most.", 1, 10_000, byDefault(4000)),
  connections: section("SSH sessions.", CONNECTIONS, defaultsOf(CONNECTIONS)),
  timeouts: section("How long things may take.", TIMEOUTS, defaultsOf(TIMEOUTS)),
  snapshots: section("Snapshots and clones.", SNAPSHOTS, defaultsOf(SNAPSHOTS)),
};

const LOG: FieldsOf<LogConfig> = {
  level: word("Events below it are not written.", LEVELS, "info"),
  format: word("JSON for machines, text for a terminal.", ["json", "text"], "json"),
};

const CONFIG: FieldsOf<WrittenConfig> = {
  clusterId: scalar(
    "Who we are on the arrays: items that carry another cluster's id are never touched. Never change it.",
    "1 to 16 of a-z, 0-9 and -",
    REQUIRED,
    textLike(/^[a-z0-9-]{1,16}$/),
  ),
  driverName: scalar(
    "The name the driver registers under, as StorageClasses write it.",
    DRIVER_NAME_WORDS,
    byDefault(DEFAULT_DRIVER_NAME),
    textLike(DRIVER_NAME),
  ),
  defaultBackend: scalar<string | undefined>(
    "The array for StorageClasses that name none.",
    "the name of one of the backends",
    byDefault(undefined, "the only backend"),
    textLike(NAME),
  ),
  backends: list(section("One array each.", BACKEND, REQUIRED), {
    least: 1,
    most: BACKENDS_MAX,
  }, REQUIRED),
  log: section("The log.", LOG, defaultsOf(LOG)),
};

/** All keys, for the reference page. */
export const CONFIG_FIELDS: Readonly<Record<string, Field<unknown>>> = CONFIG;

/**
 * The configuration that `text`, a YAML file, and `overrides` make.
 * @throws {ConfigError} with every problem; each names the key, the value and what is allowed.
 */
export function parseConfig(text: string, overrides: ConfigOverrides = {}): Config {
  const problems: string[] = [];
  const report = (path: string, finding: string): void => {
    problems.push(path === "" ? `the file: ${finding}` : `${path}: ${finding}`);
  };
  const file = readYaml(text);
  if ("problems" in file) throw new ConfigError(file.problems);
  const root = withOverrides(file.value, overrides);
  const written = section("The file.", CONFIG, REQUIRED).read(root, "", report);
  if (written === undefined || problems.length > 0) throw new ConfigError(problems);
  const config = complete(written);
  problems.push(...backendConflicts(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function complete(written: WrittenConfig): Config {
  const backends = written.backends.map((backend) => ({
    ...backend,
    storageAddress: backend.storageAddress ?? backend.address,
  }));
  const only = backends.length === 1 ? backends[0]?.name : undefined;
  return { ...written, backends, defaultBackend: written.defaultBackend ?? only ?? "" };
}

/** Whether a driver may be called so. */
export function isDriverName(name: string): boolean {
  return DRIVER_NAME.test(name);
}

/** What a configuration amounts to, in a few lines for a person. */
export function summarize(config: Config): string[] {
  const backends = config.backends.map((backend) => {
    const isDefault = backend.name === config.defaultBackend ? " (default)" : "";
    return `backend ${backend.name}${isDefault}: ssh ${backend.user}@${backend.address} port ` +
      `${backend.port}, NVMe/TCP ${backend.storageAddress} ports ` +
      `${showPortRange(backend.nvmePorts)}, files in ${backend.basePath}`;
  });
  return [`cluster ${config.clusterId}, driver ${config.driverName}`, ...backends];
}

function number(
  about: string,
  least: number,
  most: number,
  fallback: Field<number>["fallback"],
): Field<number> {
  return scalar(
    about,
    `a whole number from ${least} to ${most}`,
    fallback,
    wholeNumber(least, most),
  );
}

function seconds(about: string, usual: number, most: number): Field<number> {
  return number(about, 1, most, byDefault(usual));
}

function word<Word extends string>(
  about: string,
  words: readonly Word[],
  usual: NoInfer<Word>,
): Field<Word> {
  return scalar(about, words.join(" | "), byDefault<Word>(usual), oneOf(words));
}
