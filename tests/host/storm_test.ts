/** Many volumes at once on one node: nothing of them stays, whatever happened meanwhile. */
import assert from "node:assert/strict";
import { status } from "@grpc/grpc-js";
import { codeOf } from "../../tools/trial/csi_client.ts";
import { block, mount } from "../integration/shipped/requests.ts";
import { HostLab, isUnanswered } from "./lab.ts";
import type { Capability, Use } from "./lab.ts";
import { remainsBelow } from "../../tools/trial/remains.ts";
import { hostTest } from "./machine.ts";

const VOLUMES = 50;
const SIZE_MIB = 1024n;
/** Calls that run at once, as many as a kubelet makes. */
const WORKERS = 10;
const RETRIES_MAX = 2000;
hostTest(`${VOLUMES} volumes come and go in storms, and nothing of them is left`, async () => {
  await using lab = await HostLab.open();
  const uses = await inTurns(
    Array.from({ length: VOLUMES }, (_, index) => index),
    async (index) => {
      const capability = capabilityOf(index);
      const volume = await lab.create(`volume-${index}`, capability, SIZE_MIB);
      return await lab.admit(volume, capability);
    },
  );

  await inTurns(uses, (use) => comeTwice(lab, use));
  assert.equal(remainsBelow(lab.directory).loops.length, VOLUMES);
  await inTurns(uses, (use) => go(lab, use));
  assert.deepEqual(await lab.leftOnNodes(), NOTHING);

  // The same with a node that dies in the middle of coming, and once more in the middle of going.
  await stormWithCrash(lab, uses, comeTwice);
  assert.equal(remainsBelow(lab.directory).loops.length, VOLUMES);
  await stormWithCrash(lab, uses, go);
  assert.deepEqual(await lab.leftOnNodes(), NOTHING);

  await inTurns(uses, async (use) => {
    await lab.dismiss(use);
    await lab.delete(use.volume);
  });
  await lab.assertNothingLeft();
});

const NOTHING = { mounts: [], loops: [], staging: [], pods: [], "node-state": [] };

function capabilityOf(index: number): Capability {
  const types = ["ext4", "xfs", "btrfs"];
  return index % 2 === 0 ? block() : mount(undefined, types[index % types.length] ?? "");
}

/** Every call is made twice at the same time, as an impatient caller does. */
async function comeTwice(lab: HostLab, use: Use): Promise<void> {
  await twice(() => lab.stage(use));
  await twice(() => lab.publish(use));
}

async function go(lab: HostLab, use: Use): Promise<void> {
  await twice(() => lab.unpublish(use));
  await twice(() => lab.unstage(use));
}

async function twice(call: () => Promise<void>): Promise<void> {
  await Promise.all([persist(call), persist(call)]);
}

async function persist(call: () => Promise<void>): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await call();
    } catch (error) {
      const isPassing = codeOf(error) === status.ABORTED || isUnanswered(error);
      if (!isPassing || attempt === RETRIES_MAX) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

const RETRY_MS = 50;

/** A storm in which the node is killed when half of it is over, and started again. */
async function stormWithCrash(
  lab: HostLab,
  uses: readonly Use[],
  work: (lab: HostLab, use: Use) => Promise<void>,
): Promise<void> {
  let finished = 0;
  let restarted: Promise<void> | undefined;
  await inTurns(uses, async (use) => {
    await work(lab, use);
    finished += 1;
    if (finished === VOLUMES / 2) restarted = lab.trial.restartNode("SIGKILL");
  });
  assert.ok(restarted !== undefined);
  await restarted;
}

/** Works on items with some workers at once; the results in the order of the items. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  await Promise.all(Array.from({ length: WORKERS }, async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  }));
  return results;
}
