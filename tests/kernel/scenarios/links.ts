/** The link between node and box: cut, bad, or open to somebody who says nothing. */
import assert from "node:assert/strict";
import { openSilentPort, reconnectsOf, spoilLink } from "../box_kernel.ts";
import { LOST, waitForEvent } from "../recovery.ts";
import { type KernelLab, minutes, type Scenario } from "../scenario.ts";
import { endSteady, startWriting } from "../steady.ts";
import { assertKept, dirty } from "../unwritten.ts";
import { GIB, LabVolume, refusalOf, retried, type VolumePlan } from "../volume.ts";
import { lasting, timed, until } from "../waiting.ts";

/** What a driver answers when the array is away: ABORTED, UNAVAILABLE, DEADLINE_EXCEEDED. */
const LATER: ReadonlySet<number> = new Set([4, 10, 14]);
/** Detection is quick with these, and so is the way back. */
const QUICK = { keepAliveTmo: "5", reconnectDelay: "2" };
const DEFAULT_DELAY_MS = 5_000;
const MARGIN_MS = 5_000;

const CUT_5: Scenario = {
  plan: {
    id: "F1",
    rows: ["F1"],
    title: "Link cut for 5 s under writers",
    expected: "longest fsync < 13 s, no error, same device, controllers and mount, nothing lost",
    deadlineMs: minutes(5),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [
      { name: "f1-ext4", access: "ext4" },
      { name: "f1-xfs-quick", access: "xfs", parameters: QUICK },
    ], signal);
    // TCP asks again after twice the time it waited before, so a longer cut counts twice.
    const longestFsyncMs = 13_000 + 2 * (await cutFor(lab, 5_000, signal) - 5_000);
    return await endSteady(writing, { longestFsyncMs, backWithinMs: 15_000 }, signal);
  },
};

const CUT_60: Scenario = {
  plan: {
    id: "F2",
    rows: ["F2", "F17"],
    title: "Link cut for 60 s under writers, one volume idle; the node reaches everything else",
    expected:
      "longest fsync ≤ 60 s + delay + 5 s, no error, same device, controllers and mount, nothing " +
      "lost; meanwhile the volumes are abnormal, an event says so after 30 s, and statistics " +
      "answer within 10 s; after the link they are well, the idle one at once usable",
    deadlineMs: minutes(7),
  },
  run: async (lab, signal) => {
    const plans: VolumePlan[] = [
      { name: "f2-ext4", access: "ext4" },
      { name: "f2-xfs", access: "xfs" },
      { name: "f2-block", access: "block" },
    ];
    const writing = await startWriting(lab, plans, signal);
    const idle = await LabVolume.inUse(lab, { name: "f2-idle", access: "ext4" });
    const cutAt = performance.now();
    await lab.box.machine.setLink(false);
    for (const volume of [...writing.volumes, idle]) {
      await volume.waitForCondition(LOST, 40_000, signal);
    }
    const conditionMs = Math.round(performance.now() - cutAt);
    await lasting(60_000 - conditionMs, signal);
    await waitForEvent(idle, LOST, signal, lab.node);
    await lab.box.machine.setLink(true);
    const longestFsyncMs = performance.now() - cutAt + DEFAULT_DELAY_MS + MARGIN_MS;
    const bounds = { longestFsyncMs, backWithinMs: 20_000 };
    await idle.waitForCondition("well", 20_000, signal);
    await lab.node.machine.run(`echo text >${idle.dataPath} && sync ${idle.dataPath}`);
    const figures = await endSteady(writing, bounds, signal);
    await idle.remove();
    return { ...figures, conditionMs };
  },
};

const CUT_600: Scenario = {
  plan: {
    id: "F3",
    rows: ["F3"],
    title: "Link cut for 10 min under writers; a pod is deleted at minute 2",
    expected:
      "as F2; the volume of the deleted pod is not given up meanwhile: NodeUnstage answers in its " +
      "deadline that it waits, and finishes after the link, with all records",
    deadlineMs: minutes(18),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [
      { name: "f3-ext4", access: "ext4" },
      { name: "f3-xfs", access: "xfs" },
    ], signal);
    const leaving = await LabVolume.inUse(lab, { name: "f3-leaving", access: "ext4" });
    const sum = await dirty(leaving);
    const cutAt = performance.now();
    await lab.box.machine.setLink(false);
    await lasting(120_000, signal);
    await leaving.unbind(lab.node);
    await assertUnstagePending(leaving);
    await lasting(600_000 - (performance.now() - cutAt), signal);
    await lab.box.machine.setLink(true);
    const longestFsyncMs = performance.now() - cutAt + DEFAULT_DELAY_MS + MARGIN_MS;
    await leaving.unstage(lab.node);
    const figures = await endSteady(writing, { longestFsyncMs, backWithinMs: 20_000 }, signal);
    await assertKept(leaving, sum);
    return figures;
  },
};

const CALLS_DURING_CUT: Scenario = {
  plan: {
    id: "F25",
    rows: ["F25", "F32"],
    title: "Link cut; a volume with data in memory is unstaged, another one expanded",
    expected: "three NodeUnstage calls answer in their deadline that it waits, none disconnects; " +
      "NodeExpand answers UNAVAILABLE; after the link both finish, and all data are on the disk",
    deadlineMs: minutes(8),
  },
  run: async (lab, signal) => {
    const leaving = await LabVolume.inUse(lab, plan("f25-leaving", "xfs"));
    const growing = await LabVolume.inUse(lab, plan("f32-growing", "ext4"));
    const sum = await dirty(leaving);
    await lab.box.machine.setLink(false);
    for (const volume of [leaving, growing]) await waitUntilLost(volume, signal);
    await leaving.unbind(lab.node);
    const [, pendingMs] = await timed(() => assertUnstagePending(leaving));
    await growing.expandOnBox(2n * GIB);
    const refusal = await refusalOf(growing.expandOnNodeOnce(lab.node));
    assert.ok(LATER.has(refusal.code), refusal.message);
    await lab.box.machine.setLink(true);
    await leaving.unstage(lab.node);
    await growing.waitForCondition("well", 30_000, signal);
    await retried("NodeExpandVolume", () => growing.expandOnNodeOnce(lab.node));
    const size = await lab.node.machine.run(`stat -f -c %b ${growing.targetPath}`);
    assert.ok(Number(size) * 4096 > 1.7 * Number(GIB), `${size} blocks`);
    await assertKept(leaving, sum);
    await growing.remove();
    return { threeRefusalsMs: pendingMs };
  },
};

const STALL: Scenario = {
  plan: {
    id: "F34",
    rows: ["F34"],
    title: "Box stands still for 8 s",
    expected: "with the default keep-alive of 10 s no reconnect, no error; longest fsync < 13 s",
    deadlineMs: minutes(4),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [plan("f34-ext4", "ext4")], signal);
    const before = await reconnectsOf(lab.node);
    await lab.box.machine.pause();
    await lasting(8_000, signal);
    await lab.box.machine.resume();
    const bounds = { longestFsyncMs: 13_000, backWithinMs: 15_000 };
    const figures = await endSteady(writing, bounds, signal);
    const reconnects = await reconnectsOf(lab.node) - before;
    assert.equal(reconnects, 0);
    return { ...figures, reconnects };
  },
};

const BAD_LINK: Scenario = {
  plan: {
    id: "F35",
    rows: ["F35"],
    title: "One packet in 20 lost and 200 ms delay, for 10 min",
    expected: "no error, nothing lost; reconnects are counted",
    deadlineMs: minutes(16),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [plan("f35-ext4", "ext4")], signal);
    const before = await reconnectsOf(lab.node);
    const repair = await spoilLink(lab.node, "loss 5% delay 200ms");
    await lasting(minutes(10), signal);
    await repair();
    const bounds = { longestFsyncMs: 60_000, backWithinMs: 60_000 };
    const figures = await endSteady(writing, bounds, signal);
    return { ...figures, reconnects: await reconnectsOf(lab.node) - before };
  },
};

const SILENT_PORT: Scenario = {
  plan: {
    id: "F30",
    rows: ["F30"],
    title: "One box takes connections and never answers; five volumes of another are staged",
    expected: "all five are staged within 60 s; the stage of the silent one is refused, retryable",
    deadlineMs: minutes(6),
  },
  run: async (lab) => {
    const port = 44_199;
    const close = await openSilentPort(lab.box, port);
    const silent = await LabVolume.create(lab, plan("f30-silent", "block"));
    await silent.publish(lab.node);
    const volumes: LabVolume[] = [];
    for (let number = 0; number < 5; number++) {
      const volume = await LabVolume.create(lab, plan(`f30-${number}`, "block"));
      await volume.publish(lab.node);
      volumes.push(volume);
    }
    const [{ code, message }, [, fiveStagesMs]] = await Promise.all([
      refusalOf(silent.stageOnce(lab.node, { port: String(port) })),
      timed(() => Promise.all(volumes.map((volume) => volume.stage(lab.node)))),
    ]);
    assert.ok(LATER.has(code), message);
    assert.ok(fiveStagesMs < 60_000, `five stages took ${fiveStagesMs} ms`);
    await close();
    for (const volume of [silent, ...volumes]) {
      await volume.unstage(lab.node);
      await volume.unpublish(lab.node);
      await volume.delete();
    }
    return { fiveStagesMs };
  },
};

const MANY: Scenario = {
  plan: {
    id: "F36",
    rows: ["F36"],
    title: "50 volumes lose their box for 40 s",
    expected: "all are live again within 15 s after the link",
    deadlineMs: minutes(20),
  },
  run: async (lab, signal) => {
    const volumes: LabVolume[] = [];
    for (let number = 0; number < 50; number++) {
      const volume = await LabVolume.create(lab, plan(`f36-${number}`, "block"));
      await volume.publish(lab.node);
      await volume.stage(lab.node);
      volumes.push(volume);
    }
    await cutFor(lab, 40_000, signal);
    const [, allLiveMs] = await timed(() =>
      until({
        what: "50 live connections",
        withinMs: 15_000,
        signal,
        look: async () => {
          const states = await lab.node.machine.run("cat /sys/class/nvme/nvme*/state");
          const live = states.split("\n").filter((state) => state === "live").length;
          return live >= volumes.length || undefined;
        },
      })
    );
    for (const volume of volumes) {
      await volume.unstage(lab.node);
      await volume.unpublish(lab.node);
      await volume.delete();
    }
    return { allLiveMs };
  },
};

const MOVED_ADDRESS: Scenario = {
  plan: {
    id: "F31",
    rows: ["F31"],
    title: "The box has another address in a repeated stage",
    expected:
      "refused while the volume is mounted through the old one, saying so, and the mount goes on; " +
      "after unstage the new address is used",
    deadlineMs: minutes(5),
  },
  run: async (lab, signal) => {
    const writing = await startWriting(lab, [plan("f31-ext4", "ext4")], signal);
    const [volume] = writing.volumes;
    assert.ok(volume !== undefined);
    const moved = { address: "10.77.0.101" };
    await lab.box.machine.run(`ip addr add ${moved.address}/24 dev eth0`);
    await lab.box.machine.run(await portAt(moved.address, volume));
    const { message } = await refusalOf(volume.stageOnce(lab.node, moved));
    assert.match(message, /10\.77\.0\.1\b/);
    const [writer] = writing.writers;
    await writer?.stopAndCheck(signal);
    await volume.unbind(lab.node);
    await volume.unstage(lab.node);
    await volume.stageOnce(lab.node, moved);
    const [controller] = (await volume.look()).controllers;
    const at = await lab.node.machine.run(`cat /sys/class/nvme/${controller?.name}/address`);
    assert.match(at, /traddr=10\.77\.0\.101,/);
    await volume.bind(lab.node);
    await writer?.checkRecords();
    await volume.unbind(lab.node);
    await volume.unstage(lab.node);
    const port = "/sys/kernel/config/nvmet/ports/9";
    await lab.box.machine.run(`rm ${port}/subsystems/*; rmdir ${port}`);
    await lab.box.machine.run(`ip addr del ${moved.address}/24 dev eth0`);
    await volume.unpublish(lab.node);
    await volume.delete();
    return {};
  },
};

/** Shell that exports a volume at another address of the box, too. */
async function portAt(address: string, volume: LabVolume): Promise<string> {
  const { port } = volume.publishedOn(await volume.lab.node.nodeId());
  return `cd /sys/kernel/config/nvmet/ports && mkdir 9 && cd 9 && echo tcp >addr_trtype &&
    echo ipv4 >addr_adrfam && echo ${address} >addr_traddr && echo ${port} >addr_trsvcid &&
    ln -s ../../subsystems/${volume.nqn} subsystems/`;
}

function plan(name: string, access: VolumePlan["access"]): VolumePlan {
  return { name, access };
}

/** @returns how long the link was cut at most, in milliseconds */
async function cutFor(lab: KernelLab, durationMs: number, signal: AbortSignal): Promise<number> {
  const [, cutMs] = await timed(async () => {
    await lab.box.machine.setLink(false);
    await lasting(durationMs, signal);
    await lab.box.machine.setLink(true);
  });
  return cutMs;
}

async function waitUntilLost(volume: LabVolume, signal: AbortSignal): Promise<void> {
  await until({
    what: `${volume.plan.name} lose its connection`,
    withinMs: 40_000,
    signal,
    look: async () => {
      const { controllers } = await volume.look();
      return controllers.every(({ state }) => state !== "live") || undefined;
    },
  });
}

/** Three calls that may not wait for the link; the connection stays through all of them. */
async function assertUnstagePending(volume: LabVolume): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const { code, message } = await refusalOf(volume.unstageOnce(volume.lab.node, 60_000));
    assert.ok(LATER.has(code) || code === 9, message);
    assert.equal((await volume.look()).controllers.length, 1, "it was disconnected");
  }
}

/** Cuts, bad links and silence. */
export const LINK_SCENARIOS: readonly Scenario[] = [
  CUT_5,
  CUT_60,
  CUT_600,
  CALLS_DURING_CUT,
  STALL,
  BAD_LINK,
  SILENT_PORT,
  MANY,
  MOVED_ADDRESS,
];
