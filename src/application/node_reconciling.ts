/**
 * At the start of the node: what an earlier process, or an earlier boot, left behind. Sessions
 * that no record claims are told, and closed when it is proved that nobody uses them; records of
 * which nothing is left in the kernel are dropped.
 */
import { StorageError } from "../domain/errors.ts";
import { volumeIdOfNqn } from "../domain/nvme.ts";
import type { Nqn } from "../domain/nvme.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { StageRecord } from "../ports/stage_records.ts";
import { within } from "./deadline.ts";
import type { NodeContext, NodePorts, NodeShared } from "./node_ports.ts";

/** The server must not be kept from serving: what is not done by then is left to the next start. */
const DEADLINE_MS = 10_000;

/**
 * Sets in order what was left behind, once. Touches no volume that a call works on, and no session
 * without the managed prefix. Never rejects: what fails is an event.
 */
export async function reconcileNode(
  ports: NodePorts,
  shared: NodeShared,
  settings: { readonly bootId: string },
  signal: AbortSignal,
): Promise<void> {
  const context: NodeContext = { ...ports, ...shared, bootId: settings.bootId };
  try {
    const isOver = await within(shared.clock, DEADLINE_MS, signal, async (limited) => {
      await reconcile(context, limited);
      return true;
    });
    if (isOver) return;
    throw new StorageError("unavailable", "Cannot set the node in order: it takes too long");
  } catch (error) {
    if (!signal.aborted) shared.observe({ kind: "guard-failed", error });
  }
}

async function reconcile(context: NodeContext, signal: AbortSignal): Promise<void> {
  const { host, records, observe } = context;
  const sessions = await host.sessions(signal);
  const listed = await records.list();
  for (const record of listed.unreadable) observe({ kind: "record-unreadable", record });
  for (const { volumeId } of listed.records) {
    await unlessBusy(context, volumeId, () => dropIfOver(context, volumeId, signal));
  }
  // Of raw block the kernel does not say whether a program has it open, only our own notes do. A
  // node that has none may have lost them.
  const hasMemory = listed.records.length > 0;
  for (const { nqn } of sessions) {
    const volumeId = volumeIdOfNqn(nqn);
    if (volumeId === undefined) continue;
    const close = (): Promise<void> =>
      closeIfUnclaimed(context, { volumeId, nqn, hasMemory }, signal);
    await unlessBusy(context, volumeId, close);
  }
}

/** Each volume by itself: one that fails keeps no other from being set in order. */
async function unlessBusy(
  { locks, observe }: NodeContext,
  volumeId: VolumeId,
  work: () => Promise<void>,
): Promise<void> {
  if (locks.isTaken(volumeId)) return;
  using _turn = locks.take(volumeId);
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    observe({ kind: "guard-failed", error });
  }
}

async function dropIfOver(
  context: NodeContext,
  volumeId: VolumeId,
  signal: AbortSignal,
): Promise<void> {
  const { records, bootId } = context;
  const record = await records.read(volumeId);
  if (record === undefined) return;
  if (record.bootId === bootId && await isNeeded(context, record, signal)) return;
  await records.remove(volumeId);
}

/**
 * Whether a record of this boot still says something: what is staged is brought back, a count of
 * failures goes on, and what was not undone yet is to be left alone until it is.
 */
async function isNeeded(
  context: NodeContext,
  { phase, trouble, published: { nqn }, device, stagingPath }: StageRecord,
  signal: AbortSignal,
): Promise<boolean> {
  if (phase === "staged" || trouble !== undefined) return true;
  // Staged once: a pod may be given the volume again on the word of this record.
  if (phase === "staging" && device !== undefined) return true;
  if (await context.host.session(nqn, signal) !== undefined) return true;
  const use = await context.mounter.look(stagingPath, signal);
  if (use.kind === "mount" || use.kind === "block") return true;
  if (device === undefined) return false;
  return (await context.mounter.usesOf(device.number, signal)).length > 0;
}

async function closeIfUnclaimed(
  context: NodeContext,
  { volumeId, nqn, hasMemory }: {
    readonly volumeId: VolumeId;
    readonly nqn: Nqn;
    readonly hasMemory: boolean;
  },
  signal: AbortSignal,
): Promise<void> {
  const { host, mounter, records, observe } = context;
  const leave = (finding: string): void =>
    observe({ kind: "session-unclaimed", nqn, isClosed: false, finding });
  // A record that cannot be read may claim it: then this throws, and the session stays.
  if (await records.read(volumeId) !== undefined) return;
  const session = await host.session(nqn, signal);
  if (session === undefined) return;
  const { device, controllers } = session;
  const uses = device === undefined ? [] : await mounter.usesOf(device.number, signal);
  if (uses.length > 0) return leave(`it is used at ${uses.join(", ")}`);
  if (!hasMemory) {
    return leave("this node has no records at all, so whether a program uses it cannot be told");
  }
  try {
    await host.disconnect(nqn, signal);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return leave(error.message);
  }
  const finding = `${controllers.join(", ") || "a device without a connection"} was unused`;
  observe({ kind: "session-unclaimed", nqn, isClosed: true, finding });
}
