/** Lists: whole, exact and cheap, also while the box changes under them. */
import assert from "node:assert/strict";
import { formatVolumeRecord } from "../../../src/adapters/routeros-ssh/record.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import { slotAliasOf } from "../../../src/domain/slot.ts";
import { volumeIdForName } from "../../../src/domain/volume_id.ts";
import { aNewVolume } from "../../builders/stores.ts";
import { type } from "./console_client.ts";
import { soon, startRig } from "./rig.ts";
import type { Rig } from "./rig.ts";

/** Adds the items `first` to `count` as an earlier run of ours would have left them. */
async function addItems({ simulator }: Rig, count: number, first = 0): Promise<void> {
  for (let from = first; from < count; from += 100) {
    const lines = Array.from({ length: Math.min(100, count - from) }, (_, at) => {
      const wanted = aNewVolume(`bulk-${from + at}`);
      const record = {
        ...wanted,
        revision: 0,
        publications: [],
        unknown: [],
        state: "ready",
      } as const;
      return `/disk/add type=file slot=${slotAliasOf(wanted.id)}` +
        ` file-path=storage-pool/k8s/csi/${wanted.id}.img file-size=1048576` +
        ` mount-filesystem=no nvme-tcp-export=yes nvme-tcp-server-port=${30_000 + from + at}` +
        ` nvme-tcp-server-nqn="nqn.2000-02.com.mikrotik:${wanted.id}"` +
        ` comment="${formatVolumeRecord("c1", record)}"`;
    });
    assert.equal(await type(simulator, lines.join("; ")), "");
  }
}

Deno.test("list() reads 500 volumes per command", async () => {
  await using rig = await startRig();
  for (const [count, execs] of [[1, 1], [500, 1], [501, 2], [1203, 3]] as const) {
    await addItems(rig, count, (await rig.array.volumes.list(soon())).length);
    const before = rig.sent.length;
    const listed = await rig.array.volumes.list(soon());
    assert.equal(new Set(listed.map(({ id }) => id)).size, count);
    assert.equal(rig.sent.length - before, execs);
  }
});

Deno.test("list() misses nothing that stays when items vanish between two pieces", async () => {
  await using rig = await startRig();
  await addItems(rig, 1100);
  const gone = [3, 250, 499, 700].map((at) => volumeIdForName(`bulk-${at}`));
  let commands = 0;
  await using array = rig.open({
    onExec: ({ lane }) => {
      if (lane !== "read" || ++commands !== 2) return;
      const slots = gone.map((id) => `/disk/remove ${slotAliasOf(id)}`);
      void type(rig.simulator, slots.join("; "));
    },
  });
  const listed = new Set((await array.volumes.list(soon())).map(({ id }) => id));
  const staying = Array.from({ length: 1100 }, (_, at) => volumeIdForName(`bulk-${at}`))
    .filter((id) => !gone.includes(id));
  assert.deepEqual(staying.filter((id) => !listed.has(id)), []);
});

Deno.test("list() misses nothing when the box reboots between two pieces and counts ids anew", async () => {
  await using rig = await startRig({ box: { idsChangeOnReboot: true } });
  await addItems(rig, 1100);
  let commands = 0;
  await using array = rig.open({
    onExec: ({ lane }) => {
      if (lane === "read" && ++commands === 2) rig.simulator.box.reboot();
    },
  });
  const listed = await array.volumes.list(soon());
  assert.equal(new Set(listed.map(({ id }) => id)).size, 1100);
  assert.ok(commands > 3, "the list was not begun anew");
});

Deno.test("list() fails rather than leave out a volume whose record is damaged", async () => {
  await using rig = await startRig();
  const volume = await rig.array.volumes.create(aNewVolume("v"), soon());
  const slot = slotAliasOf(volume.id);
  await type(rig.simulator, `/disk/set ${slot} comment="r1;k=v;i=c1;n=short;st=r"`);
  await assert.rejects(
    rig.array.volumes.list(soon()),
    (error) => error instanceof StorageError && error.code === "not-ready",
  );
});

Deno.test("find(), list() and capacity() fail with unavailable while the pool is not mounted", async () => {
  await using rig = await startRig({}, { basePath: "/pool-that-is-away/csi" }, false);
  const { volumes, snapshots } = rig.array;
  const { id } = aNewVolume("v");
  for (
    const call of [
      () => volumes.find(id, soon()),
      () => volumes.list(soon()),
      () => snapshots.list(soon()),
      () => volumes.capacity(soon()),
      () => volumes.delete(id, soon()),
      () => volumes.create(aNewVolume("v"), soon()),
    ]
  ) {
    await assert.rejects(
      call,
      (error) => error instanceof StorageError && error.code === "unavailable",
    );
  }
});

Deno.test("10,000 volumes are listed in twenty commands, whose replies are small", async () => {
  await using rig = await startRig();
  await addItems(rig, 10_000);
  const [commands, { replyBytes }] = [rig.sent.length, rig.simulator.counters()];
  const listed = await rig.array.volumes.list(soon(60_000));
  assert.equal(new Set(listed.map(({ id }) => id)).size, 10_000);
  assert.equal(rig.sent.length - commands, 20);
  const bytesPerVolume = (rig.simulator.counters().replyBytes - replyBytes) / 10_000;
  assert.ok(bytesPerVolume < 600, `${bytesPerVolume} bytes per volume`);
});
