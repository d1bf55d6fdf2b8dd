import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";
// @ts-types="@types/ssh2"
import type { ParsedKey } from "ssh2";
import { generateKeyPair, type KeyType } from "./key_pair.ts";

/** The private key of a host, and how others see it. */
export interface HostKey {
  readonly privateKey: ParsedKey;
  readonly type: KeyType;
  /** `ssh-ed25519 AAAA…`, as in a known_hosts file after the host's name. */
  readonly publicLine: string;
  /** `SHA256:…`, as OpenSSH prints it. */
  readonly fingerprint: string;
}

/**
 * Reads a private key (OpenSSH or PEM text).
 * @throws {Error} naming `origin` when it is no private RSA or Ed25519 key without a passphrase.
 */
export function parseHostKey(privateText: string, origin: string): HostKey {
  const key = ssh2.utils.parseKey(privateText);
  if (key instanceof Error) {
    throw new Error(`Cannot read host key ${origin}: ${key.message}`, { cause: key });
  }
  if (!key.isPrivateKey()) throw new Error(`Cannot read host key ${origin}: it is a public key`);
  const type = typeOf(key, origin);
  const blob = key.getPublicSSH();
  return {
    privateKey: key,
    type,
    publicLine: `${key.type} ${blob.toString("base64")}`,
    fingerprint: fingerprintOf(blob),
  };
}

/** A new host key that was never stored. */
export function newHostKey(type: KeyType): HostKey {
  return parseHostKey(generateKeyPair(type, "simulator").privateText, "just made");
}

/**
 * The host key in `path`; made and stored there (mode 0600) when the file is missing, so that a
 * simulator started again on the same directory is the same host.
 */
export async function openHostKey(path: string, type: KeyType): Promise<HostKey> {
  const stored = await readIfPresent(path);
  if (stored !== undefined) return parseHostKey(stored, path);
  const { privateText } = generateKeyPair(type, "simulator");
  await writeFile(path, privateText, { mode: 0o600 });
  return parseHostKey(privateText, path);
}

/** The fingerprint of a public key blob as OpenSSH prints it: `SHA256:` and base64 unpadded. */
export function fingerprintOf(publicBlob: Uint8Array): string {
  const digest = createHash("sha256").update(publicBlob).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

/** The text of a file, or undefined when there is none. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function typeOf(key: ParsedKey, origin: string): KeyType {
  if (key.type === "ssh-rsa") return "rsa";
  if (key.type === "ssh-ed25519") return "ed25519";
  throw new Error(`Cannot use host key ${origin}: "${key.type}" is neither RSA nor Ed25519`);
}
