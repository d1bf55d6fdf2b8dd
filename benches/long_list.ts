/** A list of 10,000 volumes: its time, what it adds to the controller's memory, its bytes. */
import { medianOf } from "./figure.ts";
import type { Section } from "./figure.ts";
import { Installation } from "./installation.ts";
import type { InstallationOptions } from "./installation.ts";
import { addVolumes, ROOMY_BOX } from "./many_volumes.ts";
import { residentMemoryOf } from "./process_memory.ts";

const VOLUMES = 10_000;
const LISTS = 5;
const LIST_MS_MAX = 1000;
const GROWTH_MIB_MAX = 40;
const MIB = 1024 ** 2;

/** What one list took. */
interface ListRun {
  readonly durationMs: number;
  /** The time of its commands on the box. */
  readonly boxMs: number;
}

/** Fills a box and lists it. */
export async function measureLongList(options: InstallationOptions): Promise<Section> {
  await using installation = await Installation.start({ ...options, simulatorFlags: ROOMY_BOX });
  const { calls, trial, control } = installation;
  const modelId = await calls.createVolume("bench-model");
  await calls.listVolumes();
  await addVolumes(trial, modelId, 0, VOLUMES - 1);
  const before = await residentMemoryOf(installation.controllerPid);
  const { replyBytes } = await control.counters();
  const runs: ListRun[] = [];
  for (let run = 0; run < LISTS; run++) runs.push(await list(installation));
  const sentBytes = (await control.counters()).replyBytes - replyBytes;
  const after = await residentMemoryOf(installation.controllerPid);
  return {
    title: `List of ${VOLUMES} volumes`,
    method: `ListVolumes without a limit, ${LISTS} times, on a box without latency; the volumes ` +
      "were made by one console line. Memory is the process's resident memory, its peak included.",
    figures: [
      {
        name: "time of a list, median",
        value: medianOf(runs.map(({ durationMs }) => durationMs)),
        unit: "ms",
        atMost: LIST_MS_MAX,
      },
      { name: "time of the first list", value: runs[0]?.durationMs ?? NaN, unit: "ms" },
      {
        name: "of which the simulator, median",
        value: medianOf(runs.map(({ boxMs }) => boxMs)),
        unit: "ms",
      },
      {
        name: "growth of the controller, at its peak",
        value: (after.peakBytes - before.nowBytes) / MIB,
        unit: "MiB",
        atMost: GROWTH_MIB_MAX,
      },
      {
        name: "growth of the controller, afterwards",
        value: (after.nowBytes - before.nowBytes) / MIB,
        unit: "MiB",
      },
      { name: "bytes over SSH for a list", value: sentBytes / LISTS / 1000, unit: "kB" },
    ],
  };
}

async function list({ calls, control }: Installation): Promise<ListRun> {
  const { count } = await control.commands({ last: 0 });
  const startedMs = performance.now();
  const listed = await calls.listVolumes();
  const durationMs = performance.now() - startedMs;
  if (listed !== VOLUMES) throw new Error(`ListVolumes gave ${listed} of ${VOLUMES} volumes`);
  const { commands } = await control.commands({ since: count });
  return { durationMs, boxMs: commands.reduce((sum, command) => sum + command.durationMs, 0) };
}
