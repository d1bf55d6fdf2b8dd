/** The promise where a writer cannot go on: it is told so, nothing is lost, and a new stage works. */
import assert from "node:assert/strict";
import type { Figures, KernelLab, LabNode } from "./scenario.ts";
import { assertSame, type Writing } from "./steady.ts";
import type { LabVolume } from "./volume.ts";
import { until } from "./waiting.ts";
import type { LabWriter } from "./writer.ts";

/** Errors that a program sees on a dead file system or device. */
const DEAD: ReadonlySet<string> = new Set(["EIO", "EROFS", "ENODEV", "ENXIO", "ESHUTDOWN"]);

/** What the condition of a volume says while its kernel dials. */
export const LOST: RegExp = /connection to the array is lost/;

/** The guardian looks every 5 s, and has patience with what may pass, at most 30 s. */
const EVENT_MS = 45_000;

/** How a volume got ill. */
export interface Illness {
  readonly writer: LabWriter;
  /** What {@link fileSystemUuidOf} said before the fault. */
  readonly fileSystemUuid: string;
  /** What the condition has to say. */
  readonly condition: RegExp;
  /** What an event has to say; absent: the same. */
  readonly event?: RegExp;
  readonly withinMs: number;
}

/**
 * Asserts that the writer got an error, that the volume's condition and the node's log say why, and
 * that after the pod is deleted and comes back on the same node everything that was confirmed is
 * there, on the same file system.
 */
export async function recover(
  { writer, fileSystemUuid, condition, event = condition, withinMs }: Illness,
  signal: AbortSignal,
): Promise<Figures> {
  const { volume, node } = writer;
  const errno = await writer.waitForError(withinMs, signal);
  assert.ok(DEAD.has(errno), `the writer saw ${errno}`);
  const message = await volume.waitForCondition(condition, withinMs, signal, node);
  await waitForEvent(volume, event, signal, node);
  await writer.stop(signal).catch(() => undefined);
  await volume.unbind(node);
  await volume.unstage(node);
  await volume.stage(node);
  await volume.bind(node);
  const written = await writer.checkRecords(node);
  assert.equal(await fileSystemUuidOf(volume, node), fileSystemUuid, "another file system");
  await volume.waitForCondition("well", 30_000, signal, node);
  await volume.remove(node);
  return { errno, condition: message, records: written.records };
}

/** Whether the kernel keeps the device of a volume for a while after it gave up its controller. */
export function keepsDevice({ series }: KernelLab): boolean {
  return series === "7.2";
}

/**
 * Asserts that a writer whose kernel kept the device goes on, in the same mount on the same device,
 * without an error; its controller may be another one. Takes the volume away.
 */
export async function goOn(
  { writers, volumes, before }: Writing,
  withinMs: number,
  signal: AbortSignal,
): Promise<Figures> {
  const [[writer], [volume], [was]] = [writers, volumes, before];
  assert.ok(writer !== undefined && volume !== undefined && was !== undefined);
  await writer.waitForRecords(5, withinMs, signal);
  const now = await volume.look(writer.node);
  assertSame({ ...was, controllers: [] }, { ...now, controllers: [] });
  const { longestFsyncMs, records } = await writer.stopAndCheck(signal);
  await volume.remove(writer.node);
  return { longestFsyncMs, records };
}

/** Gives a volume up on its node, as a person does: what was not written is lost. */
export async function detachByForce(volume: LabVolume, node: LabNode): Promise<void> {
  const program = `env DENO_DIR=/run/deno ${Deno.execPath()} run --quiet --no-lock --no-config -A`;
  const command = `node detach --force-lose-unwritten ${volume.id}`;
  await node.machine.run(`${program} /lab/rds-csi.js ${command}`, { deadlineMs: 120_000 });
}

/** Waits until the log of a node has an event of the volume with such a text, not that of a call. */
export async function waitForEvent(
  { id }: LabVolume,
  text: RegExp,
  signal: AbortSignal,
  node: LabNode,
): Promise<void> {
  const isIt = (line: string): boolean =>
    line.includes(id) && text.test(line) && !line.includes("rpc-finished");
  await until({
    what: `an event of ${id} with ${text.source} in the log of ${node.name}`,
    withinMs: EVENT_MS,
    signal,
    look: async () => (await node.driverLog()).split("\n").some(isIt) || undefined,
  });
}

/** The UUID in the super block of a volume's file system; empty for raw block. */
export async function fileSystemUuidOf(volume: LabVolume, node: LabNode): Promise<string> {
  if (volume.isBlock) return "";
  const [head] = (await volume.look(node)).heads;
  if (head === undefined) return "";
  const blkid = `blkid -p -o value -s UUID /dev/${head.name}`;
  return (await node.machine.run(blkid, { deadlineMs: 20_000 })).trim();
}
