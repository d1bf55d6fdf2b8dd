/** Whole lives of volumes through the shipped processes, on real file systems. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  Controller,
  VolumeUsage_Unit as UsageUnit,
} from "../../src/adapters/csi-grpc/gen/csi_pb.ts";
import {
  createSnapshot,
  fromSnapshot,
  fromVolume,
  mount,
} from "../integration/shipped/requests.ts";
import { DATA_BYTES, digestOf, growsMountedExt4, mountIdOf, sizeOf, writeData } from "./files.ts";
import { HostLab, MIB } from "./lab.ts";
import type { Use } from "./lab.ts";
import { hostTest } from "./machine.ts";

const FIRST_MIB = 1024n;
const GROWN_MIB = 1536n;
const RESTORED_MIB = 2048n;
/** A file system keeps some of its device for itself: btrfs most, ext3 a twentieth and more. */
const LEAST_PART = 0.85;

for (const type of ["ext4", "xfs", "btrfs", "ext3"]) {
  hostTest(
    `a volume with ${type} lives from its creation to its end, and nothing is left`,
    async () => {
      await using lab = await HostLab.open();
      const capability = mount(undefined, type);
      const first = await lab.attach(await lab.create("first", capability, FIRST_MIB), capability);
      const written = await writeData(join(first.target, "data"), "first");
      await assertSize(first.target, FIRST_MIB);

      const { snapshotId } = await createSnapshot(lab.controller, "one", first.volume.volumeId);
      const rewritten = await writeData(join(first.target, "data"), "second");
      const fromIt = { volumeContentSource: fromSnapshot(snapshotId) };
      const restored = await lab.attach(
        await lab.create("restored", capability, RESTORED_MIB, fromIt),
        capability,
      );
      assert.equal(await digestOf(join(restored.target, "data")), written);
      await assertSize(restored.target, RESTORED_MIB);

      const from = { volumeContentSource: fromVolume(first.volume.volumeId) };
      const clone = await lab.attach(
        await lab.create("clone", capability, FIRST_MIB, from),
        capability,
      );
      assert.equal(await digestOf(join(clone.target, "data")), rewritten);

      await growInUse(lab, first, type);
      assert.equal(await digestOf(join(first.target, "data")), rewritten);
      await assertStats(lab, first);

      for (const use of [first, restored, clone]) await lab.detach(use);
      await lab.controller.call(Controller.method.deleteSnapshot, { snapshotId });
      await lab.delete(first.volume, restored.volume, clone.volume);
      await lab.assertNothingLeft();
    },
  );
}

/** Expands a volume whose file is open; the mount stays the same. */
async function growInUse(lab: HostLab, use: Use, type: string): Promise<void> {
  using file = await Deno.open(join(use.target, "open"), { create: true, write: true });
  const mountId = await mountIdOf(use.target);
  await lab.grow(use, GROWN_MIB);
  const isOnline = !type.startsWith("ext") || await growsMountedExt4();
  if (isOnline) {
    await lab.growOnNode(use, GROWN_MIB);
  } else {
    await assert.rejects(lab.growOnNode(use, GROWN_MIB), (error: Error) => {
      assert.match(error.message, /CAP_SYS_RESOURCE|not permitted|ermission/);
      return true;
    });
  }
  assert.equal(await mountIdOf(use.target), mountId);
  await file.write(new TextEncoder().encode("still open"));
  if (isOnline) return await assertSize(use.target, GROWN_MIB);
  // What could not grow in use has grown when it is staged the next time.
  await assertSize(use.target, FIRST_MIB);
  file.close();
  await lab.unpublish(use);
  await lab.unstage(use);
  await lab.stage(use);
  await lab.publish(use);
  await assertSize(use.target, GROWN_MIB);
}

async function assertSize(path: string, mib: bigint): Promise<void> {
  const bytes = Number(mib * MIB);
  const size = await sizeOf(path);
  assert.ok(size <= bytes && size > LEAST_PART * bytes, `${path} shows ${size} of ${bytes} bytes`);
}

async function assertStats(lab: HostLab, use: Use): Promise<void> {
  const { usage, volumeCondition } = await lab.stats(use);
  assert.equal(volumeCondition?.abnormal, false, volumeCondition?.message);
  const bytes = usage.find(({ unit }) => unit === UsageUnit.BYTES);
  assert.equal(bytes?.total, BigInt(await sizeOf(use.target)));
  assert.ok(bytes.used >= BigInt(DATA_BYTES), `only ${bytes.used} bytes are used`);
}
