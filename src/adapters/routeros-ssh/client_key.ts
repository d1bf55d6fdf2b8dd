/** The private key we log in with: checked before anything is dialled. */
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";
import { StorageError } from "../../domain/errors.ts";

/** A private key that was checked; made only by {@link checkClientKey}. */
export interface ClientKey {
  readonly text: string;
  readonly passphrase: string | undefined;
}

const RSA_BITS_MIN = 2048;
const ADVICE = "an Ed25519 key or an RSA key of at least 2048 bits is needed";

/**
 * Checks a private key (OpenSSH or PEM text).
 * @param passphrase for a key that is encrypted
 * @throws {StorageError} `invalid` when RouterOS would not take the key, or it cannot be read. The
 * message never holds a part of the key.
 */
export function checkClientKey(text: string, passphrase: string | undefined): ClientKey {
  const parsed = ssh2.utils.parseKey(text, passphrase);
  if (parsed instanceof Error) throw refusal(reasonOf(parsed.message), parsed);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined || !key.isPrivateKey()) throw refusal("it is a public key");
  if (key.type === "ssh-ed25519") return { text, passphrase };
  if (key.type !== "ssh-rsa") throw refusal(`it is of type ${key.type}, which RouterOS refuses`);
  const bits = modulusBitsOf(key.getPublicSSH());
  if (bits < RSA_BITS_MIN) throw refusal(`it is an RSA key of ${bits} bits`);
  return { text, passphrase };
}

function refusal(what: string, cause?: Error): StorageError {
  return new StorageError("invalid", `Cannot use SSH key: ${what}; ${ADVICE}`, { cause });
}

function reasonOf(message: string): string {
  if (/no passphrase/i.test(message)) {
    return "it is encrypted and no passphrase is given (ssh-keygen -p takes it off)";
  }
  if (/bad passphrase|bad decrypt|integrity check/i.test(message)) {
    return "it is encrypted and the passphrase given does not open it";
  }
  return "it is no private key in OpenSSH or PEM form";
}

/** The size of an RSA modulus in SSH wire form: three fields, the modulus last. */
function modulusBitsOf(blob: Buffer): number {
  let offset = 0;
  for (let field = 0; field < 2; field++) offset += 4 + blob.readUInt32BE(offset);
  const length = blob.readUInt32BE(offset);
  const modulus = blob.subarray(offset + 4, offset + 4 + length);
  const start = modulus.findIndex((byte) => byte !== 0);
  if (start < 0) return 0;
  return (modulus.length - start) * 8 - Math.clz32(modulus[start] ?? 0) + 24;
}
