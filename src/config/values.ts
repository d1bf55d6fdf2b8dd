/** The kinds of values a configuration holds: each from what YAML gives to what the driver uses. */
import { isIPv6 } from "node:net";
import type { PortRange } from "../domain/nvme.ts";

/** A parser that takes text which matches `pattern`. */
export function textLike(pattern: RegExp): (value: unknown) => string | undefined {
  return (value) => typeof value === "string" && pattern.test(value) ? value : undefined;
}

/** A parser that takes whole numbers from `least` to `most`. */
export function wholeNumber(
  least: number,
  most: number,
): (value: unknown) => number | undefined {
  return (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
      ? value
      : undefined;
}

/** A parser that takes one of `words`. */
export function oneOf<Word extends string>(
  words: readonly Word[],
): (value: unknown) => Word | undefined {
  return (value) => words.find((word) => word === value);
}

const HOST_NAME =
  /^(?!.{254})([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const IPV4 = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.|$)){4}$/;

/** An IPv4 literal, an IPv6 literal with or without brackets, or a host name; without brackets. */
export function address(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const inBrackets = /^\[(.*)\]$/.exec(value)?.[1];
  const text = inBrackets ?? value;
  if (text.includes(":")) return isIPv6(text) && !text.includes("%") ? text : undefined;
  if (inBrackets !== undefined || text.endsWith(".")) return undefined;
  return IPV4.test(value) && !value.endsWith(".") || HOST_NAME.test(value) ? value : undefined;
}

/** `first-last`, or one port; both ends from 1 to 65535. */
export function portRange(value: unknown): PortRange | undefined {
  const isText = typeof value === "string" || typeof value === "number";
  const [, first, last = first] = isText
    ? /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(String(value)) ?? []
    : [];
  const range = { first: Number(first), last: Number(last) };
  return range.first <= range.last && range.last <= 65_535 ? range : undefined;
}

/** A port range as it is written. */
export function showPortRange({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}

/**
 * A host key that is pinned: a fingerprint as `ssh-keygen -l` prints it, or a public key as it
 * stands in a known_hosts file, without its comment.
 */
export function hostKey(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  if (/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(value)) return value;
  const [type = "", key = "", ...rest] = value.trim().split(/\s+/);
  if (rest.length > 1 || !HOST_KEY_TYPES.has(type)) return undefined;
  return typeInside(key) === type ? `${type} ${key}` : undefined;
}

const HOST_KEY_TYPES: ReadonlySet<string> = new Set([
  ...["ssh-ed25519", "ssh-rsa"],
  ...["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"],
]);

/** The type that a public key names within itself: a length, then the text. */
function typeInside(key: string): string | undefined {
  if (!/^[A-Za-z0-9+/]{24,4096}={0,2}$/.test(key) || key.length % 4 !== 0) return undefined;
  const bytes = Uint8Array.from(atob(key), (letter) => letter.charCodeAt(0));
  const length = new DataView(bytes.buffer).getUint32(0);
  if (length > 32 || bytes.length <= 4 + length) return undefined;
  return new TextDecoder().decode(bytes.subarray(4, 4 + length));
}
