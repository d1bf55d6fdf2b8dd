/** How long calls take beyond what the box takes: one after the other, at three latencies. */
import { medianOf, quantileOf } from "./figure.ts";
import type { Figure, Section } from "./figure.ts";
import { Installation } from "./installation.ts";
import type { InstallationOptions } from "./installation.ts";

/** How often the life of a volume is gone through at a latency. */
interface Series {
  readonly latencyMs: number;
  readonly rounds: number;
}

const SERIES: readonly Series[] = [
  { latencyMs: 0, rounds: 100 },
  { latencyMs: 20, rounds: 40 },
  { latencyMs: 100, rounds: 12 },
];
/** Rounds that are not counted: connections open, code becomes warm. */
const WARM_UP_ROUNDS = 20;
/** What one mutation may cost beyond the time of its one command, in milliseconds. */
const OURS_MS_MAX = 3;
/** The latency that the target is for. */
const TARGET_LATENCY_MS = 20;

/** One timed call. */
interface TimedCall {
  readonly call: string;
  readonly durationMs: number;
  /** The commands it sent. */
  readonly commands: number;
  /** What the box took for them beyond its latency: interpreting the line, files. */
  readonly boxMs: number;
}

/** Measures at every latency. */
export async function measureCallTimes(options: InstallationOptions): Promise<Section> {
  await using installation = await Installation.start(options);
  const figures: Figure[] = [];
  await timeRounds(installation, { latencyMs: 0, rounds: WARM_UP_ROUNDS });
  for (const series of SERIES) {
    figures.push(...figuresOf(await timeRounds(installation, series), series));
  }
  return {
    title: "Time of calls",
    method:
      "One call after the other, over a volume's life. Over latency: the time of a call less " +
      "the latency of its commands. Ours: that, less the simulator's work on its commands.",
    figures,
  };
}

async function timeRounds(
  { calls, control }: Installation,
  { latencyMs, rounds }: Series,
): Promise<TimedCall[]> {
  await control.setLatency({
    read: latencyMs,
    add: latencyMs,
    change: latencyMs,
    remove: latencyMs,
  });
  const timed: TimedCall[] = [];
  let { count: seen } = await control.commands({ last: 0 });
  const time = async <T>(call: string, run: () => Promise<T>): Promise<T> => {
    const startedMs = performance.now();
    const result = await run();
    const durationMs = performance.now() - startedMs;
    const { count, commands } = await control.commands({ since: seen });
    seen = count;
    const boxMs = commands.reduce((sum, command) => sum + command.durationMs - latencyMs, 0);
    timed.push({ call, durationMs, commands: commands.length, boxMs });
    return result;
  };
  for (let round = 0; round < rounds; round++) {
    const name = `bench-${latencyMs}-${round}`;
    await time("Probe", () => calls.probe());
    const id = await time("CreateVolume", () => calls.createVolume(name));
    await time("ControllerGetVolume", () => calls.getVolume(id));
    await time("GetCapacity", () => calls.getCapacity());
    await time("ControllerPublishVolume", () => calls.publishVolume(id));
    await time("ControllerExpandVolume", () => calls.expandVolume(id, 2));
    const snapshotId = await time("CreateSnapshot", () => calls.createSnapshot(name, id));
    await time("DeleteSnapshot", () => calls.deleteSnapshot(snapshotId));
    await time("ControllerUnpublishVolume", () => calls.unpublishVolume(id));
    await time("DeleteVolume", () => calls.deleteVolume(id));
  }
  await control.setLatency({ read: 0, add: 0, change: 0, remove: 0 });
  return timed;
}

/** The calls that change something by one command: what the target is for. */
const MUTATIONS: ReadonlySet<string> = new Set([
  ...["CreateVolume", "ControllerExpandVolume", "DeleteVolume"],
  ...["CreateSnapshot", "DeleteSnapshot"],
]);

function figuresOf(timed: readonly TimedCall[], { latencyMs }: Series): Figure[] {
  const at = `at ${latencyMs} ms`;
  const overLatency = ({ durationMs, commands }: TimedCall): number =>
    durationMs - commands * latencyMs;
  const ours = (call: TimedCall): number => overLatency(call) - call.boxMs;
  const mutations = timed.filter(({ call }) => MUTATIONS.has(call));
  const target = latencyMs === TARGET_LATENCY_MS ? { atMost: OURS_MS_MAX } : {};
  const medianMs = (name: string, values: readonly number[]): Figure => {
    return { name: `${name} ${at}, median`, value: medianOf(values), unit: "ms" };
  };
  const perCall = [...Map.groupBy(timed, ({ call }) => call)].flatMap(([call, group]) => [
    medianMs(`${call}: over latency`, group.map(overLatency)),
    medianMs(`${call}: ours`, group.map(ours)),
  ]);
  const totalMs = timed.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return [
    { name: `calls in a second ${at}`, value: timed.length / totalMs * 1000, unit: "calls/s" },
    medianMs("mutation: over latency", mutations.map(overLatency)),
    { ...medianMs("mutation: ours", mutations.map(ours)), ...target },
    {
      name: `mutation: ours ${at}, p95`,
      value: quantileOf(mutations.map(ours), 0.95),
      unit: "ms",
    },
    ...perCall,
  ];
}
