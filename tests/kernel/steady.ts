/** The promise most scenarios are about: whatever happens to the box, a writer goes on as before. */
import assert from "node:assert/strict";
import type { Figures, KernelLab } from "./scenario.ts";
import { type KernelView, LabVolume, type VolumePlan } from "./volume.ts";
import { LabWriter } from "./writer.ts";

/** Volumes in use by writers. */
export interface Writing {
  readonly volumes: readonly LabVolume[];
  readonly writers: readonly LabWriter[];
  readonly before: readonly KernelView[];
}

/** What has to hold after a fault. */
export interface SteadyBounds {
  /** No fsync may take longer. */
  readonly longestFsyncMs: number;
  /** Milliseconds from the end of the fault until every writer has written again. */
  readonly backWithinMs: number;
}

/** Makes the volumes, brings them to pods' paths, and starts a writer on each. */
export async function startWriting(
  lab: KernelLab,
  plans: readonly VolumePlan[],
  signal: AbortSignal,
): Promise<Writing> {
  const volumes: LabVolume[] = [];
  const writers: LabWriter[] = [];
  for (const plan of plans) volumes.push(await LabVolume.inUse(lab, plan));
  for (const volume of volumes) writers.push(await LabWriter.start(volume, signal));
  const before: KernelView[] = [];
  for (const volume of volumes) before.push(await volume.look());
  return { volumes, writers, before };
}

/**
 * Asserts after a fault that every writer goes on in the same mount on the same device, saw no
 * error and lost nothing; then takes the volumes away.
 */
export async function endSteady(
  { volumes, writers, before }: Writing,
  bounds: SteadyBounds,
  signal: AbortSignal,
): Promise<Figures> {
  for (const writer of writers) await writer.waitForRecords(5, bounds.backWithinMs, signal);
  let longestFsyncMs = 0;
  let records = 0;
  for (const [index, writer] of writers.entries()) {
    const written = await writer.stopAndCheck(signal);
    const [was, volume] = [before[index], volumes[index]];
    assert.ok(was !== undefined && volume !== undefined);
    assertSame(was, await volume.look());
    longestFsyncMs = Math.max(longestFsyncMs, written.longestFsyncMs);
    records += written.records;
  }
  assert.ok(
    longestFsyncMs <= bounds.longestFsyncMs,
    `an fsync took ${longestFsyncMs} ms, at most ${bounds.longestFsyncMs} ms are allowed`,
  );
  for (const volume of volumes) await volume.remove();
  return { longestFsyncMs, records };
}

/** Asserts that a volume has the device, the controllers and the mount that it had. */
export function assertSame(before: KernelView, after: KernelView): void {
  const names = ({ heads, controllers, mount }: KernelView): unknown => ({
    heads: heads.map(({ name, number }) => ({ name, number })),
    controllers: controllers.map(({ name }) => name).sort(),
    mount: mount === undefined ? undefined : { id: mount.id, number: mount.number },
  });
  assert.deepEqual(names(after), names(before));
}
