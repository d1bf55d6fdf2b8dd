/** Contents of files as text of the console: one character per byte. */
import { Buffer } from "node:buffer";

/** The bytes of a text; a character beyond one byte, as from a terminal, becomes UTF-8. */
export function bytesOf(text: string): Uint8Array {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > 0xff) return new TextEncoder().encode(text);
  }
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The text of some bytes, one character each. */
export function textOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
