/** How many commands each CSI call sends to the box, counted by the box. */
import type { Installation } from "./installation.ts";
import { addVolumes } from "./many_volumes.ts";

/** What one call took. */
export interface CallCost {
  readonly call: string;
  /** What the call met. */
  readonly when: string;
  readonly commands: number;
  /** The target, where one was promised. */
  readonly atMost?: number;
}

/** What is noted of a call before it is made. */
type CallCase = Omit<CallCost, "commands">;

/** How many volumes there are when ListVolumes is called, and the commands promised for that. */
const LISTED: readonly (readonly [volumes: number, commandsMax: number])[] = [
  ...[[1, 1], [500, 1], [501, 2], [1000, 2], [1001, 3]] as const,
];

/** What a start sends last: its look for snapshots that were begun and not finished. */
const LAST = /comment~"\^r1;k=s;/;
const START_MS = 30_000;
const START_COMMANDS_MAX = 100;
const POLL_MS = 20;

/** Counts call after call. */
class Tally {
  readonly costs: CallCost[] = [];
  readonly #installation: Installation;

  constructor(installation: Installation) {
    this.#installation = installation;
  }

  async count<T>(call: CallCase, run: () => Promise<T>): Promise<T> {
    const before = await this.#installation.commandCount();
    const result = await run();
    this.costs.push({ ...call, commands: await this.#installation.commandCount() - before });
    return result;
  }
}

/**
 * Makes every call once and counts. The box must be empty; it is full of volumes afterwards.
 * The installation must have been started with the flags of a roomy box.
 */
export async function measureCommandsPerCall(installation: Installation): Promise<CallCost[]> {
  const tally = new Tally(installation);
  tally.costs.push(await costOfStart(installation));
  const volumeId = await countLife(tally, installation);
  await countInquiries(tally, installation, volumeId);
  await countSnapshots(tally, installation, volumeId);
  await countRemovals(tally, installation, volumeId);
  await countLists(tally, installation);
  return tally.costs;
}

/**
 * What the first calls take more than the same calls later: the look at the box, the trial of its
 * limits, the proof of its copies. Whether they ran at the start or with a call does not matter.
 */
async function costOfStart(installation: Installation): Promise<CallCost> {
  await waitForSweep(installation);
  await snapshotOnce(installation);
  const first = await installation.commandCount();
  await snapshotOnce(installation);
  const commands = first - (await installation.commandCount() - first);
  return {
    call: "(start)",
    when: "once per connected box: features, limits, copy proof",
    commands,
  };
}

/** The start ends with a look for left-overs, for snapshots last, beside the first calls. */
async function waitForSweep({ control }: Installation): Promise<void> {
  const deadline = AbortSignal.timeout(START_MS);
  for (;;) {
    deadline.throwIfAborted();
    const { commands } = await control.commands({ last: START_COMMANDS_MAX });
    const isOver = commands.some(({ line, outcome }) => outcome === "answered" && LAST.test(line));
    if (isOver) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function snapshotOnce({ calls }: Installation): Promise<void> {
  const volumeId = await calls.createVolume("bench-warm-up");
  await calls.deleteSnapshot(await calls.createSnapshot("bench-warm-up", volumeId));
  await calls.deleteVolume(volumeId);
}

async function countLife(tally: Tally, { calls }: Installation): Promise<string> {
  const create = () => calls.createVolume("bench-life");
  const volumeId = await tally.count(
    { call: "CreateVolume", when: "a new, empty volume", atMost: 1 },
    create,
  );
  await tally.count({ call: "CreateVolume", when: "again: it is there", atMost: 1 }, create);
  await tally.count(
    { call: "ControllerPublishVolume", when: "reads, then writes the record" },
    () => calls.publishVolume(volumeId),
  );
  await tally.count(
    { call: "ControllerPublishVolume", when: "again: it is published" },
    () => calls.publishVolume(volumeId),
  );
  await tally.count(
    { call: "ControllerExpandVolume", when: "1 to 2 GiB", atMost: 1 },
    () => calls.expandVolume(volumeId, 2),
  );
  await tally.count(
    { call: "ControllerExpandVolume", when: "again: it is as large", atMost: 1 },
    () => calls.expandVolume(volumeId, 2),
  );
  await tally.count(
    { call: "ControllerModifyVolume", when: "reads, then writes the record" },
    () => calls.modifyVolume(volumeId, 7),
  );
  await tally.count(
    { call: "ControllerModifyVolume", when: "again: it is so" },
    () => calls.modifyVolume(volumeId, 7),
  );
  return volumeId;
}

async function countInquiries(
  tally: Tally,
  { calls }: Installation,
  volumeId: string,
): Promise<void> {
  await tally.count({ call: "Probe", when: "answered from memory" }, () => calls.probe());
  await tally.count(
    { call: "GetCapacity", when: "the pool's free space", atMost: 1 },
    () => calls.getCapacity(),
  );
  await tally.count(
    { call: "ControllerGetVolume", when: "one volume" },
    () => calls.getVolume(volumeId),
  );
  await tally.count(
    { call: "ValidateVolumeCapabilities", when: "one volume" },
    () => calls.validateVolume(volumeId),
  );
}

async function countSnapshots(
  tally: Tally,
  { calls }: Installation,
  volumeId: string,
): Promise<void> {
  const take = () => calls.createSnapshot("bench-life", volumeId);
  const snapshotId = await tally.count(
    { call: "CreateSnapshot", when: "copy, compared by samples in the same command", atMost: 1 },
    take,
  );
  await tally.count({ call: "CreateSnapshot", when: "again: it is there", atMost: 1 }, take);
  await tally.count({ call: "GetSnapshot", when: "one snapshot" }, () => {
    return calls.getSnapshot(snapshotId);
  });
  await tally.count({ call: "ListSnapshots", when: "1 snapshot", atMost: 1 }, () => {
    return calls.listSnapshots();
  });
  const restored = await tally.count(
    { call: "CreateVolume", when: "from a snapshot, to a larger size", atMost: 1 },
    () => calls.createVolume("bench-restored", 3, { snapshot: snapshotId }),
  );
  const clone = await tally.count(
    { call: "CreateVolume", when: "from a volume", atMost: 1 },
    () => calls.createVolume("bench-clone", 2, { volume: volumeId }),
  );
  await calls.deleteVolume(restored);
  await calls.deleteVolume(clone);
  const remove = () => calls.deleteSnapshot(snapshotId);
  await tally.count({ call: "DeleteSnapshot", when: "it is there", atMost: 1 }, remove);
  await tally.count({ call: "DeleteSnapshot", when: "again: it is gone" }, remove);
}

async function countRemovals(
  tally: Tally,
  { calls }: Installation,
  volumeId: string,
): Promise<void> {
  const unpublish = () => calls.unpublishVolume(volumeId);
  const remove = () => calls.deleteVolume(volumeId);
  await tally.count(
    { call: "ControllerUnpublishVolume", when: "reads, then writes the record" },
    unpublish,
  );
  await tally.count({ call: "ControllerUnpublishVolume", when: "again: it is not" }, unpublish);
  await tally.count({ call: "DeleteVolume", when: "it is there", atMost: 1 }, remove);
  await tally.count({ call: "DeleteVolume", when: "again: it is gone" }, remove);
}

async function countLists(tally: Tally, { trial, calls }: Installation): Promise<void> {
  const modelId = await calls.createVolume("bench-model");
  let present = 1;
  for (const [volumes, atMost] of LISTED) {
    await addVolumes(trial, modelId, present - 1, volumes - present);
    present = volumes;
    const listed = await tally.count(
      { call: "ListVolumes", when: `${volumes} ${volumes === 1 ? "volume" : "volumes"}`, atMost },
      () => calls.listVolumes(),
    );
    if (listed !== volumes) throw new Error(`ListVolumes gave ${listed} of ${volumes} volumes`);
  }
}
