/** Carries out a sequence of steps, and compares everything with the model on the way. */
import assert from "node:assert/strict";
import { statusName } from "../../src/adapters/csi-grpc/status.ts";
import { codeOf } from "../../tools/trial/csi_client.ts";
import { EVERY_VOLUME, planListSnapshots, planListVolumes, planLook } from "./look_calls.ts";
import { Oracle } from "./oracle.ts";
import type { PlannedCall } from "./planned_call.ts";
import { planDeleteSnapshot, planSnapshotCall } from "./snapshot_calls.ts";
import { aim } from "./aim.ts";
import { describe } from "./steps.ts";
import type { CallStep, Step } from "./steps.ts";
import { planDelete, planDeleteById, planUnpublish, planVolumeCall } from "./volume_calls.ts";
import type { Inventory, World } from "./world.ts";

/** Answers after which a sidecar tries again. */
const RETRYABLE: ReadonlySet<string> = new Set(["UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED"]);
/** However bad the faults, they are used up by then. */
const SETTLED_WITHIN_MS = 20_000;
const PATIENT_DEADLINE_MS = 5000;
const HASTY_DEADLINE_MS = 60;
const PAUSE_MS_MAX = 40;

/**
 * Carries out `steps` in a world that has nothing of ours, checks what there is then against the
 * model, deletes it all, and checks that nothing is left.
 * @param story is told every step as it begins
 * @throws {Error} for anything that is not as the model says.
 */
export async function runSequence(
  world: World,
  steps: readonly Step[],
  story: string[],
): Promise<void> {
  const oracle = new Oracle(world.copies);
  const before = await world.inventory();
  for (const drawn of steps) {
    const step = aim(oracle, drawn);
    story.push(describe(step));
    await perform(world, oracle, step);
  }
  story.push("end");
  calm(world, oracle);
  await clearHalfDone(world, oracle);
  await checkEverything(world, oracle, before);
  await deleteEverything(world, oracle);
  await checkEverything(world, oracle, before);
  assert.deepEqual(await world.inventory(), before, "the array, when all is deleted");
}

/** Tries a call as often as a sidecar would, until its answer is final, and compares that. */
export async function settle(world: World, call: PlannedCall): Promise<void> {
  const givesUpAtMs = performance.now() + SETTLED_WITHIN_MS;
  for (let attempt = 1;; attempt++) {
    const { status, accept, error } = await tryOnce(world, call, attempt);
    if (call.expected.some((name) => name === status)) return await accept?.();
    const mayRetry = RETRYABLE.has(status) && performance.now() < givesUpAtMs;
    if (!mayRetry) {
      const expected = call.expected.join(" or ");
      throw new Error(`answered ${status} instead of ${expected}, at attempt ${attempt}: ${error}`);
    }
    await pause(Math.min(PAUSE_MS_MAX, 2 ** Math.min(attempt, 10)));
  }
}

async function perform(world: World, oracle: Oracle, step: Step): Promise<void> {
  if ("call" in step && !("event" in step)) return await settle(world, plan(world, oracle, step));
  switch (step.event) {
    case "write":
      return await write(world, oracle, step.name);
    case "fault":
      return await world.inflict(step.fault);
    case "full":
      oracle.isFull = true;
      return await world.fill();
    case "calm":
      return calm(world, oracle);
    case "crash":
      return await world.restart();
    case "crash-during":
      return await crashDuring(world, oracle, step);
    case "twice": {
      const call = plan(world, oracle, step.call);
      await Promise.all([settle(world, call), settle(world, call)]);
      return;
    }
    case "cut-short":
      return await cutShort(world, oracle, step);
    case "give-up":
      return await giveUp(world, oracle, plan(world, oracle, step.call), step.call.name);
  }
}

function plan(world: World, oracle: Oracle, step: CallStep): PlannedCall {
  const read = (id: string): Promise<string> => world.read(id);
  switch (step.call) {
    case "create-volume":
    case "delete-volume":
    case "expand":
    case "modify":
    case "publish":
    case "unpublish":
      return planVolumeCall(oracle, step, read);
    case "create-snapshot":
    case "delete-snapshot":
      return planSnapshotCall(oracle, step, read);
    default:
      return planLook(oracle, step);
  }
}

interface Attempt {
  readonly status: string;
  readonly accept?: () => Promise<void>;
  readonly error?: string;
}

async function tryOnce(world: World, call: PlannedCall, attempt: number): Promise<Attempt> {
  const deadlineMs = world.mayHang
    ? Math.min(PATIENT_DEADLINE_MS, HASTY_DEADLINE_MS * 2 ** Math.min(attempt - 1, 10))
    : PATIENT_DEADLINE_MS;
  try {
    const accept = await call.attempt(world.client, deadlineMs);
    world.answers.add("OK");
    return { status: "OK", accept };
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined || !(error instanceof Error)) throw error;
    const status = statusName(code);
    world.answers.add(status);
    return { status, error: error.message };
  }
}

/** As {@link tryOnce}, for a call of which nobody wants to know the end. */
async function tryInVain(world: World, call: PlannedCall): Promise<void> {
  const { status } = await tryOnce(world, call, 1);
  const isAllowed = status === "OK" || status === "CANCELLED" || RETRYABLE.has(status) ||
    call.expected.some((name) => name === status);
  assert.ok(isAllowed, `answered ${status} instead of ${call.expected.join(" or ")}`);
}

async function write(world: World, oracle: Oracle, name: number): Promise<void> {
  const volume = oracle.volumes.get(name);
  if (volume === undefined) return;
  volume.content = oracle.nextContent();
  await world.write(volume.id, volume.content);
}

function calm(world: World, oracle: Oracle): void {
  world.calm();
  oracle.isFull = false;
}

async function crashDuring(
  world: World,
  oracle: Oracle,
  { call: step, command, moment }: Extract<Step, { event: "crash-during" }>,
): Promise<void> {
  const call = plan(world, oracle, step);
  world.crashAt(command, moment);
  await tryInVain(world, call);
  await world.restart();
  await settle(world, call);
}

async function cutShort(
  world: World,
  oracle: Oracle,
  { thing, name, at }: Extract<Step, { event: "cut-short" }>,
): Promise<void> {
  const volume = thing === "volume" ? oracle.volumes.get(name) : undefined;
  const id = volume?.id ?? (thing === "snapshot" ? oracle.snapshots.get(name)?.id : undefined);
  if (id === undefined || (volume?.publications.length ?? 0) > 0) return;
  await world.cutShort(id, at);
  (thing === "volume" ? oracle.volumes : oracle.snapshots).delete(name);
  oracle.halfDone.add(id);
  // Whoever removes does not stop before it is done.
  if (at === "item-removed") await clearHalfDone(world, oracle);
}

/** Deletes what stands half-made or half-removed, unless it was made anew meanwhile. */
async function clearHalfDone(world: World, oracle: Oracle): Promise<void> {
  const things = [...oracle.volumes.values(), ...oracle.snapshots.values()];
  for (const id of oracle.halfDone) {
    if (!things.some((thing) => thing.id === id)) await settle(world, planDeleteById(id));
  }
  oracle.halfDone.clear();
}

async function giveUp(
  world: World,
  oracle: Oracle,
  call: PlannedCall,
  name: number,
): Promise<void> {
  await tryInVain(world, call);
  await settle(world, planUnpublish(oracle, name, undefined));
  await settle(world, planDelete(oracle, name));
}

async function checkEverything(world: World, oracle: Oracle, before: Inventory): Promise<void> {
  await settle(world, planListVolumes(oracle, 0));
  const all = { call: "list-snapshots", pageSize: 0, name: undefined, source: undefined } as const;
  await settle(world, planListSnapshots(oracle, all));
  const things = [...oracle.volumes.values(), ...oracle.snapshots.values()];
  for (const { id, content } of things) {
    assert.equal(await world.read(id), content, `content of ${id} at the end`);
  }
  const ids = things.map(({ id }) => id).sort();
  const { items, files, foreign, violations } = await world.inventory();
  assert.deepEqual(items, ids, "items on the array");
  assert.deepEqual(files, ids, "files on the array");
  assert.deepEqual(foreign, before.foreign, "what others have on the array");
  assert.deepEqual(violations, [], "violations");
}

async function deleteEverything(world: World, oracle: Oracle): Promise<void> {
  for (const name of EVERY_VOLUME.filter((each) => oracle.volumes.has(each))) {
    await settle(world, planUnpublish(oracle, name, undefined));
    await settle(world, planDelete(oracle, name));
  }
  for (const name of [...oracle.snapshots.keys()]) {
    await settle(world, planDeleteSnapshot(oracle, name));
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
