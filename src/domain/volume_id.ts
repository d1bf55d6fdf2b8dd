/**
 * What a volume is called: its CSI id, and the digest of the name it was asked for by.
 *
 * A name of the form `pvc-<uuid>` (what external-provisioner sends) is the id. Any other name is
 * turned into a name-based UUID, so the same name always gives the same id, with no table.
 */
import { base64url, sha1Of, sha256Of, utf8 } from "./digest.ts";

/** `pvc-<uuid>` in lower case; made only by {@link parseVolumeId} and {@link volumeIdForName}. */
export type VolumeId = string & { readonly brand: "VolumeId" };

/** 22 characters that stand for a CSI request name; equal names, equal digests. */
export type NameDigest = string & { readonly brand: "NameDigest" };

const VOLUME_ID = /^pvc-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** The namespace of our name-based UUIDs: drawn once, never to change (ids on boxes depend on it). */
const NAMESPACE = Uint8Array.of(
  ...[0x7a, 0x1d, 0x5e, 0x0c, 0x3b, 0x42, 0x4f, 0x6e],
  ...[0x9c, 0x8d, 0x52, 0x44, 0x53, 0x2d, 0x43, 0x53],
);

/** The id that `text` is, or undefined when it is not one of ours. */
export function parseVolumeId(text: string): VolumeId | undefined {
  return VOLUME_ID.test(text) ? (text as VolumeId) : undefined;
}

/** The id of the volume that was asked for as `name`; the same name always gives the same id. */
export function volumeIdForName(name: string): VolumeId {
  return parseVolumeId(name) ?? (`pvc-${nameBasedUuid(name)}` as VolumeId);
}

/** The UUID inside a volume id, 36 characters. */
export function uuidOf(id: VolumeId): string {
  return id.slice("pvc-".length);
}

/** The digest that is kept on the array to recognise a request by its name. */
export function nameDigestOf(name: string): NameDigest {
  return base64url(sha256Of(name).subarray(0, 16)) as NameDigest;
}

/** A version 5 UUID of `name` in our namespace (RFC 9562, section 5.5). */
function nameBasedUuid(name: string): string {
  const hash = sha1Of(Uint8Array.of(...NAMESPACE, ...utf8(name))).slice(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
    .join("-");
}
