/** The controller's memory at its start and after many small calls. */
import type { Section } from "./figure.ts";
import { Installation } from "./installation.ts";
import type { InstallationOptions } from "./installation.ts";
import { residentMemoryOf } from "./process_memory.ts";

const CALLS = 15_000;
/** Volumes that the calls look at. */
const VOLUMES = 3;
/** Calls that are under way at the same time, as the sidecars have them. */
const AT_ONCE = 4;
const RESIDENT_MIB_MAX = 96;
const MIB = 1024 ** 2;

/** Calls and looks. */
export async function measureMemory(options: InstallationOptions): Promise<Section> {
  await using installation = await Installation.start(options);
  const { calls, controllerPid } = installation;
  await calls.probe();
  const atStart = await residentMemoryOf(controllerPid);
  const ids: string[] = [];
  for (let number = 0; number < VOLUMES; number++) {
    ids.push(await calls.createVolume(`bench-memory-${number}`));
  }
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, (_, lane) => callMany(installation, ids, lane)),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  const afterwards = await residentMemoryOf(controllerPid);
  return {
    title: "Memory of the controller",
    method:
      `Resident memory. ${CALLS} calls, ${AT_ONCE} at once: GetCapacity, Probe, ListVolumes ` +
      `and ControllerGetVolume by turns, with ${VOLUMES} volumes.`,
    figures: [
      {
        name: "at the start",
        value: atStart.nowBytes / MIB,
        unit: "MiB",
        atMost: RESIDENT_MIB_MAX,
      },
      {
        name: `after ${CALLS} calls`,
        value: afterwards.nowBytes / MIB,
        unit: "MiB",
        atMost: RESIDENT_MIB_MAX,
      },
      { name: "at its peak", value: afterwards.peakBytes / MIB, unit: "MiB" },
      { name: "calls in a second meanwhile", value: CALLS / seconds, unit: "calls/s" },
    ],
  };
}

async function callMany(
  { calls }: Installation,
  ids: readonly string[],
  lane: number,
): Promise<void> {
  for (let number = lane; number < CALLS; number += AT_ONCE) {
    const turn = Math.floor(number / AT_ONCE) % 4;
    if (turn === 0) await calls.getCapacity();
    else if (turn === 1) await calls.probe();
    else if (turn === 2) await calls.listVolumes();
    else await calls.getVolume(ids[number % ids.length] ?? "");
  }
}
