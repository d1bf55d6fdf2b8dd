import { isIP } from "node:net";
import { parseFault } from "../simulator/control/fault_notation.ts";
import { latencyOf } from "../simulator/control/protocol.ts";
import { parseBytes } from "../simulator/control/quantity.ts";
import type { Fault } from "../simulator/faults.ts";
import type { Policy } from "../simulator/menu.ts";
import { type BoxOptions, type BoxUser, DEFAULT_BOX_SETTINGS } from "../simulator/box/options.ts";
import { parseAuthorizedKeys, PASSWORD_AUTHENTICATION } from "../simulator/server/credentials.ts";
import { ON_DISCONNECT } from "../simulator/server/exec.ts";
import { parseHostKey } from "../simulator/server/host_key.ts";
import { KEY_TYPES } from "../simulator/server/key_pair.ts";
import { HARDWARE_LATENCY, type Latency } from "../simulator/server/latency.ts";
import type { SimulatorOptions } from "../simulator/simulator_options.ts";
import {
  choiceOf,
  explained,
  fileOf,
  FlagError,
  integerOf,
  limitOf,
  numbersByName,
} from "./flag_values.ts";

/** The flags of `rds-csi simulate` as the command line gives them, before they are checked. */
export interface SimulateFlags {
  readonly host: string;
  readonly port: string;
  readonly directory?: string;
  readonly hostKeyType: string;
  readonly hostKey?: string;
  readonly authorizedKey?: readonly string[];
  readonly password?: string;
  readonly passwordAuthentication: string;
  readonly user?: readonly string[];
  readonly controlSocket?: string;
  readonly readyJson?: boolean;
  readonly routeros: string;
  /** `--without-package` sets it false. */
  readonly withoutPackage?: boolean;
  readonly copyFrom: string;
  readonly fileCopy: string;
  readonly slotLimit: string;
  readonly slotTooLong: string;
  readonly commentLimit: string;
  readonly wordings: string;
  readonly removeFile: string;
  readonly identity: string;
  readonly idsOnReboot: string;
  readonly shrink: string;
  readonly poolSize: string;
  readonly poolFileSystem: string;
  readonly exitStatusOnError: string;
  readonly onDisconnect: string;
  readonly maxSessions: string;
  readonly commandsPerConnection: string;
  readonly latency?: string;
  readonly fault?: readonly string[];
  readonly loseReplies?: string;
  readonly seed: string;
  readonly export?: string;
  readonly nvmeAddress?: string;
}

/** The allowed values of the flags that choose a mode. */
export const CHOICES = {
  copyFrom: ["independent-cow", "independent-full", "property-only", "shared"],
  fileCopy: ["reflink", "full"],
  slotTooLong: ["reject", "truncate"],
  wordings: ["plain", "alternate"],
  removeFile: ["keep", "delete"],
  identity: ["stable", "changing"],
  idsOnReboot: ["keep", "change"],
  shrink: ["refuse", "truncate"],
  poolFileSystem: ["btrfs", "xfs"],
  exitStatusOnError: ["0", "1"],
} as const;

/** What can make the exported disks real. */
const EXPORTS = ["nvmet"] as const;

/** Every policy a user can have. */
export const POLICIES: readonly Policy[] = [
  "ssh",
  "read",
  "write",
  "test",
  "ftp",
  "policy",
  "reboot",
  "sensitive",
];

/** The short forms of `--routeros`, each a version that exists. */
const VERSIONS: ReadonlyMap<string, string> = new Map([["7.20", "7.20.8"], ["7.24", "7.24.4"]]);

const MAX_CONNECTIONS = 10_000;
const MAX_SLOT_CHARACTERS = 1024;
const MAX_SEED = 2 ** 32 - 1;

/**
 * Checks the flags and makes options of them; reads the files they name.
 * @throws {FlagError} for the first value that is not allowed.
 */
export async function simulatorOptionsOf(flags: SimulateFlags): Promise<SimulatorOptions> {
  return {
    box: boxOptionsOf(flags),
    host: flags.host,
    port: integerOf("--port", flags.port, 0, 65_535),
    ...(flags.directory === undefined ? {} : { directory: flags.directory }),
    ...(flags.controlSocket === undefined ? {} : { controlSocket: flags.controlSocket }),
    ...(flags.password === undefined ? {} : { password: flags.password }),
    ...(await keysOf(flags)),
    passwordAuthentication: choiceOf(
      "--password-authentication",
      flags.passwordAuthentication,
      PASSWORD_AUTHENTICATION,
    ),
    maxSessions: integerOf("--max-sessions", flags.maxSessions, 1, MAX_CONNECTIONS),
    commandsPerConnection: integerOf(
      "--commands-per-connection",
      flags.commandsPerConnection,
      1,
      MAX_CONNECTIONS,
    ),
    onDisconnect: choiceOf("--on-disconnect", flags.onDisconnect, ON_DISCONNECT),
    exitStatusOnError: exitStatusOf(flags),
    latency: flags.latency === undefined ? {} : parseLatency("--latency", flags.latency),
    faults: faultsOf(flags),
    ...exportOf(flags),
  };
}

/** Reads `read=20,add=400` or `hardware`. @throws {FlagError} when it is neither. */
export function parseLatency(flag: string, value: string): Partial<Latency> {
  if (value === "hardware") return HARDWARE_LATENCY;
  return explained(flag, value, () => latencyOf(numbersByName(flag, value)));
}

function boxOptionsOf(flags: SimulateFlags): Omit<BoxOptions, "directory"> {
  return {
    version: versionOf(flags.routeros),
    storagePackage: flags.withoutPackage !== true,
    copyFrom: choiceOf("--copy-from", flags.copyFrom, CHOICES.copyFrom),
    fileCopy: choiceOf("--file-copy", flags.fileCopy, CHOICES.fileCopy),
    slotLimit: limitOf("--slot-limit", flags.slotLimit, MAX_SLOT_CHARACTERS),
    slotTooLong: choiceOf("--slot-too-long", flags.slotTooLong, CHOICES.slotTooLong),
    commentLimit: limitOf("--comment-limit", flags.commentLimit, MAX_SLOT_CHARACTERS),
    wordings: choiceOf("--wordings", flags.wordings, CHOICES.wordings),
    removeKeepsFile: choiceOf("--remove-file", flags.removeFile, CHOICES.removeFile) === "keep",
    identity: choiceOf("--identity", flags.identity, CHOICES.identity),
    idsChangeOnReboot:
      choiceOf("--ids-on-reboot", flags.idsOnReboot, CHOICES.idsOnReboot) === "change",
    shrink: choiceOf("--shrink", flags.shrink, CHOICES.shrink),
    poolSizeBytes: sizeOf("--pool-size", flags.poolSize),
    poolFileSystem: choiceOf("--pool-file-system", flags.poolFileSystem, CHOICES.poolFileSystem),
    users: usersOf(flags.user ?? []),
  };
}

/** @throws {FlagError} for an address that the kernel could not listen on. */
function exportOf(flags: SimulateFlags): Pick<SimulatorOptions, "nvmet"> {
  if (flags.export === undefined) {
    if (flags.nvmeAddress === undefined) return {};
    throw new FlagError("--nvme-address", flags.nvmeAddress, "only together with --export nvmet");
  }
  choiceOf("--export", flags.export, EXPORTS);
  const flag = flags.nvmeAddress === undefined ? "--host" : "--nvme-address";
  const address = flags.nvmeAddress ?? flags.host;
  if (isIP(address) !== 0) return { nvmet: { address } };
  throw new FlagError(flag, address, "a numeric IPv4 or IPv6 address with --export nvmet");
}

function versionOf(value: string): string {
  if (!/^7\.\d{1,3}(\.\d{1,3})?$/.test(value)) {
    throw new FlagError("--routeros", value, "7.20, 7.21, 7.23, 7.24, or a full version (7.24.4)");
  }
  return VERSIONS.get(value) ?? value;
}

function sizeOf(flag: string, value: string): number {
  const bytes = parseBytes(value);
  if (bytes === undefined || bytes === 0) {
    throw new FlagError(flag, value, "bytes, or a size such as 500G or 7T (powers of 1024)");
  }
  return bytes;
}

function exitStatusOf(flags: SimulateFlags): 0 | 1 {
  const { exitStatusOnError } = flags;
  return choiceOf("--exit-status-on-error", exitStatusOnError, CHOICES.exitStatusOnError) === "1"
    ? 1
    : 0;
}

/** `admin` with every policy, and who the flags add or replace. */
function usersOf(values: readonly string[]): BoxUser[] {
  const users = new Map(DEFAULT_BOX_SETTINGS.users.map((user) => [user.name, user]));
  for (const value of values) {
    const [name = "", policies = ""] = value.split(":", 2);
    if (!/^[A-Za-z0-9_.#@-]+$/.test(name) || policies === "") {
      throw new FlagError(
        "--user",
        value,
        "NAME:POLICY,POLICY with policies " + POLICIES.join(", "),
      );
    }
    const granted = policies.split(",").map((policy) => choiceOf("--user", policy, POLICIES));
    users.set(name, {
      name,
      group: name,
      policies: new Set(granted),
      password: undefined,
      publicKeys: [],
    });
  }
  return [...users.values()];
}

async function keysOf(
  flags: SimulateFlags,
): Promise<Pick<SimulatorOptions, "hostKey" | "hostKeyType" | "authorizedKeys">> {
  const authorized: string[] = [];
  for (const path of flags.authorizedKey ?? []) {
    const text = await fileOf("--authorized-key", path);
    refuseUnless("--authorized-key", path, () => parseAuthorizedKeys(text, path));
    authorized.push(text);
  }
  const hostKeyType = choiceOf("--host-key-type", flags.hostKeyType, KEY_TYPES);
  const authorizedKeys = authorized.join("\n");
  if (flags.hostKey === undefined) return { hostKeyType, authorizedKeys };
  const path = flags.hostKey;
  const hostKey = await fileOf("--host-key", path);
  refuseUnless("--host-key", path, () => parseHostKey(hostKey, path));
  return { hostKeyType, authorizedKeys, hostKey };
}

function refuseUnless(flag: string, path: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    const allowed = "an RSA key of 2048 bits or more, or an Ed25519 key, in OpenSSH form";
    const reason = error instanceof Error ? error.message : String(error);
    throw new FlagError(flag, path, `${allowed} (${reason})`, { cause: error });
  }
}

function faultsOf(flags: SimulateFlags): Fault[] {
  const faults = (flags.fault ?? []).map((text) =>
    explained("--fault", text, () => parseFault(text))
  );
  const seed = integerOf("--seed", flags.seed, 0, MAX_SEED);
  if (flags.loseReplies === undefined) return faults;
  const text = flags.loseReplies;
  const losing = explained(
    "--lose-replies",
    text,
    () => parseFault(`lose-replies:percent=${text},seed=${seed}`),
  );
  return [...faults, losing];
}
