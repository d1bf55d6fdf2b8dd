/**
 * What we write into the comment of a disk item: whose it is, and what the box itself cannot say.
 *
 * `r1;k=v;i=<cluster>;n=<name digest>;s=<source>;t=<created>;v=<revision>;p=<reconnect>;…;a=<publications>;st=r`
 *
 * The order is part of the format: scripts on the box compare the first part (whose) and the last
 * (state, publications) as text. Keys of a later r1 that we do not know stay where they are.
 */
import { base64url, fromBase64url } from "../../domain/digest.ts";
import { hostIdOf, nodeNameOf, parseNodeId } from "../../domain/node_id.ts";
import { reconnectParameters } from "../../domain/reconnect_policy.ts";
import { RECONNECT_KEYS } from "../../domain/reconnect_policy.ts";
import type { ReconnectChange, ReconnectPolicy } from "../../domain/reconnect_policy.ts";
import { secondOf, snapshotIdOf, sourceOf } from "../../domain/snapshot_id.ts";
import type { ContentSource, Publication } from "../../domain/volume.ts";
import { PUBLICATIONS_MAX } from "../../domain/volume.ts";
import { parseVolumeId, uuidOf } from "../../domain/volume_id.ts";
import type { NameDigest, VolumeId } from "../../domain/volume_id.ts";

/** `creating`: half-made, never handed out; `deleting`: half-removed. */
export type RecordState = "creating" | "ready" | "deleting";

/** A pair of a later r1 that we keep as it is. */
export type UnknownPair = readonly [key: string, value: string];

/** The record of a volume. */
export interface VolumeRecord {
  readonly nameDigest: NameDigest;
  readonly source: ContentSource | undefined;
  readonly createdAtMs: number;
  readonly revision: number;
  readonly reconnect: ReconnectChange;
  readonly publications: readonly Publication[];
  readonly unknown: readonly UnknownPair[];
  readonly state: RecordState;
}

/** The record of a snapshot. */
export interface SnapshotRecord {
  readonly nameDigest: NameDigest;
  readonly source: VolumeId;
  /** The second of its id, ten digits. */
  readonly second: number;
  readonly takenAtMs: number;
  readonly sizeBytes: number;
  readonly unknown: readonly UnknownPair[];
  readonly state: RecordState;
}

/** What an item is for; `x` are scratch items of the probes. */
export type RecordKind = "v" | "s" | "x";

/** The longest record this version writes: two nodes with the longest names, every override. */
export const RECORD_LENGTH_MAX = 384;

const LETTER_OF = { creating: "c", ready: "r", deleting: "d" } as const;
const STATE_OF: Readonly<Record<string, RecordState>> = {
  c: "creating",
  r: "ready",
  d: "deleting",
};
const RECONNECT_LETTERS: Readonly<Record<keyof ReconnectPolicy, string>> = {
  ctrlLossTmo: "l",
  reconnectDelay: "r",
  keepAliveTmo: "k",
  fastIoFailTmo: "f",
  nrIoQueues: "q",
};
const VOLUME_KEYS: readonly string[] = ["n", "s", "t", "v", "p"];
const CLUSTER_ID = /^[a-z0-9-]{1,16}$/;
const DIGEST = /^[A-Za-z0-9_-]{22}$/;
const PAIR = /^([a-z]{1,3})=([A-Za-z0-9._,=-]*)$/;
const NONE = "-";

/** Whether `text` can be the id of a cluster in our records. */
export function isClusterId(text: string): boolean {
  return CLUSTER_ID.test(text);
}

/** How every record of that kind and cluster begins; nothing that begins otherwise is touched. */
export function recordPrefix(kind: RecordKind, clusterId: string): string {
  return `r1;k=${kind};i=${clusterId};`;
}

/** How every snapshot record with that name digest begins. */
export function snapshotPrefix(clusterId: string, digest: NameDigest): string {
  return `${recordPrefix("s", clusterId)}n=${digest};`;
}

/** Where the ten digits of the second stand in every snapshot record of that cluster. */
export function secondOffset(clusterId: string): number {
  return recordPrefix("s", clusterId).length + "n=;s=;at=".length + 2 * 22;
}

/** The source of a snapshot as its record has it, 22 characters. */
export function compactSource(source: VolumeId): string {
  return compactUuid(uuidOf(source));
}

/** The text of a volume's record. */
export function formatVolumeRecord(clusterId: string, record: VolumeRecord): string {
  return recordPrefix("v", clusterId) + formatPairs([
    ["n", record.nameDigest],
    ["s", formatSource(record.source)],
    ["t", record.createdAtMs.toString(36)],
    ["v", record.revision.toString(36)],
    ["p", formatReconnect(record.reconnect)],
    ...record.unknown,
    ["a", record.publications.map(formatPublication).join(",") || NONE],
    ["st", LETTER_OF[record.state]],
  ]);
}

/** The text of a snapshot's record. */
export function formatSnapshotRecord(clusterId: string, record: SnapshotRecord): string {
  const tail = formatPairs([...record.unknown, ["st", LETTER_OF[record.state]]]);
  return `${snapshotRecordHead(clusterId, record)}${record.sizeBytes};${tail}`;
}

/**
 * The text of a snapshot's record up to its size in bytes, which only the box knows when it makes
 * one; after the size follows `;st=…`.
 */
export function snapshotRecordHead(
  clusterId: string,
  record: Pick<SnapshotRecord, "nameDigest" | "source" | "second" | "takenAtMs">,
): string {
  return recordPrefix("s", clusterId) + formatPairs([
    ["n", record.nameDigest],
    ["s", compactSource(record.source)],
    ["at", String(record.second).padStart(10, "0")],
    ["t", record.takenAtMs.toString(36)],
    ["b", ""],
  ]);
}

/**
 * The text of a scratch item's record, padded to `length` with what a real one could hold. The time
 * is in seconds and decimal, because scripts on the box compare it as a number.
 */
export function formatScratchRecord(clusterId: string, madeAtMs: number, length = 0): string {
  const text = `${recordPrefix("x", clusterId)}t=${Math.floor(madeAtMs / 1000)};`;
  const rest = "w=;st=c";
  return `${text}w=${"x".repeat(Math.max(0, length - text.length - rest.length))};st=c`;
}

/** The record of a volume of ours, or undefined when `text` is not exactly that. */
export function parseVolumeRecord(clusterId: string, text: string): VolumeRecord | undefined {
  const fields = parseFields(text, recordPrefix("v", clusterId), VOLUME_KEYS, ["a", "st"]);
  if (fields === undefined) return undefined;
  const { known, unknown } = fields;
  const nameDigest = parseDigest(known["n"]);
  const source = parseSource(known["s"]);
  const createdAtMs = parseBase36(known["t"]);
  const revision = parseBase36(known["v"]);
  const reconnect = parseReconnect(known["p"]);
  const publications = parsePublications(known["a"]);
  const state = STATE_OF[known["st"] ?? ""];
  if (
    nameDigest === undefined || source === "bad" || createdAtMs === undefined ||
    revision === undefined || reconnect === undefined || publications === undefined ||
    state === undefined
  ) return undefined;
  return { nameDigest, source, createdAtMs, revision, reconnect, publications, unknown, state };
}

/** The record of a snapshot of ours, or undefined when `text` is not exactly that. */
export function parseSnapshotRecord(clusterId: string, text: string): SnapshotRecord | undefined {
  const prefix = recordPrefix("s", clusterId);
  const fields = parseFields(text, prefix, ["n", "s", "at", "t", "b"], ["st"]);
  if (fields === undefined) return undefined;
  const { known, unknown } = fields;
  const nameDigest = parseDigest(known["n"]);
  const uuid = expandUuid(known["s"] ?? "");
  const source = uuid === undefined ? undefined : parseVolumeId(`pvc-${uuid}`);
  const second = /^\d{10}$/.test(known["at"] ?? "") ? Number(known["at"]) : undefined;
  const takenAtMs = parseBase36(known["t"]);
  const sizeBytes = parseDecimal(known["b"]);
  const state = STATE_OF[known["st"] ?? ""];
  if (
    nameDigest === undefined || source === undefined || second === undefined ||
    takenAtMs === undefined || sizeBytes === undefined || state === undefined
  ) return undefined;
  return { nameDigest, source, second, takenAtMs, sizeBytes, unknown, state };
}

interface Fields {
  readonly known: Readonly<Record<string, string>>;
  readonly unknown: UnknownPair[];
}

/** The pairs after `prefix`: `first` in that order, then any others, then `last` in that order. */
function parseFields(
  text: string,
  prefix: string,
  first: readonly string[],
  last: readonly string[],
): Fields | undefined {
  if (!text.startsWith(prefix)) return undefined;
  const pairs: UnknownPair[] = [];
  for (const part of text.slice(prefix.length).split(";")) {
    const match = PAIR.exec(part);
    if (match === null) return undefined;
    pairs.push([match[1] ?? "", match[2] ?? ""]);
  }
  const keys = pairs.map(([key]) => key);
  const names = [...first, ...last];
  const unknown = pairs.slice(first.length, pairs.length - last.length);
  const inOrder = [...keys.slice(0, first.length), ...keys.slice(-last.length)].join();
  if (new Set(keys).size !== keys.length || inOrder !== names.join()) return undefined;
  if (pairs.length < names.length) return undefined;
  return { known: Object.fromEntries(pairs), unknown };
}

function formatPairs(pairs: readonly UnknownPair[]): string {
  return pairs.map(([key, value]) => `${key}=${value}`).join(";");
}

function formatSource(source: ContentSource | undefined): string {
  if (source === undefined) return NONE;
  if (source.kind === "volume") return compactSource(source.id);
  return `${compactSource(sourceOf(source.id))}.${secondOf(source.id).toString(36)}`;
}

function parseSource(text = ""): ContentSource | undefined | "bad" {
  if (text === NONE) return undefined;
  const [compact = "", second, ...rest] = text.split(".");
  const uuid = expandUuid(compact);
  const volume = uuid === undefined ? undefined : parseVolumeId(`pvc-${uuid}`);
  if (volume === undefined || rest.length > 0) return "bad";
  if (second === undefined) return { kind: "volume", id: volume };
  const value = parseBase36(second);
  return value === undefined ? "bad" : { kind: "snapshot", id: snapshotIdOf(volume, value) };
}

function formatReconnect(change: ReconnectChange): string {
  const parameters = reconnectParameters(change);
  const parts = RECONNECT_KEYS.filter((key) => parameters[key] !== undefined)
    .map((key) => `${RECONNECT_LETTERS[key]}${parameters[key]}`);
  return parts.join(",") || NONE;
}

function parseReconnect(text = ""): ReconnectChange | undefined {
  const change: Partial<Record<keyof ReconnectPolicy, number>> = {};
  for (const part of text === NONE ? [] : text.split(",")) {
    const key = RECONNECT_KEYS.find((name) => RECONNECT_LETTERS[name] === part[0]);
    if (key === undefined || !/^-?\d{1,6}$/.test(part.slice(1))) return undefined;
    change[key] = Number(part.slice(1));
  }
  return formatReconnect(change) === text ? change : undefined;
}

function formatPublication({ node, isReadOnly, isShared }: Publication): string {
  const use = `${isReadOnly ? "r" : "w"}${isShared ? "s" : "x"}`;
  return `${compactUuid(hostIdOf(node))}${use}${nodeNameOf(node)}`;
}

function parsePublications(text = ""): Publication[] | undefined {
  const publications: Publication[] = [];
  for (const part of text === NONE ? [] : text.split(",")) {
    const uuid = expandUuid(part.slice(0, 22));
    const node = uuid === undefined ? undefined : parseNodeId(`${part.slice(24)}@${uuid}`);
    if (node === undefined || !/^[rw][sx]$/.test(part.slice(22, 24))) return undefined;
    publications.push({ node, isReadOnly: part[22] === "r", isShared: part[23] === "s" });
  }
  return publications.length <= PUBLICATIONS_MAX ? publications : undefined;
}

function parseDigest(text = ""): NameDigest | undefined {
  return DIGEST.test(text) ? (text as NameDigest) : undefined;
}

function parseBase36(text = ""): number | undefined {
  const value = /^[0-9a-z]{1,11}$/.test(text) ? Number.parseInt(text, 36) : NaN;
  return Number.isSafeInteger(value) && value.toString(36) === text ? value : undefined;
}

function parseDecimal(text = ""): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) && String(value) === text ? value : undefined;
}

function compactUuid(uuid: string): string {
  const bytes = (uuid.replaceAll("-", "").match(/../g) ?? []).map((pair) => parseInt(pair, 16));
  return base64url(Uint8Array.from(bytes));
}

function expandUuid(text: string): string | undefined {
  const bytes = fromBase64url(text);
  if (text.length !== 22 || bytes?.length !== 16 || base64url(bytes) !== text) return undefined;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
