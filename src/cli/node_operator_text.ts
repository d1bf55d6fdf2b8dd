/** Volumes of a node in words and tables, for people. Pure. */
import type { NodeView, VolumeView } from "./node_operator_view.ts";

const GIB = 1024 ** 3;
const HEADINGS = ["VOLUME", "PHASE", "CONNECTION", "DEVICE", "SIZE", "CONDITION"];

/** A table of the volumes, and below it what else a person should know. */
export function nodeText({ volumes, unreadable, dangers }: NodeView): string {
  const rows = volumes.map(({ volumeId, phase, connection, device, condition }) => [
    volumeId,
    phase,
    connection?.state ?? "none",
    device?.path ?? "none",
    device === undefined ? "" : gibibytes(device.sizeBytes),
    condition.isWell ? "well" : condition.reason,
  ]);
  const table = volumes.length === 0 ? ["This node has no volumes."] : tableOf([HEADINGS, ...rows]);
  const notes = [
    ...unreadable.map((name) => `Cannot read the record ${name}: see rds-csi node inspect`),
    ...dangers.map((danger) => `Danger: ${danger}`),
  ];
  return lines([...table, ...(notes.length === 0 ? [] : ["", ...notes])]);
}

/** All about one volume, a line for each thing that is known. */
export function volumeText(view: VolumeView, uses: readonly string[]): string {
  const { volumeId, phase, condition, connection, device, record } = view;
  const pairs: [string, string | undefined][] = [
    ["volume", volumeId],
    ["phase", phase],
    ["condition", condition.isWell ? "well" : `${condition.reason}: ${condition.message}`],
    ["connection", connection === undefined ? "none" : connectionText(connection)],
    ["device", device === undefined ? "none" : deviceText(device)],
    ["used at", uses.length === 0 ? "nowhere" : uses.join("\n")],
    ["staged at", record?.stagingPath],
    ["staged as", record === undefined ? undefined : accessText(record.capability)],
    ["array", record === undefined ? undefined : `${record.address} port ${record.port}`],
    ["device then", record?.device === undefined ? undefined : deviceText(record.device)],
    ["file system", record?.fileSystemUuid],
    ["attachment", record?.attachmentUid],
    ["boot", record?.bootId],
    ["failures", record?.trouble?.failures.toString()],
    ["last failure", record?.trouble?.reason],
    ["no retry before", record?.trouble?.retryAt],
  ];
  const known = pairs.flatMap(([name, value]) =>
    value === undefined ? [] : value.split("\n").map((line, index) => [index > 0 ? "" : name, line])
  );
  return lines(tableOf(known));
}

/** What ending a volume's connection by force loses. */
export function lossText(view: VolumeView, uses: readonly string[]): string {
  const { connection, device } = view;
  const what = [
    `connection  ${connection === undefined ? "none" : connectionText(connection)}`,
    `device      ${device === undefined ? "none" : deviceText(device)}`,
    `used at     ${uses.length === 0 ? "nowhere that the node knows of" : uses.join(", ")}`,
  ];
  return [
    ...what.map((line) => `  ${line}`),
    "Lost for good is what programs have written and not synced, and every write that waits to be",
    "sent. What was synced and confirmed is on the array. Programs that use the volume get errors",
    "from then on, and the node does not bring the connection back.",
  ].join("\n");
}

function connectionText(
  { state, address, port, controllers }: NonNullable<VolumeView["connection"]>,
): string {
  const to = address === undefined ? "" : `, ${address} port ${port}`;
  const by = controllers.length === 0 ? "" : ` (${controllers.join(", ")})`;
  return `${state}${to}${by}`;
}

function deviceText(
  device: {
    readonly path?: string;
    readonly number: string;
    readonly sizeBytes: number;
    readonly identity: string | undefined;
  },
): string {
  const { path, number, sizeBytes, identity } = device;
  const parts = [path, number, gibibytes(sizeBytes), identity];
  return parts.filter((part) => part !== undefined).join(", ");
}

function accessText(
  { mode, access }: NonNullable<VolumeView["record"]>["capability"],
): string {
  if (access.type === "block") return `raw block, ${mode}`;
  return [access.fileSystem, mode, ...access.mountFlags].join(", ");
}

function gibibytes(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}

function tableOf(rows: readonly (readonly string[])[]): string[] {
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  );
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}
