/** Contents of files as text of the console: one character per byte. */

const CHUNK = 8192;

/** The bytes of a text; a character beyond one byte, as from a terminal, becomes UTF-8. */
export function bytesOf(text: string): Uint8Array {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > 0xff) return new TextEncoder().encode(text);
  }
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The text of some bytes, one character each. */
export function textOfBytes(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return text;
}
