/** The node: its driver killed, its calls half done, its machine without power. */
import assert from "node:assert/strict";
import { fileSystemUuidOf, goOn, keepsDevice, recover, waitForEvent } from "../recovery.ts";
import { type KernelLab, type LabNode, minutes, type Scenario } from "../scenario.ts";
import { assertSame, endSteady, startWriting } from "../steady.ts";
import { LabVolume, refusalOf, type VolumePlan } from "../volume.ts";
import { lasting, timed, until } from "../waiting.ts";
import { LabWriter } from "../writer.ts";

const BOUNDS = { longestFsyncMs: 13_000, backWithinMs: 15_000 };

const DRIVER_KILLED: Scenario = {
  plan: {
    id: "F11",
    rows: ["F11"],
    title: "The node's driver is killed and started again under a writer, three times",
    expected:
      "no error, same device, controllers and mount; a stage and an unstage that were cut by it " +
      "are finished by their repeats (between any two steps: shown by the unit tests)",
    deadlineMs: minutes(8),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [{ name: "f11-writer", access: "ext4" }], signal);
    const volume = await LabVolume.create(lab, { name: "f11-cut", access: "xfs" });
    await volume.publish(lab.node);
    for (const delayMs of [300, 1_500]) {
      const cut = volume.stageOnce(lab.node).catch(() => undefined);
      await lasting(delayMs, signal);
      await restartDriver(lab.node);
      await cut;
    }
    await volume.stage(lab.node);
    await volume.bind(lab.node);
    await volume.waitForCondition("well", 20_000, signal);
    await volume.unbind(lab.node);
    const cut = volume.unstageOnce(lab.node, 20_000).catch(() => undefined);
    await lasting(200, signal);
    await restartDriver(lab.node);
    await cut;
    await volume.unstage(lab.node);
    assert.deepEqual((await volume.look()).controllers, []);
    await volume.unpublish(lab.node);
    await volume.delete();
    return await endSteady(writing, BOUNDS, signal);
  },
};

const REPEATED_CALLS: Scenario = {
  plan: {
    id: "F12",
    rows: ["F12"],
    title: "The kubelet starts again with a running pod: stage and publish are repeated",
    expected: "nothing happens: same mount id, device and controllers; the writer sees nothing",
    deadlineMs: minutes(4),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [{ name: "f12-ext4", access: "ext4" }], signal);
    const [volume] = writing.volumes;
    const [before] = writing.before;
    assert.ok(volume !== undefined && before !== undefined);
    await restartDriver(lab.node);
    for (let time = 0; time < 2; time++) {
      await volume.stage(lab.node);
      await volume.bind(lab.node);
    }
    assertSame(before, await volume.look());
    return await endSteady(writing, BOUNDS, signal);
  },
};

const NODE_REBOOTED: Scenario = {
  plan: {
    id: "F13",
    rows: ["F13"],
    title: "The node shuts down in order and boots again",
    expected: "the next stage succeeds without a journal to replay, every record is there",
    deadlineMs: minutes(8),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [{ name: "f13-ext4", access: "ext4" }], signal);
    const [[volume], [writer]] = [writing.volumes, writing.writers];
    assert.ok(volume !== undefined && writer !== undefined);
    await writer.stop(signal);
    await lab.node.stopDriver("SIGTERM");
    await lab.node.machine.run(`umount ${volume.targetPath} ${volume.stagingPath}; sync`);
    await lab.node.machine.powerOff();
    await lab.node.boot();
    await volume.stage(lab.node);
    await volume.bind(lab.node);
    const dmesg = await lab.node.machine.run("dmesg");
    // The machine's own disk lost its power, too; only the volume's journal counts.
    assert.doesNotMatch(dmesg, /EXT4-fs \(nvme.*recovery complete/);
    const { records } = await writer.checkRecords();
    await volume.remove();
    return { records };
  },
};

const NODE_WITHOUT_POWER: Scenario = {
  plan: {
    id: "F14",
    rows: ["F14"],
    title: "The node loses its power under a writer and boots again",
    expected: "same host NQN as before; after the next stage every confirmed record is there",
    deadlineMs: minutes(8),
  },
  run: async (lab, signal) => {
    const { volumes, writers } = await startWriting(lab, [
      { name: "f14-ext4", access: "ext4" },
      { name: "f14-xfs", access: "xfs" },
    ], signal);
    const hostNqn = "cat /sys/class/nvme/nvme*/hostnqn | sort -u";
    const before = await lab.node.machine.run(hostNqn);
    for (const writer of writers) await writer.waitForRecords(10, 30_000, signal);
    await lab.node.machine.powerOff();
    await lab.node.boot();
    for (const volume of volumes) {
      await volume.stage(lab.node);
      await volume.bind(lab.node);
    }
    assert.equal(await lab.node.machine.run(hostNqn), before);
    let records = 0;
    for (const writer of writers) records += (await writer.checkRecords()).records;
    for (const volume of volumes) await volume.remove();
    return { records };
  },
};

const NODE_LOST: Scenario = {
  plan: {
    id: "F15",
    rows: ["F15"],
    title: "The node dies under a writer; the volumes are published to the other node",
    expected:
      "the other node replays the journals, every confirmed record is there (without a cluster: " +
      "the calls that an out-of-service taint leads to)",
    deadlineMs: minutes(10),
    needsSecondNode: true,
  },
  run: async (lab, signal) => {
    const other = await lab.secondNode();
    const { volumes, writers } = await startWriting(lab, [
      { name: "f15-ext4", access: "ext4" },
      { name: "f15-xfs", access: "xfs" },
    ], signal);
    for (const writer of writers) await writer.waitForRecords(10, 30_000, signal);
    await lab.node.machine.powerOff();
    const [, moveMs] = await timed(async () => {
      for (const volume of volumes) {
        await volume.unpublish(lab.node);
        await volume.attach(other);
      }
    });
    let records = 0;
    for (const writer of writers) records += (await writer.checkRecords(other)).records;
    for (const volume of volumes) await volume.remove(other);
    return { records, moveMs };
  },
};

const MANAGEMENT_AWAY: Scenario = {
  plan: {
    id: "F18",
    rows: ["F18"],
    title: "The box answers no SSH while NVMe/TCP goes on",
    expected: "stage, publish, unpublish and unstage succeed; the writer sees nothing",
    deadlineMs: minutes(5),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [{ name: "f18-writer", access: "ext4" }], signal);
    const volume = await LabVolume.create(lab, { name: "f18-second", access: "xfs" });
    await volume.publish(lab.node);
    await lab.box.stopSimulator("SIGKILL");
    await volume.stage(lab.node);
    await volume.bind(lab.node);
    await volume.waitForCondition("well", 20_000, signal);
    await volume.unbind(lab.node);
    await volume.unstage(lab.node);
    await lab.box.startSimulator();
    await volume.unpublish(lab.node);
    await volume.delete();
    return await endSteady(writing, BOUNDS, signal);
  },
};

const PARALLEL_STAGES: Scenario = {
  plan: {
    id: "F21",
    rows: ["F21"],
    title: "20 NodeStage calls for one volume at once",
    expected: "each succeeds or answers ABORTED; one connection and one mount at the end",
    deadlineMs: minutes(4),
  },
  run: async (lab) => {
    const volume = await LabVolume.create(lab, { name: "f21-ext4", access: "ext4" });
    await volume.publish(lab.node);
    const calls = Array.from({ length: 20 }, () => volume.stageOnce(lab.node));
    const results = await Promise.allSettled(calls);
    const failed = results.filter((result) => result.status === "rejected");
    for (const { reason } of failed) {
      const { code, message } = await refusalOf(Promise.reject(reason));
      assert.equal(code, 10, message);
    }
    assert.ok(failed.length < 20, "none succeeded");
    await volume.stage(lab.node);
    await assertOneOfEach(volume, lab.node);
    const connects = await lab.node.machine.run(`dmesg | grep -c 'new ctrl.*${volume.id}'; true`);
    assert.equal(Number(connects), 1, "connected more than once");
    await volume.bind(lab.node);
    await volume.remove();
    return { aborted: failed.length };
  },
};

const HALF_STAGED: Scenario = {
  plan: {
    id: "F22",
    rows: ["F22", "F23", "F24"],
    title: "NodeStage is cut after the connect, during mkfs, and after the mount (ext4 and xfs)",
    expected:
      "the repeat goes on from there: one connection, one mount, a sound file system; what was " +
      "mounted is adopted and not formatted again",
    deadlineMs: minutes(12),
  },
  run: async (lab, signal) => {
    for (const access of ["ext4", "xfs"] as const) {
      await cutStage(lab, { name: `f22-${access}`, access }, AFTER_CONNECT, signal);
      await cutStage(lab, { name: `f23-${access}`, access }, DURING_MKFS, signal);
      await cutStage(lab, { name: `f24-${access}`, access }, AFTER_MOUNT, signal);
    }
    return {};
  },
};

/** A moment of a stage, as a shell in the node sees it. */
type Moment = (volume: LabVolume) => string;

const AFTER_CONNECT: Moment = ({ nqn }) => `grep -qsx ${nqn} /sys/class/nvme/nvme*/subsysnqn`;
const DURING_MKFS: Moment = () => "pidof mkfs.ext4 mke2fs mkfs.xfs >/dev/null";
const AFTER_MOUNT: Moment = ({ stagingPath }) => `grep -q " ${stagingPath} " /proc/self/mountinfo`;

/** Kills the driver, and mkfs, at a moment of the stage; the repeat has to finish it. */
async function cutStage(
  lab: KernelLab,
  plan: VolumePlan,
  moment: Moment,
  signal: AbortSignal,
): Promise<void> {
  const { node } = lab;
  const volume = await LabVolume.create(lab, plan);
  await volume.publish(node);
  const pid = await node.driverPid();
  const mark = `/lab/cut-${plan.name}`;
  await node.machine.start(
    `for try in $(seq 3000); do
       if ${moment(volume)}; then
         kill -9 ${pid} $(pidof mkfs.ext4 mke2fs mkfs.xfs); echo struck >${mark}; exit
       fi
     done`,
    "/lab/cut.log",
  );
  await volume.stageOnce(node, {}, { deadlineMs: 60_000 }).catch(() => undefined);
  const struck = await node.machine.exec(`cat ${mark}`);
  assert.equal(struck.stdout.trim(), "struck", `the moment of ${plan.name} did not come`);
  const uuid = moment === AFTER_MOUNT ? await fileSystemUuidOf(volume, node) : undefined;
  await node.stopDriver("SIGKILL");
  await node.startDriver();
  await volume.stage(node);
  await assertOneOfEach(volume, node);
  if (uuid !== undefined) assert.equal(await fileSystemUuidOf(volume, node), uuid);
  await volume.bind(node);
  const writer = await LabWriter.start(volume, signal);
  await writer.stopAndCheck(signal);
  await volume.unbind(node);
  await volume.unstage(node);
  await volume.unpublish(node);
  await volume.delete();
}

const STUBBORN_SESSION: Scenario = {
  plan: {
    id: "F26",
    rows: ["F26"],
    title: "The kernel does not delete the controller at NodeUnstage",
    expected: "the call fails and never says that it is done; its repeat finishes",
    deadlineMs: minutes(5),
  },
  run: async (lab) => {
    const volume = await LabVolume.inUse(lab, { name: "f26-ext4", access: "ext4" });
    await volume.unbind(lab.node);
    const [controller] = (await volume.look()).controllers;
    const file = `/sys/class/nvme/${controller?.name}/delete_controller`;
    await lab.node.machine.run(`: >/run/deaf; mount --bind /run/deaf ${file}`);
    const { message } = await refusalOf(volume.unstageOnce(lab.node, 60_000));
    assert.equal((await volume.look()).controllers.length, 1, message);
    await lab.node.machine.run(`umount ${file}`);
    await volume.unstage(lab.node);
    assert.deepEqual((await volume.look()).controllers, []);
    await volume.unpublish(lab.node);
    await volume.delete();
    return {};
  },
};

const DISCONNECTED_BY_OTHERS: Scenario = {
  plan: {
    id: "F28",
    rows: ["F28"],
    title: "Somebody runs nvme disconnect-all on the node under a writer",
    expected: {
      "6.1": "error, abnormal with the reason; connected again; a new stage finds every record",
      "6.12": "error, abnormal with the reason; connected again; a new stage finds every record",
      "7.2": "the head stays and the guardian connects again: no error, nothing lost",
    },
    deadlineMs: minutes(6),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [{ name: "f28-ext4", access: "ext4" }], signal);
    const [[volume], [writer]] = [writing.volumes, writing.writers];
    assert.ok(volume !== undefined && writer !== undefined);
    const fileSystemUuid = await fileSystemUuidOf(volume, lab.node);
    await lab.node.machine.run("nvme disconnect-all");
    await until({
      what: "the guardian connect again",
      withinMs: 60_000,
      signal,
      look: async () => (await volume.look()).controllers.length > 0 || undefined,
    });
    await waitForEvent(volume, /"reason":"no-connection"/, signal, lab.node);
    if (keepsDevice(lab)) return await goOn(writing, 30_000, signal);
    const condition = /must be staged again/;
    return await recover({ writer, fileSystemUuid, condition, withinMs: 60_000 }, signal);
  },
};

async function restartDriver(node: LabNode): Promise<void> {
  await node.stopDriver("SIGKILL");
  await node.startDriver();
}

async function assertOneOfEach(volume: LabVolume, node: LabNode): Promise<void> {
  const { heads, controllers } = await volume.look(node);
  assert.deepEqual([heads.length, controllers.length], [1, 1]);
  const count = `grep -c " ${volume.stagingPath} " /proc/self/mountinfo; true`;
  assert.equal((await node.machine.run(count)).trim(), "1");
}

/** Drivers, half-done calls, machines. */
export const NODE_SCENARIOS: readonly Scenario[] = [
  DRIVER_KILLED,
  REPEATED_CALLS,
  NODE_REBOOTED,
  NODE_WITHOUT_POWER,
  NODE_LOST,
  MANAGEMENT_AWAY,
  PARALLEL_STAGES,
  HALF_STAGED,
  STUBBORN_SESSION,
  DISCONNECTED_BY_OTHERS,
];
