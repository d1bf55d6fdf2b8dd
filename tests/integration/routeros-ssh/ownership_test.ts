/** What is not ours stays; what we half-made goes. */
import assert from "node:assert/strict";
import { slotAliasOf } from "../../../src/domain/slot.ts";
import { aNewSnapshot, aNewVolume, aNodeId, aPublication } from "../../builders/stores.ts";
import { assertFails } from "../../contract/store_harness.ts";
import { assertEmpty, contentsOf, type } from "./console_client.ts";
import { soon, startRig } from "./rig.ts";

const BASE = "storage-pool/k8s/csi";
const WANTED = aNewVolume("v");
const SLOT = slotAliasOf(WANTED.id);
const FILE = `${BASE}/${WANTED.id}.img`;
const FOREIGN_DISK = `/disk/add type=file slot=${SLOT} file-path=${FILE} file-size=1048576` +
  ` mount-filesystem=no comment="somebody's"`;

Deno.test("a disk of somebody's under our name is refused by name, reported, and stays", async () => {
  await using rig = await startRig();
  await type(rig.simulator, FOREIGN_DISK);
  const before = await contentsOf(rig.simulator, BASE);
  const { volumes } = rig.array;
  for (
    const call of [
      () => volumes.create(WANTED, soon()),
      () => volumes.delete(WANTED.id, soon()),
      () => volumes.expand(WANTED.id, 2 ** 31, soon()),
    ]
  ) {
    const message = await assertFails(call(), "in-use");
    assert.ok(message.includes(`disk "${SLOT}" does not belong to this cluster`), message);
  }
  assert.equal(await volumes.find(WANTED.id, soon()), undefined);
  assert.deepEqual(await contentsOf(rig.simulator, BASE), before);
  const reported = rig.events.filter(({ kind }) => kind === "foreign-item");
  assert.deepEqual(reported[0], { kind: "foreign-item", array: "rds-1", item: SLOT });
  assert.equal(reported.length, 3);
});

Deno.test("a file of nobody's under our name is not adopted, and goes when the volume is deleted", async () => {
  await using rig = await startRig();
  await type(rig.simulator, `/file/add name=${FILE} type=file contents="who knows"`);
  const message = await assertFails(rig.array.volumes.create(WANTED, soon()), "in-use");
  assert.ok(message.includes(FILE), message);
  await rig.array.volumes.delete(WANTED.id, soon());
  await assertEmpty(rig.simulator, BASE);
});

Deno.test("delete() removes no file that a disk of somebody's uses, slash or not", async () => {
  for (const path of [FILE, `/${FILE}`]) {
    await using rig = await startRig();
    await type(
      rig.simulator,
      `/disk/add type=file slot=theirs file-path=${path} file-size=1048576`,
    );
    await assertFails(rig.array.volumes.delete(WANTED.id, soon()), "unavailable");
    const left = await contentsOf(rig.simulator, BASE);
    assert.ok(left.includes(`file ${FILE}`), left.join());
    assert.deepEqual(rig.simulator.violations(), []);
  }
});

Deno.test("delete() finishes what lost its disk and kept its file", async () => {
  await using rig = await startRig();
  await rig.array.volumes.create(WANTED, soon());
  await type(rig.simulator, `/disk/remove ${SLOT}`);
  assert.deepEqual(await contentsOf(rig.simulator, BASE), [`file ${FILE}`]);
  await rig.array.volumes.delete(WANTED.id, soon());
  await assertEmpty(rig.simulator, BASE);
});

Deno.test("a half-made volume is never shown, and made anew by create()", async () => {
  await using rig = await startRig();
  const { volumes } = rig.array;
  const made = await volumes.create(WANTED, soon());
  const halfMade = `:local c [/disk/get ${SLOT} comment]; /disk/set ${SLOT} nvme-tcp-export=no` +
    ` comment=([:pick $c 0 ([:len $c] - 1)] . "c")`;
  assert.equal(await type(rig.simulator, halfMade), "");
  assert.equal(await volumes.find(WANTED.id, soon()), undefined);
  assert.deepEqual(await volumes.list(soon()), []);
  await assertFails(volumes.amend(made, { publications: [aPublication()] }, soon()), "not-found");
  assert.deepEqual(await volumes.create(WANTED, soon()), made);
  assert.deepEqual(rig.events.filter(({ kind }) => kind === "left-over-removed"), [
    { kind: "left-over-removed", array: "rds-1", item: SLOT },
  ]);
});

/** What a person, or a box that cuts comments, can make of a record. */
const SPOILED: Readonly<Record<string, string>> = {
  "with a word of a person's behind it": `($c . " (keep!)")`,
  "cut short": `[:pick $c 0 60]`,
  "with a state of a later version": `([:pick $c 0 ([:len $c] - 1)] . "x")`,
};

for (const [how, comment] of Object.entries(SPOILED)) {
  Deno.test(`create() never removes the data below a record ${how}`, async () => {
    await using rig = await startRig();
    const { volumes, snapshots } = rig.array;
    await volumes.create(WANTED, soon());
    const { id } = await snapshots.create(aNewSnapshot("s", "v"), soon());
    for (const slot of [SLOT, slotAliasOf(id)]) {
      const spoil = `:local c [/disk/get ${slot} comment]; /disk/set ${slot} comment=${comment}`;
      assert.equal(await type(rig.simulator, spoil), "");
    }
    const before = await contentsOf(rig.simulator, BASE);
    const message = await assertFails(volumes.create(WANTED, soon()), "not-ready");
    assert.match(message, /its record is not whole: "r1;k=v;/);
    await assertFails(snapshots.create(aNewSnapshot("s", "v"), soon()), "not-ready");
    assert.deepEqual(await contentsOf(rig.simulator, BASE), before);
  });
}

Deno.test("a half-made volume whose file is not its own is left to a person", async () => {
  await using rig = await startRig();
  await rig.array.volumes.create(WANTED, soon());
  const moved = `:local c [/disk/get ${SLOT} comment]; /disk/set ${SLOT} nvme-tcp-export=no` +
    ` file-path=${BASE}/precious.img comment=([:pick $c 0 ([:len $c] - 1)] . "c")`;
  await type(rig.simulator, `/file/add name=${BASE}/precious.img type=file contents="precious"`);
  assert.equal(await type(rig.simulator, moved), "");
  await assertFails(rig.array.volumes.create(WANTED, soon()), "in-use");
  const left = await contentsOf(rig.simulator, BASE);
  assert.ok(left.includes(`file ${BASE}/precious.img`), left.join());
});

Deno.test("a volume is found under its id as well as under its alias", async () => {
  await using rig = await startRig({ box: { slotLimit: undefined } });
  const made = await rig.array.volumes.create(WANTED, soon());
  assert.equal(await type(rig.simulator, `/disk/set ${WANTED.id} slot=${SLOT}`), "");
  assert.deepEqual(await rig.array.volumes.find(WANTED.id, soon()), made);
  assert.deepEqual(await rig.array.volumes.create(WANTED, soon()), made);
  assert.deepEqual(await rig.array.volumes.list(soon()), [made]);
});

Deno.test("amend() keeps what a later version wrote into the record", async () => {
  await using rig = await startRig();
  const volume = await rig.array.volumes.create(WANTED, soon());
  const extended = `:local c [/disk/get ${SLOT} comment]; :local at [:find $c ";a="];` +
    ` /disk/set ${SLOT} comment=([:pick $c 0 $at] . ";zz=new" . [:pick $c $at [:len $c]])`;
  assert.equal(await type(rig.simulator, extended), "");
  assert.deepEqual(await rig.array.volumes.find(WANTED.id, soon()), volume);
  const publications = [aPublication()];
  const amended = await rig.array.volumes.amend(volume, { publications }, soon());
  assert.deepEqual(amended, { ...volume, publications, revision: volume.revision + 1 });
  assert.match(await type(rig.simulator, `:put [/disk/get ${SLOT} comment]`), /;zz=new;a=/);
});

Deno.test("a box that cuts slots or comments is found out before anything is made", async () => {
  const box = { slotLimit: 20, slotTooLong: "truncate", commentLimit: 300 } as const;
  await using narrow = await startRig({ box }, {}, false);
  await assertFails(narrow.array.volumes.create(WANTED, soon()), "not-ready");
  await assertEmpty(narrow.simulator, BASE);
  await using brief = await startRig({ box: { commentLimit: 100 } }, {}, false);
  await assertFails(brief.array.volumes.create(WANTED, soon()), "not-ready");
  await assertEmpty(brief.simulator, BASE);
});

Deno.test("a record that would not fit is refused before it is written", async () => {
  await using rig = await startRig({ box: { commentLimit: 200 } });
  const volume = await rig.array.volumes.create(WANTED, soon());
  const publications = ["a", "b"].map((letter) =>
    aPublication({ node: aNodeId(letter.repeat(64)), isShared: true })
  );
  const message = await assertFails(
    rig.array.volumes.amend(volume, { publications }, soon()),
    "not-ready",
  );
  assert.match(message, /record has \d+ characters and the array keeps 160/);
  assert.deepEqual(await rig.array.volumes.find(WANTED.id, soon()), volume);
});

Deno.test("snapshots are neither exported, mounted nor shared, and carry no NQN", async () => {
  await using rig = await startRig();
  await rig.array.volumes.create(WANTED, soon());
  const { id } = await rig.array.snapshots.create(aNewSnapshot("s", "v"), soon());
  const names = ["nvme-tcp-export", "mount-filesystem", "mount-read-only", "smb-sharing"];
  const shown = await Promise.all(
    names.map((name) => type(rig.simulator, `:put [/disk/get ${slotAliasOf(id)} ${name}]`)),
  );
  assert.deepEqual(shown, ["false", "false", "true", "false"]);
  const nqn = `:put [:typeof [/disk/get ${slotAliasOf(id)} nvme-tcp-server-nqn]]`;
  assert.equal(await type(rig.simulator, nqn), "nothing");
});

Deno.test("a new driver on a full pool publishes, finds and deletes what is there", async () => {
  await using rig = await startRig();
  const volume = await rig.array.volumes.create(WANTED, soon());
  const wanted = aNewSnapshot("s", "v");
  const snapshot = await rig.array.snapshots.create(wanted, soon());
  await rig.simulator.addFault({ kind: "disk-full", freeBytes: 0 });
  await using next = rig.open({});
  const { volumes, snapshots } = next;
  const published = await volumes.amend(volume, { publications: [aPublication()] }, soon());
  assert.deepEqual(await volumes.create(WANTED, soon()), published);
  assert.deepEqual(await snapshots.create(wanted, soon()), snapshot);
  await assertFails(volumes.create(aNewVolume("w"), soon()), "out-of-space");
  await volumes.amend(published, { publications: [] }, soon());
  await snapshots.delete(snapshot.id, soon());
  await volumes.delete(volume.id, soon());
  rig.simulator.clearFaults();
  await assertEmpty(rig.simulator, BASE);
});

Deno.test("a volume whose slot a person changed is damaged, never missing", async () => {
  await using rig = await startRig();
  const volume = await rig.array.volumes.create(WANTED, soon());
  const { id } = await rig.array.snapshots.create(aNewSnapshot("s", "v"), soon());
  await type(rig.simulator, `/disk/set ${SLOT} slot=mine; /disk/set ${slotAliasOf(id)} slot=his`);
  await assertFails(rig.array.volumes.find(volume.id, soon()), "not-ready");
  await assertFails(rig.array.snapshots.find(id, soon()), "not-ready");
});

Deno.test("a volume whose disk a person disabled is shown as not well", async () => {
  await using rig = await startRig();
  await rig.array.volumes.create(WANTED, soon());
  assert.equal(await type(rig.simulator, `/disk/disable ${SLOT}`), "");
  const found = await rig.array.volumes.find(WANTED.id, soon());
  assert.equal(found?.problem, "its disk is disabled on the array");
});

Deno.test("volumesMax is a limit with a name", async () => {
  await using rig = await startRig({}, { volumesMax: 2 });
  for (const name of ["a", "b"]) await rig.array.volumes.create(aNewVolume(name), soon());
  const message = await assertFails(rig.array.volumes.create(WANTED, soon()), "out-of-space");
  assert.match(message, /there are 2 volumes already/);
});
