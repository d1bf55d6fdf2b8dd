/**
 * The two digests that names are made from. The one file that knows the hash package; it computes
 * and does nothing else, so the domain stays pure.
 */
import { sha1 } from "@noble/hashes/legacy";
import { sha256 } from "@noble/hashes/sha2";

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** The UTF-8 bytes of `text`. Lone surrogates become U+FFFD, as everywhere on the web. */
export function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const code = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) {
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    } else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63));
      bytes.push(0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
  }
  return Uint8Array.from(bytes);
}

/** SHA-1 of bytes, 20 bytes; for name-based UUIDs only. */
export function sha1Of(bytes: Uint8Array): Uint8Array {
  return sha1(bytes);
}

/** SHA-256 of the UTF-8 bytes of `text`, 32 bytes. */
export function sha256Of(text: string): Uint8Array {
  return sha256(utf8(text));
}

/** `bytes` in unpadded base64url. */
export function base64url(bytes: Uint8Array): string {
  return encodeBits(bytes, BASE64URL, 6);
}

/** `bytes` in unpadded lower-case base32 (RFC 4648 alphabet). */
export function base32(bytes: Uint8Array): string {
  return encodeBits(bytes, BASE32, 5);
}

/** The bytes of unpadded base64url text, or undefined when it is not that. */
export function fromBase64url(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  let held = 0;
  let heldBits = 0;
  for (const character of text) {
    const value = BASE64URL.indexOf(character);
    if (value < 0) return undefined;
    held = ((held << 6) | value) & 0xffff;
    heldBits += 6;
    if (heldBits < 8) continue;
    heldBits -= 8;
    bytes.push((held >> heldBits) & 0xff);
  }
  // What is left fills up the last character; anything else has a shorter or another spelling.
  const isWhole = heldBits < 6 && (held & ((1 << heldBits) - 1)) === 0;
  return isWhole ? Uint8Array.from(bytes) : undefined;
}

function encodeBits(bytes: Uint8Array, alphabet: string, width: number): string {
  let text = "";
  let held = 0;
  let heldBits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff;
    heldBits += 8;
    while (heldBits >= width) {
      heldBits -= width;
      text += alphabet[(held >> heldBits) & ((1 << width) - 1)];
    }
  }
  if (heldBits > 0) text += alphabet[(held << (width - heldBits)) & ((1 << width) - 1)];
  return text;
}
