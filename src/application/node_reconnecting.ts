/** Bringing back one volume's connection, from its record. */
import type { VolumeId } from "../domain/volume_id.ts";
import { lookForDevice } from "./node_device.ts";
import type { NodeContext } from "./node_ports.ts";

/**
 * Connects the volume again unless somebody works on it, or it is no longer meant to be staged.
 * The array is asked by connecting: a refusal changes nothing and says why.
 * @throws {StorageError} what the attempt failed with.
 */
export async function reconnect(
  context: NodeContext,
  volumeId: VolumeId,
  signal: AbortSignal,
): Promise<void> {
  const { host, records, locks, bootId, observe, reconnects } = context;
  if (locks.isTaken(volumeId)) return;
  using _turn = locks.take(volumeId);
  const record = await records.read(volumeId);
  if (record?.phase !== "staged" || record.bootId !== bootId) return;
  const { published: { nqn, at, policy }, device: staged } = record;
  const hadConnection = (await host.sessions(signal)).some((session) =>
    session.nqn === nqn && session.state !== "closing"
  );
  await lookForDevice(host, nqn, signal);
  const device = await host.connect({ nqn, at, policy }, signal);
  reconnects.forget(volumeId);
  const isSameDevice = device.number === staged?.number && device.identity === staged.identity;
  if (hadConnection && isSameDevice) return;
  observe({ kind: "controller-regained", volumeId, device: device.number, isSameDevice });
}
