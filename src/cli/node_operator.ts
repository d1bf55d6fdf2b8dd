/**
 * The commands for a person at a node. They work on the node's records and its kernel, beside the
 * process that serves or without it.
 */
import { StageRecordFiles } from "../adapters/stage-records/stage_record_files.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { resetBreaker } from "../application/node_breaker.ts";
import type { NodePorts } from "../application/node_ports.ts";
import { StorageError } from "../domain/errors.ts";
import { nqnOf } from "../domain/nvme.ts";
import { parseVolumeId } from "../domain/volume_id.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import { parseAttachment, stateDirectoryFor } from "./attach.ts";
import { choiceOf, FlagError } from "./flag_values.ts";
import { lossText, nodeText, volumeText } from "./node_operator_text.ts";
import { viewNode } from "./node_operator_view.ts";
import type { VolumeView } from "./node_operator_view.ts";
import { openNodePorts } from "./node_ports.ts";
import type { Output } from "./output.ts";

/** The flags of every command, as they were written. */
export interface OperatorFlags {
  readonly attach: string;
  readonly stateDirectory?: string;
  readonly output: string;
}

/** The flags of `rds-csi node detach`. */
export interface DetachFlags extends OperatorFlags {
  readonly forceLoseUnwritten?: boolean;
}

/** A command takes milliseconds, or something hangs and a person wants to know. */
const LONGEST_MS = 60_000;

/** Prints the volumes of this node. @throws {FlagError} and {@link StorageError} */
export async function listVolumes(flags: OperatorFlags, output: Output): Promise<void> {
  const format = formatOf(flags);
  await withNode(flags, "list volumes", async (ports, signal) => {
    const node = await viewNode(ports, signal);
    output.out(format === "json" ? json(node) : nodeText(node));
  });
}

/** Prints all that is known of a volume. @throws {FlagError} and {@link StorageError} */
export async function inspectVolume(
  volume: string,
  flags: OperatorFlags,
  output: Output,
): Promise<void> {
  const [id, format] = [idOf(volume), formatOf(flags)];
  await withNode(flags, `inspect volume "${id}"`, async (ports, signal) => {
    const view = await viewOf(ports, id, signal);
    // A record that cannot be read is the answer to why: its error names the file and the fault.
    if (view.phase === "unreadable") await ports.records.read(id);
    const uses = await usesOf(ports, view, signal);
    output.out(format === "json" ? json({ ...view, uses }) : volumeText(view, uses));
  });
}

/**
 * Ends a volume's connection although something may use it, and sees to it that nothing brings it
 * back. Without the flag that says so it only tells what would be lost.
 * @throws {FlagError} and {@link StorageError}
 */
export async function detachVolume(
  volume: string,
  flags: DetachFlags,
  output: Output,
): Promise<void> {
  const [id, format] = [idOf(volume), formatOf(flags)];
  await withNode(flags, `detach volume "${id}"`, async (ports, signal) => {
    const view = await viewOf(ports, id, signal);
    const uses = await usesOf(ports, view, signal);
    if (flags.forceLoseUnwritten !== true) {
      throw new StorageError(
        "not-ready",
        `Cannot detach volume "${id}": that loses data\n${lossText(view, uses)}\n` +
          `If that is what you want: rds-csi node detach --force-lose-unwritten ${id}`,
      );
    }
    await abandon(ports, view, signal);
    const { connection, phase } = view;
    const isMarked = phase !== "none" && phase !== "unreadable";
    const done = { volumeId: id, wasConnected: connection !== undefined, isMarked, uses };
    output.out(format === "json" ? json(done) : detachedText(done));
  });
}

/** Forgets a volume's failures. @throws {FlagError} and {@link StorageError} */
export async function resetVolume(
  volume: string,
  flags: OperatorFlags,
  output: Output,
): Promise<void> {
  const [id, format] = [idOf(volume), formatOf(flags)];
  const records = await StageRecordFiles.openExisting(directoryOf(flags));
  const record = await records.read(id);
  if (record === undefined) throw unknown(id);
  const failures = record.trouble?.count ?? 0;
  await resetBreaker(records, id);
  const text = failures === 0
    ? `Volume ${id} has not failed; there is nothing to reset.\n`
    : `Volume ${id} had failed ${failures} times; the next call stages it again.\n`;
  output.out(format === "json" ? json({ volumeId: id, failures }) : text);
}

/** First the record: from then on nothing brings back what is ended next. */
async function abandon(
  { host, records }: NodePorts,
  { volumeId, phase }: VolumeView,
  signal: AbortSignal,
): Promise<void> {
  const record = phase === "unreadable" ? undefined : await records.read(volumeId);
  if (record !== undefined) await records.write({ ...record, phase: "abandoned" });
  await host.abandon(nqnOf(volumeId), signal);
  const after = phase === "unreadable" ? undefined : await records.read(volumeId);
  if (after === undefined || after.phase === "abandoned") return;
  throw new StorageError(
    "busy",
    `Cannot detach volume "${volumeId}": the node works on it at the same time and has it as ` +
      `${after.phase}; try again`,
  );
}

function detachedText(
  { volumeId, wasConnected, uses }: {
    readonly volumeId: VolumeId;
    readonly wasConnected: boolean;
    readonly uses: readonly string[];
  },
): string {
  const first = wasConnected
    ? `Volume ${volumeId} was detached; what was not written is lost.`
    : `Volume ${volumeId} had no connection; the node will not make one again.`;
  const dead = uses.length === 0 ? "" : `What is at ${uses.join(", ")} is dead. `;
  const next = `${dead}Delete the pods that use it: only when they are gone can it be staged anew.`;
  return `${first}\n${next}\n`;
}

async function viewOf(ports: NodePorts, id: VolumeId, signal: AbortSignal): Promise<VolumeView> {
  const { volumes } = await viewNode(ports, signal);
  const view = volumes.find(({ volumeId }) => volumeId === id);
  if (view === undefined) throw unknown(id);
  return view;
}

/**
 * Where its device is mounted or shown: as it is now, and as it was staged. That number may belong
 * to another disk by now, so of what it is used for only what is dead is the volume's.
 */
async function usesOf(
  { mounter }: NodePorts,
  { device, record }: VolumeView,
  signal: AbortSignal,
): Promise<string[]> {
  const uses = new Set(device === undefined ? [] : await mounter.usesOf(device.number, signal));
  const before = record?.device?.number;
  if (before !== undefined && before !== device?.number) {
    for (const path of await mounter.usesOf(before, signal)) {
      const use = await mounter.look(path, signal);
      if ((use.kind === "mount" || use.kind === "block") && !use.isAlive) uses.add(path);
    }
  }
  return [...uses].toSorted();
}

/** Opens this node for a piece of work that must not last. */
async function withNode(
  flags: OperatorFlags,
  what: string,
  work: (ports: NodePorts, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const attachment = parseAttachment(flags.attach);
  const stateDirectory = directoryOf(flags);
  const signal = AbortSignal.timeout(LONGEST_MS);
  await using stack = new AsyncDisposableStack();
  try {
    const opening = { attachment, stateDirectory, clock: systemClock, isServing: false };
    const { ports } = await openNodePorts(opening, stack);
    await work(ports, signal);
  } catch (cause) {
    if (!signal.aborted) throw cause;
    const seconds = LONGEST_MS / 1000;
    const message = `Cannot ${what}: the node's kernel did not answer in ${seconds} s`;
    throw new StorageError("unavailable", message, { cause });
  }
}

function directoryOf({ attach, stateDirectory }: OperatorFlags): string {
  return stateDirectoryFor(parseAttachment(attach), stateDirectory);
}

function idOf(volume: string): VolumeId {
  const id = parseVolumeId(volume);
  if (id !== undefined) return id;
  throw new FlagError("<volume>", volume, 'the id of a volume: "pvc-" and a UUID in lower case');
}

function formatOf({ output }: OperatorFlags): "text" | "json" {
  return choiceOf("--output", output, ["text", "json"]);
}

function unknown(id: VolumeId): StorageError {
  const finding = "this node has no record of it and no connection to it";
  return new StorageError("not-found", `Cannot find volume "${id}": ${finding}`);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
