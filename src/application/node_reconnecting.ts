/** Bringing back one volume's connection, from its record. */
import { StorageError } from "../domain/errors.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import { isOnlyKept, lookForDevice } from "./node_device.ts";
import type { NodeContext } from "./node_ports.ts";

/**
 * Connects the volume again unless somebody works on it, or it is no longer meant to be staged.
 * The array is asked by connecting: a refusal changes nothing and says why.
 * A call that wants the volume meanwhile ends the attempt: an array that does not answer must not
 * keep a pod from being deleted.
 * @throws {StorageError} what the attempt failed with; `busy` when it gave way.
 */
export async function reconnect(
  context: NodeContext,
  volumeId: VolumeId,
  signal: AbortSignal,
): Promise<void> {
  const { locks } = context;
  if (locks.isTaken(volumeId)) return;
  const wanted = new AbortController();
  using _turn = locks.takeYielding(volumeId, () => wanted.abort(gaveWay(volumeId)));
  await reconnectUnlessWanted(context, volumeId, AbortSignal.any([signal, wanted.signal]));
}

async function reconnectUnlessWanted(
  context: NodeContext,
  volumeId: VolumeId,
  signal: AbortSignal,
): Promise<void> {
  const { host, records, bootId, observe, reconnects } = context;
  const record = await records.read(volumeId);
  if (record?.bootId !== bootId) return;
  const { phase, published: { nqn, at, policy }, device: staged } = record;
  const session = await host.session(nqn, signal);
  const isMeant = phase === "staged" || (phase === "unstaging" && isOnlyKept(session));
  if (!isMeant) return;
  const hadConnection = session !== undefined && session.state !== "closing";
  await lookForDevice(host, session, signal);
  const device = await host.connect({ nqn, at, policy }, signal);
  reconnects.forget(volumeId);
  const isSameDevice = device.number === staged?.number && device.identity === staged.identity;
  if (hadConnection && isSameDevice) return;
  observe({ kind: "controller-regained", volumeId, device: device.number, isSameDevice });
}

function gaveWay(volumeId: VolumeId): StorageError {
  return new StorageError("busy", `Cannot connect volume "${volumeId}" again: a call works on it`);
}
