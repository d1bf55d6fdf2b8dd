/** The node's use cases over a trial node: whole lives, also when any step fails. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { MemoryStageRecords } from "../../../src/adapters/memory/stage_records.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { KeyedLock } from "../../../src/application/keyed_lock.ts";
import { NodeVolumes } from "../../../src/application/node_volumes.ts";
import { Reconnects } from "../../../src/application/reconnects.ts";
import type { VolumeCapability } from "../../../src/domain/access.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import { aBlock, aMount } from "../../builders/node.ts";
import { DISK_BYTES, FOREVER } from "../../contract/node_harness.ts";
import { Faults } from "../../fakes/failing.ts";
import type { FaultPlan } from "../../fakes/failing.ts";
import { namesIn, openTrialNode } from "./trial_node.ts";
import type { TrialNode } from "./trial_node.ts";

const VOLUME = volumeIdForName("disk-0");
const RETRIES_MAX = 3;

/** One volume from the array to a pod, written to, and back; each call tried again when it fails. */
async function live(
  node: TrialNode,
  capability: VolumeCapability,
  plan: FaultPlan,
): Promise<Faults> {
  const faults = new Faults(plan);
  const volumes = new NodeVolumes(
    {
      host: faults.wrap(node.host),
      mounter: faults.wrap(node.mounter),
      fileSystems: faults.wrap(node.fileSystems),
      records: faults.wrap(new MemoryStageRecords()),
    },
    {
      locks: new KeyedLock(),
      clock: systemClock,
      observe: () => {},
      reconnects: new Reconnects(() => 0),
    },
    { name: "trial", volumesMax: 0, bootId: "this boot" },
  );
  const [stagingPath, targetPath] = [`${node.directory}/staging`, `${node.directory}/target`];
  const published = {
    ...await node.exportDisk(DISK_BYTES),
    capacityBytes: DISK_BYTES,
    isCopy: false,
  };
  const parameters = { mkfsOptions: [], fsckPolicy: "check" } as const;
  const volume = { volumeId: VOLUME, stagingPath, capability };
  const written = capability.access.type === "block" ? targetPath : join(targetPath, "a.txt");
  for (const text of ["first life", "later life"]) {
    await retried(() => volumes.stage({ ...volume, published, parameters }, FOREVER));
    await retried(() => volumes.publish({ ...volume, targetPath, isReadOnly: false }, FOREVER));
    if (text === "later life") {
      assert.equal(await startOf(written), "first life");
    } else {
      // As a program writes to a device: without cutting it to length.
      const options = { create: capability.access.type === "mount", truncate: false };
      using file = await Deno.open(written, { write: true, ...options });
      await file.write(new TextEncoder().encode(text));
    }
    await retried(() => volumes.unpublish(VOLUME, targetPath, FOREVER));
    await retried(() => volumes.unstage(VOLUME, stagingPath, FOREVER));
  }
  return faults;
}

async function startOf(path: string): Promise<string> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(10);
  await file.read(bytes);
  return new TextDecoder().decode(bytes);
}

async function retried(call: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      await call();
      return;
    } catch (error) {
      if (attempt === RETRIES_MAX) throw error;
    }
  }
}

async function assertNothingLeft(node: TrialNode): Promise<void> {
  assert.deepEqual(await namesIn(node.directory), []);
  assert.deepEqual(await namesIn(join(node.stateDirectory, "mounted")), []);
  assert.deepEqual(await node.host.sessions(FOREVER), []);
}

for (const capability of [aMount(), aBlock()]) {
  const { type } = capability.access;
  Deno.test(`a ${type} volume keeps its data from life to life, whichever step fails`, async () => {
    const calls = await (async () => {
      await using node = await openTrialNode();
      const faults = await live(node, capability, { callNumber: 0, moment: "before" });
      await assertNothingLeft(node);
      return faults.calls.length;
    })();
    assert(calls > 15);
    for (let callNumber = 1; callNumber <= calls; callNumber++) {
      await using node = await openTrialNode();
      const moment = callNumber % 2 === 0 ? "before" : "after";
      const faults = await live(node, capability, { callNumber, moment });
      assert(faults.hasStruck);
      await assertNothingLeft(node);
    }
  });
}
