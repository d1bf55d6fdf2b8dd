/** The box: restarted, without power, full, with other identities, or half back. */
import assert from "node:assert/strict";
import {
  addFault,
  exportBadDevice,
  fillPool,
  removeBadDevice,
  restartTarget,
  slotOfVolume,
} from "../box_kernel.ts";
import { fileSystemUuidOf, goOn, keepsDevice, recover } from "../recovery.ts";
import { type Figures, type KernelLab, minutes, type Scenario } from "../scenario.ts";
import { assertSame, endSteady, startWriting, type Writing } from "../steady.ts";
import { LabVolume, refusalOf, type VolumePlan } from "../volume.ts";
import { lasting, timed, until } from "../waiting.ts";
import type { LabWriter } from "../writer.ts";

const MARGIN_MS = 5_000;
const DELAY_MS = 5_000;
/** Where volumes with `nvmePort` of the shared-port scenarios listen together. */
const SHARED_PORT = "44198";

const STEADY = "no error, same device, controllers and mount, nothing lost";

const PROCESS_KILLED: Scenario = {
  plan: {
    id: "box-process-killed",
    rows: [],
    title: "RESIL-02: the box's management process killed and started again under writers",
    expected: `longest fsync < 13 s, ${STEADY}; the controller works on after it`,
    deadlineMs: minutes(5),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [
      { name: "process-ext4", access: "ext4" },
      { name: "process-xfs", access: "xfs" },
    ], signal);
    await lab.box.stopSimulator("SIGKILL");
    await lasting(3_000, signal);
    await lab.box.startSimulator();
    return await endSteady(writing, { longestFsyncMs: 13_000, backWithinMs: 15_000 }, signal);
  },
};

const TARGET_RESTARTED: Scenario = {
  plan: {
    id: "F4",
    rows: ["F4"],
    title: "Target gone for 20 s, same identities, under writers",
    expected: `longest fsync ≤ 20 s + delay + 5 s, ${STEADY}`,
    deadlineMs: minutes(5),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [
      { name: "f4-ext4", access: "ext4" },
      { name: "f4-xfs", access: "xfs" },
    ], signal);
    await restartTarget(lab.box, 20);
    const bounds = { longestFsyncMs: 20_000 + DELAY_MS + MARGIN_MS, backWithinMs: 40_000 };
    return await endSteady(writing, bounds, signal);
  },
};

const BOX_REBOOTED: Scenario = {
  plan: {
    id: "F5",
    rows: ["F5"],
    title: "RESIL-02: a box that keeps what it has acknowledged loses its power, boots again",
    expected: `longest fsync ≤ the outage + delay + 5 s, ${STEADY}; an idle volume is usable`,
    deadlineMs: minutes(9),
  },
  run: async (lab, signal) => {
    await lab.box.machine.run("mount -o remount,sync /data");
    const writing = await startWriting(lab, UNDER_POWER_CUT.map(named("f5")), signal);
    const idle = await LabVolume.inUse(lab, { name: "f5-idle", access: "ext4" });
    const { outageMs } = await cutPower(lab);
    const bounds = { longestFsyncMs: outageMs + DELAY_MS + MARGIN_MS, backWithinMs: 40_000 };
    for (const writer of writing.writers) {
      await writer.waitForRecords(1, bounds.backWithinMs, signal);
    }
    await idle.waitForCondition("well", 30_000, signal);
    await lab.node.machine.run(`echo text >${idle.dataPath} && sync ${idle.dataPath}`);
    const figures = await endSteady(writing, bounds, signal);
    await idle.remove();
    return { ...figures, outageMs };
  },
};

const VOLATILE_BOX: Scenario = {
  plan: {
    id: "F5-volatile",
    rows: ["F5"],
    title: "A box whose memory holds acknowledged writes loses its power and boots again",
    expected:
      "no error, same device, controllers and mount; every record that was confirmed before the " +
      "power went is there. One whose fsync was under way may be lost although the fsync then " +
      "succeeds: the box forgot the write, and the kernel repeats no flush",
    deadlineMs: minutes(9),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, UNDER_POWER_CUT.map(named("f5v")), signal);
    const { cutAtMs } = await cutPower(lab);
    let underWay = 0;
    for (const [index, writer] of writing.writers.entries()) {
      await writer.waitForRecords(5, 60_000, signal);
      const { failed } = await writer.stop(signal);
      assert.deepEqual(failed, []);
      const [was, volume] = [writing.before[index], writing.volumes[index]];
      assert.ok(was !== undefined && volume !== undefined);
      assertSame(was, await volume.look());
      underWay += (await writer.checkRecords(lab.node, cutAtMs)).lostUnderWay;
    }
    for (const volume of writing.volumes) await volume.remove();
    return { lostUnderWay: underWay };
  },
};

const UNDER_POWER_CUT = ["ext4", "xfs", "block"] as const;

function named(prefix: string): (access: VolumePlan["access"]) => VolumePlan {
  return (access) => ({ name: `${prefix}-${access}`, access });
}

/** Takes the box's power and boots it again; when that was, by this host's clock. */
async function cutPower(lab: KernelLab): Promise<{ cutAtMs: number; outageMs: number }> {
  const cutAtMs = Date.now();
  const [, outageMs] = await timed(async () => {
    await lab.box.machine.powerOff();
    await lab.box.boot();
  });
  return { cutAtMs, outageMs };
}

const OTHER_CONTROLLER: Scenario = {
  plan: {
    id: "F6",
    rows: ["F6"],
    title: "Box comes back with another serial and other controller ids",
    expected: `accepted: ${STEADY}`,
    deadlineMs: minutes(5),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [{ name: "f6-ext4", access: "ext4" }], signal);
    const [volume] = writing.volumes;
    assert.ok(volume !== undefined);
    const slot = await slotOfVolume(volume);
    await addFault(lab.box, { kind: "new-controller", slot, leastId: 500, times: 1 });
    await restartTarget(lab.box, 5);
    const bounds = { longestFsyncMs: 25_000, backWithinMs: 30_000 };
    await writing.writers[0]?.waitForRecords(3, bounds.backWithinMs, signal);
    const [controller] = (await volume.look()).controllers;
    const id = await lab.node.machine.run(`cat /sys/class/nvme/${controller?.name}/cntlid`);
    assert.ok(Number(id) >= 500, `the controller id is ${id}`);
    return await endSteady(writing, bounds, signal);
  },
};

const IDENTITY_DEAD =
  "the writer sees an error; the volume is abnormal with the reason, an event says it; after a " +
  "new stage every confirmed record is there on the same file system; nothing is formatted";

const IDENTITY_CHANGED: Scenario = {
  plan: {
    id: "F7",
    rows: ["F7"],
    title: "RESIL-02: box comes back with another namespace identity",
    expected: {
      "6.1": IDENTITY_DEAD,
      "6.12": IDENTITY_DEAD,
      "7.2":
        `the kernel keeps the old device and lets I/O wait for two minutes; then the same: ${IDENTITY_DEAD}`,
    },
    deadlineMs: minutes(8),
  },
  run: async (lab, signal) => {
    const { writer, fileSystemUuid } = await oneWriter(lab, "f7-ext4", signal);
    const slot = await slotOfVolume(writer.volume);
    await addFault(lab.box, { kind: "new-identity", slot, times: 1 });
    await restartTarget(lab.box, 5);
    const condition = /identity|no device/;
    await writer.volume.waitForCondition(condition, 60_000, signal);
    const withinMs = keepsDevice(lab) ? 180_000 : 60_000;
    return await recover({ writer, fileSystemUuid, condition, withinMs }, signal);
  },
};

const LATE_DEAD = "error, abnormal, recovery by a new stage, nothing lost, nothing formatted";

const LATE_NAMESPACE: Scenario = {
  plan: {
    id: "F9",
    rows: ["F9"],
    title: "Box answers 20 s before the namespace is enabled",
    expected: {
      "6.1": LATE_DEAD,
      "6.12": LATE_DEAD,
      "7.2": "the kernel keeps the device: no error, same device and mount, nothing lost",
    },
    deadlineMs: minutes(6),
  },
  run: async (lab, signal) => {
    const { writing, writer, fileSystemUuid } = await oneWriter(lab, "f9-ext4", signal);
    const slot = await slotOfVolume(writer.volume);
    await addFault(lab.box, { kind: "late-namespace", slot, seconds: 20, times: 1 });
    await restartTarget(lab.box, 5);
    if (keepsDevice(lab)) return await goOn(writing, 120_000, signal);
    const condition = /must be staged again|no device/;
    return await recover({ writer, fileSystemUuid, condition, withinMs: 60_000 }, signal);
  },
};

const SHARED_PORT_LATE: Scenario = {
  plan: {
    id: "F8",
    rows: ["F8", "F27"],
    title: "Shared port that opens 15 s before a volume is exported",
    expected: {
      "6.1": `the kernel keeps trying: ${STEADY}`,
      "6.12":
        "the kernel gives up at once: error, abnormal; the guardian connects again; the stage of " +
        "a new pod clears the dead mount and finds every confirmed record",
      "7.2":
        "the kernel gives up, the head stays; the guardian connects again: no error, same device " +
        "and mount, nothing lost",
    },
    deadlineMs: minutes(7),
  },
  run: async (lab, signal) => {
    const parameters = { nvmePort: SHARED_PORT };
    const other = await LabVolume.inUse(lab, { name: "f8-first", access: "block", parameters });
    const writing = await startWriting(lab, [
      { name: "f8-late", access: "ext4", parameters },
    ], signal);
    const [[volume], [writer]] = [writing.volumes, writing.writers];
    assert.ok(volume !== undefined && writer !== undefined);
    const fileSystemUuid = await fileSystemUuidOf(volume, lab.node);
    const slot = await slotOfVolume(volume);
    await addFault(lab.box, { kind: "late-export", slot, seconds: 15, times: 1 });
    await restartTarget(lab.box, 5);
    const figures = await afterLateExport(lab, writing, writer, fileSystemUuid, signal);
    await other.remove();
    return figures;
  },
};

async function afterLateExport(
  lab: KernelLab,
  writing: Writing,
  writer: LabWriter,
  fileSystemUuid: string,
  signal: AbortSignal,
): Promise<Figures> {
  if (lab.series !== "6.12") return await goOn(writing, 90_000, signal);
  for (const isLive of [false, true]) {
    await until({
      what: isLive ? "the guardian connect again" : "the kernel lose the connection",
      withinMs: 90_000,
      signal,
      look: async () => {
        const { controllers } = await writer.volume.look();
        return controllers.some(({ state }) => state === "live") === isLive || undefined;
      },
    });
  }
  const condition = /must be staged again/;
  return await recover({ writer, fileSystemUuid, condition, withinMs: 60_000 }, signal);
}

const OWN_PORT_LATE: Scenario = {
  plan: {
    id: "own-port-late",
    rows: ["F8"],
    title: "The same with one port for each volume",
    expected: `on every kernel: ${STEADY}`,
    deadlineMs: minutes(6),
  },
  run: async (lab, signal) => {
    const other = await LabVolume.inUse(lab, { name: "own-port-first", access: "block" });
    const writing = await startWriting(lab, [{ name: "own-port-late", access: "ext4" }], signal);
    const [volume] = writing.volumes;
    assert.ok(volume !== undefined);
    const slot = await slotOfVolume(volume);
    await addFault(lab.box, { kind: "late-export", slot, seconds: 15, times: 1 });
    await restartTarget(lab.box, 5);
    const bounds = { longestFsyncMs: 20_000 + DELAY_MS + MARGIN_MS, backWithinMs: 60_000 };
    const figures = await endSteady(writing, bounds, signal);
    await other.remove();
    return figures;
  },
};

const UNEXPORTED: Scenario = {
  plan: {
    id: "F10",
    rows: ["F10"],
    title: "A person switches the export of a mounted volume off for 40 s",
    expected: `with a port for each volume: abnormal meanwhile, then ${STEADY}`,
    deadlineMs: minutes(6),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [{ name: "f10-ext4", access: "ext4" }], signal);
    const [volume] = writing.volumes;
    assert.ok(volume !== undefined);
    const slot = await slotOfVolume(volume);
    await lab.box.console(`/disk set ${slot} nvme-tcp-export=no`);
    await volume.waitForCondition(/connection to the array is lost/, 30_000, signal);
    await lasting(30_000, signal);
    await lab.box.console(`/disk set ${slot} nvme-tcp-export=yes`);
    const bounds = { longestFsyncMs: 60_000, backWithinMs: 20_000 };
    await volume.waitForCondition("well", 20_000, signal);
    return await endSteady(writing, bounds, signal);
  },
};

const POOL_FULL: Scenario = {
  plan: {
    id: "F19",
    rows: ["F19"],
    title: "The box's pool is full under a writer",
    expected:
      "ext4 and xfs: fsync fails with EIO or ENOSPC, never silently; after space is made and a new " +
      "stage every confirmed record is there",
    deadlineMs: minutes(10),
  },
  run: async (lab, signal) => {
    const { writers } = await startWriting(lab, [
      { name: "f19-ext4", access: "ext4" },
      { name: "f19-xfs", access: "xfs" },
    ], signal);
    const path = await lab.box.machine.run("findmnt -n -o TARGET /dev/vda | head -1");
    const free = await fillPool(lab.box, path.trim());
    const seen = Promise.all(writers.map((writer) => writer.waitForError(180_000, signal)));
    const errnos = await seen.finally(free);
    for (const errno of errnos) assert.ok(["EIO", "ENOSPC", "EROFS"].includes(errno), errno);
    let records = 0;
    for (const writer of writers) {
      const { volume } = writer;
      await writer.stop(signal);
      await volume.unbind(lab.node);
      await volume.unstage(lab.node);
      await volume.stage(lab.node);
      await volume.bind(lab.node);
      records += (await writer.checkRecords()).records;
      await volume.remove();
    }
    return { errno: errnos.join(" and "), records };
  },
};

const MEDIA_ERROR: Scenario = {
  plan: {
    id: "F20",
    rows: ["F20"],
    title: "The sectors of the super block of a new volume cannot be read",
    expected: "the stage fails and names a read error; nothing is written to the device: no mkfs",
    deadlineMs: minutes(4),
  },
  run: async (lab) => {
    const volume = await LabVolume.create(lab, { name: "f20-ext4", access: "ext4" });
    await volume.publish(lab.node);
    const bad = await exportBadDevice(lab.box, volume, "+2-3");
    const { message } = await refusalOf(volume.stageOnce(lab.node));
    assert.match(message, /read|EIO|I\/O/i);
    assert.equal(await bad.writtenSectors(), 0, "something was written");
    await volume.unstage(lab.node);
    await volume.unpublish(lab.node);
    await volume.delete();
    await removeBadDevice(lab.box);
    return {};
  },
};

const SAME_IDENTITY: Scenario = {
  plan: {
    id: "F29",
    rows: ["F29"],
    title: "A clone has the namespace identity of its source and comes to the source's node",
    expected: "the stage fails within 60 s and says why; the source's writer sees nothing",
    deadlineMs: minutes(6),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [{ name: "f29-source", access: "ext4" }], signal);
    const [source] = writing.volumes;
    assert.ok(source !== undefined);
    const clone = await LabVolume.create(lab, {
      name: "f29-clone",
      access: "ext4",
      source: { type: { case: "volume", value: { volumeId: source.id } } },
    });
    await clone.publish(lab.node);
    const [slot, as] = [await slotOfVolume(clone), await slotOfVolume(source)];
    await addFault(lab.box, { kind: "same-identity", slot, as, times: 1 });
    await lab.box.console(`/disk set ${slot} nvme-tcp-export=no`);
    await lab.box.console(`/disk set ${slot} nvme-tcp-export=yes`);
    const [{ message }, refusedMs] = await timed(() => refusalOf(clone.stageOnce(lab.node)));
    assert.match(message, /identity|duplicate|no device/i);
    assert.ok(refusedMs < 60_000, `refused after ${refusedMs} ms`);
    await clone.unstage(lab.node);
    await clone.unpublish(lab.node);
    await clone.delete();
    const bounds = { longestFsyncMs: 13_000, backWithinMs: 15_000 };
    return { ...await endSteady(writing, bounds, signal), refusedMs };
  },
};

/** One ext4 volume under a writer, and the UUID of its file system. */
async function oneWriter(
  lab: KernelLab,
  name: string,
  signal: AbortSignal,
): Promise<{ writing: Writing; writer: LabWriter; fileSystemUuid: string }> {
  const writing = await startWriting(lab, [{ name, access: "ext4" }], signal);
  const [writer] = writing.writers;
  assert.ok(writer !== undefined);
  const fileSystemUuid = await fileSystemUuidOf(writer.volume, lab.node);
  return { writing, writer, fileSystemUuid };
}

/** Restarts, reboots, identities, full and broken disks. */
export const BOX_SCENARIOS: readonly Scenario[] = [
  PROCESS_KILLED,
  TARGET_RESTARTED,
  BOX_REBOOTED,
  VOLATILE_BOX,
  OTHER_CONTROLLER,
  IDENTITY_CHANGED,
  LATE_NAMESPACE,
  SHARED_PORT_LATE,
  OWN_PORT_LATE,
  UNEXPORTED,
  POOL_FULL,
  MEDIA_ERROR,
  SAME_IDENTITY,
];
