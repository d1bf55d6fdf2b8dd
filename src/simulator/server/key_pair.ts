/**
 * Making SSH key pairs. ssh2 can do that too, but it drops leading zero bytes of Ed25519 public
 * keys: about one pair in 256 is unreadable.
 */
import { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";

/** The kinds of key that RouterOS knows for hosts and users; `rsa` is its default for hosts. */
export type KeyType = "rsa" | "ed25519";

/** The kinds, in the order they are shown. */
export const KEY_TYPES: readonly KeyType[] = ["rsa", "ed25519"];

/** RouterOS's default for `host-key-size`, and its floor for users. */
const RSA_BITS = 2048;

/** A key pair as text: the private key as OpenSSH reads it, the public one as one line. */
export interface KeyPair {
  readonly privateText: string;
  /** `ssh-ed25519 AAAA… comment` */
  readonly publicLine: string;
}

/** Makes a key pair; `comment` ends the public line. */
export function generateKeyPair(type: KeyType, comment: string): KeyPair {
  if (type === "ed25519") {
    return encodeEd25519(generateKeyPairSync("ed25519").privateKey, comment);
  }
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: RSA_BITS });
  const privateText = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
  const key = ssh2.utils.parseKey(privateText);
  if (key instanceof Error) throw key;
  return { privateText, publicLine: `ssh-rsa ${key.getPublicSSH().toString("base64")} ${comment}` };
}

/** Writes an Ed25519 key in the format of OpenSSH (PROTOCOL.key), without a passphrase. */
export function encodeEd25519(privateKey: KeyObject, comment: string): KeyPair {
  const jwk = privateKey.export({ format: "jwk" });
  const publicBytes = Buffer.from(jwk.x ?? "", "base64url");
  const seed = Buffer.from(jwk.d ?? "", "base64url");
  const publicBlob = Buffer.concat([string("ssh-ed25519"), string(publicBytes)]);
  const check = randomBytes(4);
  const body = Buffer.concat([
    check,
    check,
    publicBlob,
    string(Buffer.concat([seed, publicBytes])),
    string(comment),
  ]);
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    string("none"),
    string("none"),
    string(""),
    uint32(1),
    string(publicBlob),
    string(padded(body)),
  ]);
  return {
    privateText: armoured(file.toString("base64")),
    publicLine: `ssh-ed25519 ${publicBlob.toString("base64")} ${comment}`,
  };
}

/** The length, then the bytes: a `string` of the SSH protocol. */
function string(value: string | Buffer): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Filled up with 1, 2, 3 … to a multiple of 8 bytes. */
function padded(body: Buffer): Buffer {
  const missing = (8 - body.length % 8) % 8;
  return Buffer.concat([body, Buffer.from(Array.from({ length: missing }, (_, i) => i + 1))]);
}

function armoured(base64: string): string {
  const lines = base64.match(/.{1,70}/g) ?? [];
  const label = "OPENSSH PRIVATE KEY";
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
