/**
 * What staging costs on a real kernel, beside the same steps made by hand with nvme-cli and mount
 * in the same virtual machine.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LabVolume } from "../../tests/kernel/volume.ts";
import { bundleFile, NODE_V8_FLAGS } from "../../tools/bundle.ts";
import type { KernelSeries } from "../../tools/lab/kernels.ts";
import { type Lab, startLab } from "../../tools/lab/lab.ts";
import { type Figure, medianOf, type Section } from "../figure.ts";
import type { StagingPlan, StagingTimes } from "./staging.ts";

const KERNEL: KernelSeries = "6.12";
const CYCLES = 8;
const RATIO_MAX = 1.15;
const RUN_MS = 600_000;
const BY_HAND = fileURLToPath(new URL("staging_by_hand.sh", import.meta.url));
/** Where the driver keeps what it knows in a node of the laboratory. */
const STATE_DIRECTORY = "/var/lib/rds-csi";

/** The columns that the script by hand prints. */
const HAND_STEPS = [
  ...["connect", "device", "probe", "check", "mount"],
  ...["unmount", "unused", "disconnect"],
] as const;
type Step = (typeof HAND_STEPS)[number];

/** Measures both. Needs root and what the kernel laboratory needs. */
export async function measurePhases(): Promise<Section> {
  const directory = await Deno.makeTempDir({ prefix: "rds-lab-" });
  try {
    await using lab = await startLab({ kernel: KERNEL, nodes: 1, directory, print: () => {} });
    const volume = await LabVolume.create(lab, { name: "phases", access: "ext4" });
    await volume.publish(lab.node);
    // Formats it: neither side is to measure that.
    await volume.stage(lab.node);
    await volume.unstage(lab.node);
    await lab.node.stopDriver("SIGTERM");
    const driver = await stagedByDriver(lab, volume);
    const hand = await stagedByHand(lab, volume);
    return sectionOf(driver, hand, lab.node.machine.kernel.release);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function stagedByDriver(lab: Lab, volume: LabVolume): Promise<StagingTimes[]> {
  const { machine } = lab.node;
  await bundleFile("benches/kernel/staging.ts", join(machine.shared, "staging.js"));
  const plan: StagingPlan = {
    volumeId: volume.id,
    publishContext: volume.publishedOn(await lab.node.nodeId()),
    stagingPath: volume.stagingPath,
    stateDirectory: STATE_DIRECTORY,
    // The first one also starts the worker for kernel calls, and is left out.
    cycles: CYCLES + 1,
  };
  const text = await machine.run(
    `DENO_DIR=/run/deno DENO_NO_UPDATE_CHECK=1 ${Deno.execPath()} run --quiet --no-lock ` +
      `--no-config -A --v8-flags=${NODE_V8_FLAGS} /lab/staging.js '${JSON.stringify(plan)}'`,
    { deadlineMs: RUN_MS },
  );
  return (JSON.parse(text) as StagingTimes[]).slice(1);
}

async function stagedByHand(lab: Lab, volume: LabVolume): Promise<Record<Step, number>[]> {
  const { machine } = lab.node;
  const { address, port, nqn } = volume.publishedOn(await lab.node.nodeId());
  const kept = JSON.parse(await machine.run(`cat ${STATE_DIRECTORY}/nvme_host.json`)) as {
    readonly hostNqn: string;
    readonly hostId: string;
  };
  const args = [address, port, nqn, kept.hostNqn, kept.hostId, "/run/by-hand", CYCLES + 1];
  const text = await machine.run(`bash ${BY_HAND} ${args.join(" ")}`, { deadlineMs: RUN_MS });
  const rows = text.trim().split("\n").map((line) =>
    Object.fromEntries(
      line.split(" ").map((tenths, column) => [HAND_STEPS[column], Number(tenths) / 10]),
    ) as Record<Step, number>
  );
  return rows.slice(1);
}

/** What of the driver's steps corresponds to a step by hand. */
const DRIVER_STEPS: Readonly<Record<Step, (steps: StagingTimes["steps"]) => number>> = {
  connect: (steps) => timeOf(steps, "call connect-nvme"),
  device: (steps) => timeOf(steps, "connect") - timeOf(steps, "call connect-nvme"),
  probe: (steps) => timeOf(steps, "identify"),
  check: (steps) => timeOf(steps, "check"),
  mount: (steps) => timeOf(steps, "mount") + timeOf(steps, "grow"),
  // The proof within the release stays there: by hand there is none.
  unmount: (steps) => timeOf(steps, "release"),
  unused: (steps) => timeOf(steps, "call find-openers"),
  disconnect: (steps) => timeOf(steps, "disconnect") - timeOf(steps, "call find-openers"),
};

function timeOf(steps: StagingTimes["steps"], name: string): number {
  return steps[name] ?? 0;
}

function sectionOf(
  driver: readonly StagingTimes[],
  hand: readonly Record<Step, number>[],
  release: string,
): Section {
  const figures: Figure[] = HAND_STEPS.flatMap((step) => [
    {
      name: `${step}, by the driver`,
      value: medianOf(driver.map(({ steps }) => DRIVER_STEPS[step](steps))),
      unit: "ms",
    },
    { name: `${step}, by hand`, value: medianOf(hand.map((row) => row[step])), unit: "ms" },
  ]);
  const stageByHand = medianOf(
    hand.map((row) => row.connect + row.device + row.probe + row.check + row.mount),
  );
  const unstageByHand = medianOf(hand.map((row) => row.unmount + row.unused + row.disconnect));
  const stage = medianOf(driver.map(({ stageMs }) => stageMs));
  const unstage = medianOf(driver.map(({ unstageMs }) => unstageMs));
  return {
    title: "Stage and unstage on a real kernel",
    method: `Linux ${release} in software emulation, ext4 of 1 GiB that is formatted already; ` +
      `medians of ${CYCLES}. By hand: nvme connect, blkid -p, e2fsck, mount; sync, umount, ` +
      "fuser, nvme disconnect. Medians do not add up.",
    figures: [
      ...figures,
      { name: "stage, by the driver", value: stage, unit: "ms" },
      { name: "stage, by hand", value: stageByHand, unit: "ms" },
      { name: "stage, ratio", value: stage / stageByHand, unit: "x", atMost: RATIO_MAX },
      { name: "unstage, by the driver", value: unstage, unit: "ms" },
      { name: "unstage, by hand", value: unstageByHand, unit: "ms" },
      { name: "unstage, ratio", value: unstage / unstageByHand, unit: "x", atMost: RATIO_MAX },
    ],
  };
}
