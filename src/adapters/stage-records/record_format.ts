/**
 * A stage record as the text of a file, schema 1. Nothing that is read is believed: every field is
 * checked, and what a rule of the domain exists for is checked by that rule.
 */
import { FILE_SYSTEM_TYPES } from "../../domain/access.ts";
import type { AccessMode, VolumeCapability } from "../../domain/access.ts";
import { deviceNumberOf } from "../../domain/block_device.ts";
import type { DeviceNumber } from "../../domain/block_device.ts";
import { parsePublishContext, publishContextOf } from "../../domain/publish_context.ts";
import { parseVolumeId } from "../../domain/volume_id.ts";
import { parseVolumeParameters } from "../../domain/volume_parameters.ts";
import type { StageRecord, StageTrouble } from "../../ports/stage_records.ts";
import { absolutePath, choice, Fields, matching, texts, wholeNumber } from "./fields.ts";

/** The schema that this version writes, and the only one that it reads. */
const SCHEMA = 1;

const PHASES: readonly StageRecord["phase"][] = ["staging", "staged", "unstaging", "abandoned"];
const MODES: Readonly<Record<AccessMode, true>> = {
  SINGLE_NODE_WRITER: true,
  SINGLE_NODE_READER_ONLY: true,
  SINGLE_NODE_SINGLE_WRITER: true,
  SINGLE_NODE_MULTI_WRITER: true,
  MULTI_NODE_READER_ONLY: true,
  MULTI_NODE_SINGLE_WRITER: true,
  MULTI_NODE_MULTI_WRITER: true,
};
const NAME = /^[A-Za-z0-9._:-]{1,253}$/;
const DEVICE_NUMBER = /^(0|[1-9]\d{0,4}):(0|[1-9]\d{0,6})$/;

/**
 * The text of the file for a record. Only what a record has is written: callers pass objects that
 * may carry more, and a reader takes nothing unknown.
 */
export function renderRecord(record: StageRecord): string {
  const { volumeId, stagingPath, phase, bootId, capability, parameters, device } = record;
  const { fileSystemUuid, attachmentUid, trouble } = record;
  const { mkfsOptions, fsckPolicy } = parameters;
  const file = {
    schema: SCHEMA,
    volumeId,
    stagingPath,
    phase,
    bootId,
    published: publishContextOf(record.published),
    capability: { mode: capability.mode, access: accessOf(capability) },
    parameters: { mkfsOptions, fsckPolicy },
    // What is undefined is left out.
    device: device === undefined ? undefined : {
      number: device.number,
      identity: device.identity,
      sizeBytes: device.sizeBytes,
    },
    fileSystemUuid,
    attachmentUid,
    trouble: trouble === undefined ? undefined : {
      reason: trouble.reason,
      count: trouble.count,
      retryAtMs: trouble.retryAtMs,
    },
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

function accessOf({ access }: VolumeCapability): VolumeCapability["access"] {
  if (access.type === "block") return { type: "block" };
  const { fileSystem, mountFlags } = access;
  return { type: "mount", fileSystem, mountFlags };
}

/**
 * The record that the text of a file says; the inverse of {@link renderRecord}.
 * @throws {RangeError} naming the field that is wrong, or the schema that is not ours
 */
export function parseRecord(text: string): StageRecord {
  const fields = new Fields(parseJson(text));
  const schema = fields.get("schema", (value) => value);
  if (schema !== SCHEMA) {
    throw new RangeError(`its schema is ${JSON.stringify(schema)}, and this version reads 1`);
  }
  const record = {
    volumeId: fields.get("volumeId", (value) => parsed(value, parseVolumeId)),
    stagingPath: fields.get("stagingPath", absolutePath),
    phase: fields.get("phase", choice(PHASES)),
    bootId: fields.get("bootId", matching(NAME)),
    published: fields.get(
      "published",
      (value) => parsePublishContext(new Fields(value).texts()),
    ),
    capability: fields.get("capability", parseCapability),
    parameters: fields.get("parameters", parseParameters),
    ...fields.optional("device", parseDevice),
    ...fields.optional("fileSystemUuid", matching(NAME)),
    ...fields.optional("attachmentUid", matching(NAME)),
    ...fields.optional("trouble", parseTrouble),
  };
  fields.end();
  return record;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RangeError("it is no JSON");
  }
}

function parseCapability(value: unknown): VolumeCapability {
  const fields = new Fields(value);
  const mode = fields.get("mode", (each): AccessMode => {
    if (typeof each === "string" && isMode(each)) return each;
    throw new RangeError("no access mode");
  });
  const access = fields.get("access", parseAccess);
  fields.end();
  return { mode, access };
}

function isMode(text: string): text is AccessMode {
  return Object.hasOwn(MODES, text);
}

function parseAccess(value: unknown): VolumeCapability["access"] {
  const fields = new Fields(value);
  const type = fields.get("type", choice(["block", "mount"]));
  if (type === "block") {
    fields.end();
    return { type };
  }
  const access = {
    type: "mount" as const,
    fileSystem: fields.get("fileSystem", choice(FILE_SYSTEM_TYPES)),
    mountFlags: fields.get("mountFlags", texts),
  };
  fields.end();
  return access;
}

function parseParameters(value: unknown): StageRecord["parameters"] {
  const fields = new Fields(value);
  const options = fields.get("mkfsOptions", texts);
  const policy = fields.get("fsckPolicy", choice(["off", "check", "repair-safe"]));
  fields.end();
  const checked = parseVolumeParameters({ mkfsOptions: options.join(","), fsckPolicy: policy });
  return { mkfsOptions: checked.mkfsOptions, fsckPolicy: checked.fsckPolicy };
}

function parseDevice(value: unknown): NonNullable<StageRecord["device"]> {
  const fields = new Fields(value);
  const device = {
    number: fields.get("number", parseDeviceNumber),
    identity: undefined,
    ...fields.optional("identity", matching(NAME)),
    sizeBytes: fields.get("sizeBytes", wholeNumber),
  };
  fields.end();
  return device;
}

function parseDeviceNumber(value: unknown): DeviceNumber {
  const [major = "", minor = ""] = matching(DEVICE_NUMBER)(value).split(":");
  return deviceNumberOf(Number(major), Number(minor));
}

function parseTrouble(value: unknown): StageTrouble {
  const fields = new Fields(value);
  const trouble = {
    reason: fields.get("reason", (reason) => {
      if (typeof reason === "string") return reason;
      throw new RangeError("no text");
    }),
    count: fields.get("count", wholeNumber),
    retryAtMs: fields.get("retryAtMs", wholeNumber),
  };
  fields.end();
  return trouble;
}

function parsed<T>(value: unknown, parse: (text: string) => T | undefined): T {
  const found = typeof value === "string" ? parse(value) : undefined;
  if (found === undefined) throw new RangeError(`it is ${JSON.stringify(value)}`);
  return found;
}
