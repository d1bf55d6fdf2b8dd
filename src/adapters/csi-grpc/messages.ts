/** CSI messages ↔ the domain's values. Decoding checks; encoding cannot fail. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { checkCapabilities, FILE_SYSTEM_TYPES } from "../../domain/access.ts";
import type { AccessMode, FileSystemType, VolumeCapability } from "../../domain/access.ts";
import type { CapacityRange } from "../../domain/capacity.ts";
import { StorageError } from "../../domain/errors.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { parseSnapshotId, sourceOf } from "../../domain/snapshot_id.ts";
import type { ContentSource } from "../../domain/volume.ts";
import { parseVolumeId } from "../../domain/volume_id.ts";
import type { VolumeId } from "../../domain/volume_id.ts";
import { VolumeCapability_AccessMode_Mode as Mode } from "./gen/csi_pb.ts";
import type {
  CapacityRange as CapacityRangeMessage,
  SnapshotSchema,
  VolumeCapability as VolumeCapabilityMessage,
  VolumeConditionSchema,
  VolumeContentSource,
  VolumeContentSourceSchema,
} from "./gen/csi_pb.ts";

const MODES: Readonly<Partial<Record<Mode, AccessMode>>> = {
  [Mode.SINGLE_NODE_WRITER]: "SINGLE_NODE_WRITER",
  [Mode.SINGLE_NODE_READER_ONLY]: "SINGLE_NODE_READER_ONLY",
  [Mode.SINGLE_NODE_SINGLE_WRITER]: "SINGLE_NODE_SINGLE_WRITER",
  [Mode.SINGLE_NODE_MULTI_WRITER]: "SINGLE_NODE_MULTI_WRITER",
  [Mode.MULTI_NODE_READER_ONLY]: "MULTI_NODE_READER_ONLY",
  [Mode.MULTI_NODE_SINGLE_WRITER]: "MULTI_NODE_SINGLE_WRITER",
  [Mode.MULTI_NODE_MULTI_WRITER]: "MULTI_NODE_MULTI_WRITER",
};
const BYTES_MAX = BigInt(Number.MAX_SAFE_INTEGER);
/** A mount option as mount(8) takes them: no blanks, no quotes, nothing that ends a list. */
const MOUNT_FLAG = /^[a-z0-9_]+(=[A-Za-z0-9_./:-]+)?$/;

/**
 * A field that a request must carry.
 * @throws {StorageError} `invalid` naming the field.
 */
export function required(value: string, field: string): string {
  if (value !== "") return value;
  throw new StorageError("invalid", `Cannot answer the request: ${field} is empty`);
}

/**
 * The volume that a request names, which must exist.
 * @throws {StorageError} `invalid` when it names none; `not-found` when no volume of ours can have
 * that id.
 */
export function requiredVolumeId(text: string): VolumeId {
  const id = parseVolumeId(required(text, "volume_id"));
  if (id !== undefined) return id;
  throw new StorageError("not-found", `Cannot find volume "${text}": it is no id of this driver`);
}

/**
 * An absolute path on this node.
 * @throws {StorageError} `invalid` when it is empty, relative or climbs.
 */
export function requiredPath(text: string, field: string): string {
  const path = required(text, field);
  if (path.startsWith("/") && !path.split("/").includes("..") && !path.includes("\0")) return path;
  throw new StorageError("invalid", `Cannot use ${field} "${path}": an absolute path is allowed`);
}

/**
 * The sizes asked for; absent fields are zero. A limit beyond what a number holds exactly limits
 * nothing that we make, so the largest number stands for it.
 * @throws {StorageError} `invalid` when negative; `out-of-range` when no array is as large.
 */
export function capacityRangeOf(message: CapacityRangeMessage | undefined): CapacityRange {
  const limit = message?.limitBytes ?? 0n;
  return {
    requiredBytes: safeBytes(message?.requiredBytes ?? 0n, "capacity_range.required_bytes"),
    limitBytes: safeBytes(limit > BYTES_MAX ? BYTES_MAX : limit, "capacity_range.limit_bytes"),
  };
}

/**
 * One capability, which the driver must be able to offer.
 * @throws {StorageError} `invalid` when it is absent, incomplete or not supported.
 */
export function requiredCapability(message: VolumeCapabilityMessage | undefined): VolumeCapability {
  if (message === undefined) {
    throw new StorageError("invalid", "Cannot answer the request: volume_capability is absent");
  }
  const capability = capabilityOf(message);
  checkCapabilities([capability]);
  return capability;
}

/**
 * The capabilities of a request, at least one, not yet checked against what we offer.
 * @throws {StorageError} `invalid` when there is none or one is malformed.
 */
export function requiredCapabilities(
  messages: readonly VolumeCapabilityMessage[],
): VolumeCapability[] {
  if (messages.length > 0) return messages.map(capabilityOf);
  throw new StorageError("invalid", "Cannot answer the request: volume_capabilities is empty");
}

/**
 * What a new volume is to be made from; undefined when it is to be empty.
 * @throws {StorageError} `invalid` when the source is not named; `not-found` when nothing of ours
 * can have that id.
 */
export function contentSourceOf(
  message: VolumeContentSource | undefined,
): ContentSource | undefined {
  if (message === undefined) return undefined;
  const { type } = message;
  if (type.case === "volume") return { kind: "volume", id: requiredVolumeId(type.value.volumeId) };
  if (type.case === "snapshot") {
    const text = required(type.value.snapshotId, "volume_content_source.snapshot.snapshot_id");
    const id = parseSnapshotId(text);
    if (id !== undefined) return { kind: "snapshot", id };
    throw new StorageError(
      "not-found",
      `Cannot find snapshot "${text}": it is no id of this driver`,
    );
  }
  throw new StorageError("invalid", "Cannot create volume: volume_content_source names no source");
}

/** A content source as the CSI message. */
export function contentSourceMessage(
  source: ContentSource | undefined,
): MessageInitShape<typeof VolumeContentSourceSchema> | undefined {
  if (source === undefined) return undefined;
  return source.kind === "volume"
    ? { type: { case: "volume", value: { volumeId: source.id } } }
    : { type: { case: "snapshot", value: { snapshotId: source.id } } };
}

/** A snapshot as the CSI message; what a store returns is always ready to use. */
export function snapshotMessage(snapshot: Snapshot): MessageInitShape<typeof SnapshotSchema> {
  return {
    snapshotId: snapshot.id,
    sourceVolumeId: sourceOf(snapshot.id),
    sizeBytes: BigInt(snapshot.sizeBytes),
    creationTime: timestampFromMs(snapshot.takenAtMs),
    readyToUse: true,
  };
}

/** A condition as the CSI message: `problem` says what is wrong, undefined that nothing is. */
export function conditionMessage(
  problem: string | undefined,
): MessageInitShape<typeof VolumeConditionSchema> {
  return { abnormal: problem !== undefined, message: problem ?? "The volume is in order" };
}

function capabilityOf(message: VolumeCapabilityMessage): VolumeCapability {
  const mode = MODES[message.accessMode?.mode ?? Mode.UNKNOWN];
  if (mode === undefined) {
    throw new StorageError("invalid", "Cannot use volume_capability: its access mode is not known");
  }
  const { accessType } = message;
  if (accessType.case === "block") return { mode, access: { type: "block" } };
  if (accessType.case !== "mount") {
    throw new StorageError(
      "invalid",
      "Cannot use volume_capability: it is neither block nor mount",
    );
  }
  const { fsType, mountFlags, volumeMountGroup } = accessType.value;
  if (volumeMountGroup !== "") {
    throw new StorageError(
      "invalid",
      `Cannot use volume_mount_group "${volumeMountGroup}": the capability is not announced`,
    );
  }
  return {
    mode,
    access: {
      type: "mount",
      fileSystem: fileSystemOf(fsType),
      mountFlags: checkedFlags(mountFlags),
    },
  };
}

function fileSystemOf(text: string): FileSystemType {
  if (text === "") return "ext4";
  const known = FILE_SYSTEM_TYPES.find((type) => type === text);
  if (known !== undefined) return known;
  const allowed = FILE_SYSTEM_TYPES.join(", ");
  throw new StorageError("invalid", `Cannot use fs_type "${text}": allowed is ${allowed}`);
}

function checkedFlags(flags: readonly string[]): string[] {
  const bad = flags.find((flag) => !MOUNT_FLAG.test(flag));
  if (bad === undefined) return [...flags];
  throw new StorageError(
    "invalid",
    `Cannot use mount flag "${bad}": "name" or "name=value" is allowed`,
  );
}

/** CSI's int64 as a number; ours are exact up to 8 PiB. */
function safeBytes(value: bigint, field: string): number {
  if (value >= 0n && value <= BYTES_MAX) return Number(value);
  const [code, finding] = value < 0n
    ? ["invalid" as const, "is not a size in bytes"]
    : ["out-of-range" as const, "bytes are more than any volume can have"];
  throw new StorageError(code, `Cannot use ${field}: ${value} ${finding}`);
}
