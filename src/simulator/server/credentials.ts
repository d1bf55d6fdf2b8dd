import { timingSafeEqual } from "node:crypto";
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";
// @ts-types="@types/ssh2"
import type { AuthContext, ParsedKey, PublicKeyAuthContext } from "ssh2";

/** The ways to log in that SSH clients are told of. */
type Method = "publickey" | "password";

/** When a password is accepted; `yes-if-no-key` is RouterOS's default. */
export type PasswordAuthentication = "yes" | "no" | "yes-if-no-key";

/** The values of {@link PasswordAuthentication}, in the order they are shown. */
export const PASSWORD_AUTHENTICATION: readonly PasswordAuthentication[] = [
  "yes-if-no-key",
  "yes",
  "no",
];

/** What proves who a user is. */
export interface Credentials {
  readonly authorizedKeys: readonly ParsedKey[];
  readonly password: string | undefined;
  readonly passwordAuthentication: PasswordAuthentication;
}

/** RouterOS's floor for RSA keys of users. */
const MIN_RSA_BITS = 2048;

/**
 * Reads the text of an authorized-keys file: a public key per line, `#` comments allowed.
 * @throws {Error} naming `origin` and the line, for keys RouterOS would not import either.
 */
export function parseAuthorizedKeys(text: string, origin: string): ParsedKey[] {
  const lines = text.split(/\r?\n/);
  return lines.flatMap((line, index) => {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) return [];
    return [parseUserKey(trimmed, `${origin} line ${index + 1}`)];
  });
}

/**
 * The methods that can succeed with `credentials`, as they are told to a refused client; both for
 * a user who does not exist, so that the answer does not tell who does.
 */
export function offeredMethods(credentials: Credentials | undefined): Method[] {
  if (credentials === undefined) return ["publickey", "password"];
  const methods: Method[] = [];
  if (credentials.authorizedKeys.length > 0) methods.push("publickey");
  if (acceptsPassword(credentials)) methods.push("password");
  return methods;
}

/** Whether this step of a log-in is right; for a key without signature: whether it is known. */
export function isProof(context: AuthContext, credentials: Credentials): boolean {
  switch (context.method) {
    case "publickey":
      return isKeyProof(context, credentials.authorizedKeys);
    case "password":
      return acceptsPassword(credentials) &&
        isSameText(context.password, credentials.password ?? "");
    default:
      return false;
  }
}

function acceptsPassword(credentials: Credentials): boolean {
  if (credentials.password === undefined) return false;
  switch (credentials.passwordAuthentication) {
    case "yes":
      return true;
    case "no":
      return false;
    case "yes-if-no-key":
      return credentials.authorizedKeys.length === 0;
  }
}

function isKeyProof(context: PublicKeyAuthContext, authorized: readonly ParsedKey[]): boolean {
  const known = authorized.find((key) => key.getPublicSSH().equals(context.key.data));
  if (known === undefined) return false;
  if (context.signature === undefined || context.blob === undefined) return true;
  return known.verify(context.blob, context.signature, context.hashAlgo) === true;
}

function isSameText(given: string, wanted: string): boolean {
  const a = new TextEncoder().encode(given);
  const b = new TextEncoder().encode(wanted);
  return a.length === b.length && timingSafeEqual(a, b);
}

function parseUserKey(line: string, where: string): ParsedKey {
  const key = ssh2.utils.parseKey(line);
  if (key instanceof Error || (key.type !== "ssh-rsa" && key.type !== "ssh-ed25519")) {
    throw new Error(`Cannot use the key in ${where}: unable to load key file (wrong format...)`);
  }
  if (key.type === "ssh-rsa" && rsaBits(key.getPublicSSH()) < MIN_RSA_BITS) {
    throw new Error(`Cannot use the key in ${where}: keys smaller than 2048bit are not allowed`);
  }
  return key;
}

/** The bits of the modulus, the third string of the blob (type, exponent, modulus). */
function rsaBits(blob: Uint8Array): number {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  let offset = 0;
  for (let skipped = 0; skipped < 2; skipped += 1) offset += 4 + view.getUint32(offset);
  const modulus = blob.subarray(offset + 4, offset + 4 + view.getUint32(offset));
  const first = modulus.findIndex((byte) => byte !== 0);
  if (first < 0) return 0;
  return (modulus.length - first - 1) * 8 + (32 - Math.clz32(modulus[first] ?? 0));
}
