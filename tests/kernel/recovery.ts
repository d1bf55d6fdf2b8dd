/** The promise where a writer cannot go on: it is told so, nothing is lost, and a new stage works. */
import assert from "node:assert/strict";
import type { Figures, LabNode } from "./scenario.ts";
import type { LabVolume } from "./volume.ts";
import { until } from "./waiting.ts";
import type { LabWriter } from "./writer.ts";

/** Errors that a program sees on a dead file system or device. */
const DEAD: ReadonlySet<string> = new Set(["EIO", "EROFS", "ENODEV", "ENXIO", "ESHUTDOWN"]);

/** The guardian looks every 5 s, and has patience with what may pass, at most 30 s. */
const EVENT_MS = 45_000;

/** How a volume got ill. */
export interface Illness {
  readonly writer: LabWriter;
  /** What {@link fileSystemUuidOf} said before the fault. */
  readonly fileSystemUuid: string;
  /** What the condition has to say. */
  readonly condition: RegExp;
  readonly withinMs: number;
}

/**
 * Asserts that the writer got an error, that the volume's condition and the node's log say why, and
 * that after the pod is deleted and comes back on the same node everything that was confirmed is
 * there, on the same file system.
 */
export async function recover(
  { writer, fileSystemUuid, condition, withinMs }: Illness,
  signal: AbortSignal,
): Promise<Figures> {
  const { volume, node } = writer;
  const errno = await writer.waitForError(withinMs, signal);
  assert.ok(DEAD.has(errno), `the writer saw ${errno}`);
  const message = await volume.waitForCondition(condition, withinMs, signal, node);
  await waitForEvent(node, condition, signal);
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

/** Waits until the node's log has an event with such a text, beside those of calls. */
export async function waitForEvent(
  node: LabNode,
  text: RegExp,
  signal: AbortSignal,
): Promise<void> {
  await until({
    what: `an event with ${text.source} in the log of ${node.name}`,
    withinMs: EVENT_MS,
    signal,
    look: async () => {
      const lines = (await node.driverLog()).split("\n");
      const isEvent = (line: string): boolean => text.test(line) && !/rpc-finished/.test(line);
      return lines.some(isEvent) || undefined;
    },
  });
}

/** The UUID in the super block of a volume's file system; empty for raw block. */
export async function fileSystemUuidOf(volume: LabVolume, node: LabNode): Promise<string> {
  if (volume.isBlock) return "";
  const [head] = (await volume.look(node)).heads;
  if (head === undefined) return "";
  const blkid = `blkid -p -o value -s UUID /dev/${head.name}`;
  return (await node.machine.exec(blkid, { deadlineMs: 20_000 })).stdout.trim();
}
