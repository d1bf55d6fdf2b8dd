/** Host keys we accept: pins by fingerprint or by the key itself. */
import { createHash, timingSafeEqual } from "node:crypto";
import { StorageError } from "../../domain/errors.ts";

/** One accepted host key, as its fingerprint `SHA256:…`. */
export type HostKeyPin = string & { readonly brand: "HostKeyPin" };

const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}=?$/;
const KEY_LINE = /^(ssh-ed25519|ssh-rsa) ([A-Za-z0-9+/]+={0,2})( .*)?$/;

/**
 * The pin that `text` names: `SHA256:…` as OpenSSH prints it, or the line `ssh-ed25519 AAAA…`.
 * @throws {StorageError} `invalid` when it is neither.
 */
export function parseHostKeyPin(text: string): HostKeyPin {
  const trimmed = text.trim();
  if (FINGERPRINT.test(trimmed)) return trimmed.replace(/=$/, "") as HostKeyPin;
  const [, type, encoded] = KEY_LINE.exec(trimmed) ?? [];
  const blob = Buffer.from(encoded ?? "", "base64");
  if (type !== undefined && keyTypeOf(blob) === type) return fingerprintOf(blob);
  throw new StorageError(
    "invalid",
    `Cannot use host key "${trimmed}": "SHA256:…" or "ssh-ed25519 AAAA…" or "ssh-rsa AAAA…" is` +
      ` allowed`,
  );
}

/** The fingerprint of a public key in SSH wire form. */
export function fingerprintOf(blob: Uint8Array): HostKeyPin {
  const digest = createHash("sha256").update(blob).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}` as HostKeyPin;
}

/** Whether one of `pins` is the fingerprint `shown`. */
export function isPinned(pins: readonly HostKeyPin[], shown: HostKeyPin): boolean {
  return pins.some((pin) =>
    pin.length === shown.length && timingSafeEqual(Buffer.from(pin), Buffer.from(shown))
  );
}

/** The type a key in SSH wire form says it has; "" when it is too short. */
function keyTypeOf(blob: Buffer): string {
  if (blob.length < 4) return "";
  return blob.toString("latin1", 4, 4 + blob.readUInt32BE(0));
}
