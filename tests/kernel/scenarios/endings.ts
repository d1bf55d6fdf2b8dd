/** Connections that end for good: by the kernel, by a person, by another program. */
import assert from "node:assert/strict";
import { slotOfVolume } from "../box_kernel.ts";
import {
  detachByForce,
  fileSystemUuidOf,
  goOn,
  keepsDevice,
  LOST,
  recover,
  waitForEvent,
} from "../recovery.ts";
import { minutes, type Scenario } from "../scenario.ts";
import { startWriting } from "../steady.ts";
import { assertKept, dirty } from "../unwritten.ts";
import { LabVolume, refusalOf } from "../volume.ts";
import { lasting, until } from "../waiting.ts";

/** Detection is quick with these. */
const QUICK = { keepAliveTmo: "5", reconnectDelay: "2" };
/** Several rounds of the guardian. */
const LONGER_THAN_A_RECONNECT_MS = 20_000;
const UNAVAILABLE = 14;

const GIVEN_UP: Scenario = {
  plan: {
    id: "given-up",
    rows: [],
    title: "Link cut; a person gives the volume up: rds-csi node detach --force-lose-unwritten",
    expected:
      "the writer sees an error; the volume is abnormal and says why; it is not connected again " +
      "after the link, until a new stage, which finds every confirmed record",
    deadlineMs: minutes(8),
  },
  run: async (lab, signal) => {
    const [writer] = (await startWriting(lab, [{ name: "given-up", access: "ext4" }], signal))
      .writers;
    assert.ok(writer !== undefined);
    const { volume } = writer;
    const fileSystemUuid = await fileSystemUuidOf(volume, lab.node);
    await lab.box.machine.setLink(false);
    await volume.waitForCondition(LOST, 40_000, signal);
    await waitForEvent(volume, LOST, signal, lab.node);
    await detachByForce(volume, lab.node);
    const withinMs = keepsDevice(lab) ? 180_000 : 60_000;
    await writer.waitForError(withinMs, signal);
    await lab.box.machine.setLink(true);
    await lasting(LONGER_THAN_A_RECONNECT_MS, signal);
    assert.deepEqual((await volume.look()).controllers, []);
    const condition = /detached by force/;
    return await recover({ writer, fileSystemUuid, condition, event: LOST, withinMs }, signal);
  },
};

const EXPIRED =
  "the writer sees an error, the volume is abnormal and says that it has to be staged again; after " +
  "the link and a new stage every confirmed record is there";

const LOSS_EXPIRES: Scenario = {
  plan: {
    id: "loss-expires",
    rows: ["F3"],
    title: "ctrlLossTmo 10 instead of never: link cut until the kernel gave up",
    expected: {
      "6.1": EXPIRED,
      "6.12": EXPIRED,
      "7.2": "the head stays and the guardian connects again: no error, nothing lost",
    },
    deadlineMs: minutes(8),
  },
  run: async (lab, signal) => {
    const parameters = { ...QUICK, ctrlLossTmo: "10" };
    const writing = await startWriting(
      lab,
      [{ name: "loss-ext4", access: "ext4", parameters }],
      signal,
    );
    const [writer] = writing.writers;
    assert.ok(writer !== undefined);
    const { volume } = writer;
    const fileSystemUuid = await fileSystemUuidOf(volume, lab.node);
    await lab.box.machine.setLink(false);
    await until({
      what: "the kernel give up",
      withinMs: 90_000,
      signal,
      look: async () => (await volume.look()).controllers.length === 0 || undefined,
    });
    await lab.box.machine.setLink(true);
    if (keepsDevice(lab)) return await goOn(writing, 90_000, signal);
    const condition = /must be staged again/;
    return await recover({ writer, fileSystemUuid, condition, withinMs: 60_000 }, signal);
  },
};

const NOTHING_TO_KEEP = "this kernel keeps no device without a connection";

const KEPT: Scenario = {
  plan: {
    id: "kept-unstage",
    rows: [],
    title:
      "A volume is not exported, and somebody disconnects it; its pod ends with data in memory",
    expected:
      "NodeUnstage waits for the box and says so; once the volume is exported again it finishes, " +
      "and all data are on the disk",
    notOn: { "6.1": NOTHING_TO_KEEP, "6.12": NOTHING_TO_KEEP },
    deadlineMs: minutes(6),
  },
  run: async (lab, signal) => {
    const volume = await LabVolume.inUse(lab, { name: "kept-ext4", access: "ext4" });
    const slot = await slotOfVolume(volume);
    const sum = await dirty(volume);
    await lab.box.console(`/disk set ${slot} nvme-tcp-export=no`);
    await volume.waitForCondition(LOST, 30_000, signal);
    await lab.node.machine.run(`nvme disconnect --nqn=${volume.nqn}`);
    await volume.unbind(lab.node);
    const { code, message } = await refusalOf(volume.unstageOnce(lab.node, 30_000));
    assert.equal(code, UNAVAILABLE, message);
    assert.match(message, /what is not written yet is lost when the kernel lets go/);
    await lab.box.console(`/disk set ${slot} nvme-tcp-export=yes`);
    await volume.unstage(lab.node);
    await assertKept(volume, sum);
    return {};
  },
};

/** Ends of connections. */
export const ENDING_SCENARIOS: readonly Scenario[] = [LOSS_EXPIRES, GIVEN_UP, KEPT];
