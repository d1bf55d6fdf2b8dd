import { join } from "node:path";
import { type BoxOptions, type BoxUser, DEFAULT_BOX_SETTINGS } from "./box/options.ts";
import type { Fault } from "./faults.ts";
import type { NvmetKernel } from "./nvmet/machine.ts";
import type { Account } from "./server/connection.ts";
import { parseAuthorizedKeys, type PasswordAuthentication } from "./server/credentials.ts";
import type { OnDisconnect } from "./server/exec.ts";
import { type HostKey, newHostKey, openHostKey, parseHostKey } from "./server/host_key.ts";
import type { KeyType } from "./server/key_pair.ts";
import type { Latency } from "./server/latency.ts";

/** How exported disks become subsystems of the kernel. */
export interface NvmetOptions {
  /** The numeric address that NVMe hosts connect to; that of the SSH server when absent. */
  readonly address?: string;
  /** The kernel; this machine's when absent. */
  readonly kernel?: NvmetKernel;
}

/** How to start a simulator; everything has a default. */
export interface SimulatorOptions {
  /** The box behind the console. */
  readonly box?: Omit<BoxOptions, "directory">;
  /** Where host key and state live; absent: in memory, gone at the end. Made when missing. */
  readonly directory?: string;
  /** The address to listen on; `127.0.0.1` when absent. */
  readonly host?: string;
  /** The port to listen on; absent or 0: a free one. */
  readonly port?: number;
  /** The type of a host key that is made; `ed25519` when absent, because it is made at once. */
  readonly hostKeyType?: KeyType;
  /** The text of a private host key to use. */
  readonly hostKey?: string;
  /** Public keys (text of an authorized-keys file) that every user may log in with. */
  readonly authorizedKeys?: string;
  /** The password that every user may log in with. */
  readonly password?: string;
  readonly passwordAuthentication?: PasswordAuthentication;
  /** The path of the control socket; absent: in the directory, or in a temporary one. */
  readonly controlSocket?: string;
  /** Whether exported disks are real subsystems of this machine's kernel; absent: they are not. */
  readonly nvmet?: NvmetOptions;
  /** Milliseconds per class of command; 0 when absent. */
  readonly latency?: Partial<Latency>;
  /** Faults that wait from the start. */
  readonly faults?: readonly Fault[];
  /** Connections at the same time; 20 when absent, as on RouterOS. */
  readonly maxSessions?: number;
  /** Commands at the same time on one connection; 8 when absent. */
  readonly commandsPerConnection?: number;
  /** What a command does when its client is gone; `finish` when absent: the dangerous one. */
  readonly onDisconnect?: OnDisconnect;
  /** The exit status after an error; 0 when absent, as on RouterOS. */
  readonly exitStatusOnError?: 0 | 1;
}

/** How `user` logs in, or undefined when there is no such user. */
export function accountOf(
  user: BoxUser | undefined,
  options: SimulatorOptions,
): Account | undefined {
  if (user === undefined) return undefined;
  return {
    policies: user.policies,
    credentials: {
      authorizedKeys: parseAuthorizedKeys(user.publicKeys.join("\n"), `keys of user ${user.name}`),
      password: user.password,
      passwordAuthentication: options.passwordAuthentication ?? "yes-if-no-key",
    },
  };
}

/**
 * The box's options, its users able to log in with the keys and password of the simulator.
 * @throws {Error} for a key that RouterOS would not take.
 */
export function boxOptionsOf(options: SimulatorOptions): BoxOptions {
  const keys = authorizedLines(options.authorizedKeys ?? "");
  const users = (options.box?.users ?? DEFAULT_BOX_SETTINGS.users).map((user) => ({
    ...user,
    publicKeys: [...user.publicKeys, ...keys],
    password: user.password ?? options.password,
  }));
  for (const user of users) {
    parseAuthorizedKeys(user.publicKeys.join("\n"), `keys of user ${user.name}`);
  }
  return { ...options.box, users, directory: boxDirectoryOf(options) };
}

function boxDirectoryOf(options: SimulatorOptions): string | undefined {
  return options.directory === undefined ? undefined : join(options.directory, "box");
}

/** @throws {Error} for a key that RouterOS would not take. */
function authorizedLines(text: string): string[] {
  return parseAuthorizedKeys(text, "the authorized keys").map((key) =>
    `${key.type} ${key.getPublicSSH().toString("base64")} ${key.comment}`.trim()
  );
}

/** The host key that is given, stored in the directory, or made. */
export async function hostKeyOf(options: SimulatorOptions): Promise<HostKey> {
  if (options.hostKey !== undefined) return parseHostKey(options.hostKey, "given");
  const type = options.hostKeyType ?? "ed25519";
  if (options.directory === undefined) return newHostKey(type);
  return await openHostKey(join(options.directory, `host_key_${type}`), type);
}
