/** Access modes, names, lists and snapshots, as a client over the socket sees them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  Controller,
  Node,
  VolumeCapability_AccessMode_Mode as Mode,
} from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { install } from "./installation.ts";
import { refused } from "./refusals.ts";
import {
  block,
  createSnapshot,
  createVolume,
  deleteVolumes,
  mount,
  volumeRequest,
} from "./requests.ts";

const HOST = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const [ONE, TWO, THREE] = ["worker-1", "worker-2", "worker-3"].map((name) => `${name}@${HOST}`);
const {
  createVolume: create,
  controllerPublishVolume,
  controllerUnpublishVolume,
  listVolumes,
  listSnapshots,
  deleteSnapshot,
  getSnapshot,
  validateVolumeCapabilities,
} = Controller.method;

const OFFERED: { mode: Mode; onMount: boolean; onBlock: boolean }[] = [
  { mode: Mode.SINGLE_NODE_WRITER, onMount: true, onBlock: true },
  { mode: Mode.SINGLE_NODE_READER_ONLY, onMount: true, onBlock: true },
  { mode: Mode.SINGLE_NODE_SINGLE_WRITER, onMount: true, onBlock: true },
  { mode: Mode.SINGLE_NODE_MULTI_WRITER, onMount: true, onBlock: true },
  { mode: Mode.MULTI_NODE_READER_ONLY, onMount: false, onBlock: false },
  { mode: Mode.MULTI_NODE_SINGLE_WRITER, onMount: false, onBlock: false },
  { mode: Mode.MULTI_NODE_MULTI_WRITER, onMount: false, onBlock: true },
  { mode: Mode.UNKNOWN, onMount: false, onBlock: false },
];

Deno.test("each access mode is offered, confirmed and published, or refused in words", async () => {
  await using shipped = await install();
  const { client } = shipped;
  const existing = await createVolume(client, "existing");
  for (const { mode, onMount, onBlock } of OFFERED) {
    for (
      const [capability, isOffered] of [[mount(mode), onMount], [block(mode), onBlock]] as const
    ) {
      const name = `${Mode[mode]}-${capability.accessType?.case}`;
      const request = volumeRequest(name, { volumeCapabilities: [capability] });
      const validation = { volumeId: existing.volumeId, volumeCapabilities: [capability] };
      if (!isOffered) {
        await refused(client.call(create, request), "INVALID_ARGUMENT", /access mode/);
        if (mode === Mode.UNKNOWN) continue;
        const answer = await client.call(validateVolumeCapabilities, validation);
        assert.equal(answer.confirmed, undefined);
        assert.match(answer.message, /access mode .* is (not supported|for raw block)/);
        continue;
      }
      const { volumeId } = await createVolume(client, name, { volumeCapabilities: [capability] });
      const { confirmed } = await client.call(validateVolumeCapabilities, validation);
      assert.equal(confirmed?.volumeCapabilities.length, 1);
      await client.call(controllerPublishVolume, {
        ...{ volumeId, nodeId: ONE ?? "", volumeCapability: capability },
      });
      const second = client.call(controllerPublishVolume, {
        ...{ volumeId, nodeId: TWO ?? "", volumeCapability: capability },
      });
      if (mode === Mode.MULTI_NODE_MULTI_WRITER) await second;
      else await refused(second, "FAILED_PRECONDITION", /it is published to "worker-1"/);
      await client.call(controllerUnpublishVolume, { volumeId });
      await deleteVolumes(client, volumeId);
    }
  }
});

Deno.test("a volume says which nodes have it, and is not deleted nor taken by a third meanwhile", async () => {
  await using shipped = await install();
  const { client } = shipped;
  const volumeCapability = block(Mode.MULTI_NODE_MULTI_WRITER);
  const volumeCapabilities = [volumeCapability];
  const { volumeId } = await createVolume(client, "a", { volumeCapabilities });
  const publish = (nodeId = "", readonly = false): Promise<unknown> =>
    client.call(controllerPublishVolume, { volumeId, nodeId, volumeCapability, readonly });
  await publish(ONE);
  await publish(ONE);
  await publish(TWO);
  const { entries } = await client.call(listVolumes, {});
  assert.deepEqual(entries[0]?.status?.publishedNodeIds, [ONE, TWO]);
  await refused(publish(THREE), "FAILED_PRECONDITION", /published to "worker-1" and "worker-2"/);
  await refused(publish(ONE, true), "ALREADY_EXISTS", /"worker-1" has it read-write/);
  await refused(publish("worker-1"), "NOT_FOUND", /Cannot find node "worker-1"/);
  await refused(
    client.call(Controller.method.deleteVolume, { volumeId }),
    "FAILED_PRECONDITION",
    /it is published/,
  );
  await client.call(controllerUnpublishVolume, { volumeId, nodeId: ONE ?? "" });
  await publish(THREE);
  await client.call(controllerUnpublishVolume, { volumeId });
  await publish(ONE, true);
  await client.call(controllerUnpublishVolume, { volumeId, nodeId: "worker-9" });
  await client.call(controllerUnpublishVolume, { volumeId, nodeId: ONE ?? "" });
  await deleteVolumes(client, volumeId);
  await client.call(controllerUnpublishVolume, { volumeId, nodeId: ONE ?? "" });
});

Deno.test("a volume for one pod has one target path, and a read-only publish is read-only", async () => {
  await using shipped = await install({ hasNode: true });
  const { client, node, directory } = shipped;
  const volumeCapability = mount(Mode.SINGLE_NODE_SINGLE_WRITER);
  const { volumeId, volumeContext } = await createVolume(client, "a", {
    volumeCapabilities: [volumeCapability],
  });
  const { nodeId } = await node.call(Node.method.nodeGetInfo, {});
  const volume = { volumeId, volumeContext, volumeCapability };
  const { publishContext } = await client.call(controllerPublishVolume, { ...volume, nodeId });
  const stagingTargetPath = join(directory, "staging");
  await Deno.mkdir(stagingTargetPath);
  const staged = { ...volume, publishContext, stagingTargetPath };
  await node.call(Node.method.nodeStageVolume, staged);
  const target = (name: string): string => join(directory, name);
  const publish = (name: string, readonly = false): Promise<unknown> =>
    node.call(Node.method.nodePublishVolume, { ...staged, targetPath: target(name), readonly });
  await publish("pod-1");
  await publish("pod-1");
  await refused(publish("pod-2"), "FAILED_PRECONDITION", /pod-1|another|one/);
  await Deno.writeTextFile(join(target("pod-1"), "file"), "kept");
  await node.call(Node.method.nodeUnpublishVolume, { volumeId, targetPath: target("pod-1") });
  await publish("pod-2", true);
  assert.equal(await Deno.readTextFile(join(target("pod-2"), "file")), "kept");
  await node.call(Node.method.nodeUnpublishVolume, { volumeId, targetPath: target("pod-2") });
  await node.call(Node.method.nodeUnstageVolume, { volumeId, stagingTargetPath });
});

Deno.test("lists come in pages that follow one another, and strange tokens are ABORTED", async () => {
  await using shipped = await install();
  const { client } = shipped;
  const made: string[] = [];
  for (const name of ["a", "b", "c", "d", "e"]) {
    made.push((await createVolume(client, name)).volumeId);
  }
  const seen: string[] = [];
  let startingToken = "";
  do {
    const page = await client.call(listVolumes, { maxEntries: 2, startingToken });
    assert.ok(page.entries.length <= 2);
    seen.push(...page.entries.map(({ volume }) => volume?.volumeId ?? ""));
    startingToken = page.nextToken;
    // What goes between two pages hides nothing of what stays.
    if (seen.length === 2) await deleteVolumes(client, made[0] ?? "");
  } while (startingToken !== "");
  assert.deepEqual(seen, made);
  const { nextToken } = await client.call(listVolumes, { maxEntries: 1 });
  for (const strange of ["1", "bm90IG91cnM", `${nextToken}x`, `"; /quit`]) {
    await refused(client.call(listVolumes, { startingToken: strange }), "ABORTED", /not a token/);
  }
  await refused(client.call(listSnapshots, { startingToken: nextToken }), "ABORTED", /not a token/);
  await refused(client.call(listVolumes, { maxEntries: -1 }), "INVALID_ARGUMENT", /at most -1/);
});

Deno.test("two snapshots in one second have seconds of their own, and lists are narrowed by both ids", async () => {
  await using shipped = await install();
  const { client } = shipped;
  const [a, b] = [await createVolume(client, "a"), await createVolume(client, "b")];
  await shipped.logged("copy-probed");
  const first = await createSnapshot(client, "s1", a.volumeId);
  await createSnapshot(client, "s2", a.volumeId);
  const other = await createSnapshot(client, "s3", b.volumeId);
  const again = await createSnapshot(client, "s1", a.volumeId);
  assert.equal(again.snapshotId, first.snapshotId);
  const ids = async (filter: { sourceVolumeId?: string; snapshotId?: string }): Promise<string[]> =>
    (await client.call(listSnapshots, filter)).entries
      .map(({ snapshot }) => snapshot?.snapshotId ?? "");
  const ofA = await ids({ sourceVolumeId: a.volumeId });
  const seconds = ofA.map((id) => Number(id.split("-at-")[1]));
  assert.equal(ofA[0], first.snapshotId);
  assert.ok((seconds[1] ?? 0) > (seconds[0] ?? 0), String(seconds));
  assert.equal((await ids({})).length, 3);
  assert.deepEqual(await ids({ snapshotId: other.snapshotId }), [other.snapshotId]);
  assert.deepEqual(
    await ids({ snapshotId: other.snapshotId, sourceVolumeId: a.volumeId }),
    [],
  );
  for (const snapshotId of ["none", `${other.snapshotId}9`]) {
    assert.deepEqual(await ids({ snapshotId }), []);
    await refused(client.call(getSnapshot, { snapshotId }), "NOT_FOUND", /./);
  }
  await refused(
    client.call(Controller.method.createSnapshot, { name: "s1", sourceVolumeId: b.volumeId }),
    "ALREADY_EXISTS",
    /the name belongs to "snap-/,
  );
  for (const snapshotId of await ids({})) await client.call(deleteSnapshot, { snapshotId });
  await deleteVolumes(client, a.volumeId, b.volumeId);
  assert.deepEqual(await shipped.box().files(), []);
});

const NAMES: readonly string[] = [
  "n".repeat(128),
  "диск-с-данными",
  "ディスク 💾",
  `a"; /system/reboot; :put "`,
  "$[/system/reboot]",
  "$(1 + 1) ]} \\",
  "a'b`c;d#e",
  "*2B",
  "../../etc/passwd",
  " ",
  // CSI allows a line feed; the box would take what follows for a second command.
  "two\nlines",
];

Deno.test("any name makes a volume and a snapshot, and none is read as a command", async () => {
  await using shipped = await install();
  const { client } = shipped;
  const foreign = await shipped.box().disks(`slot~"nixos"`);
  const ids = new Set<string>();
  for (const name of NAMES) {
    const { volumeId } = await createVolume(client, name);
    assert.equal((await createVolume(client, name)).volumeId, volumeId);
    ids.add(volumeId);
    const { snapshotId } = await createSnapshot(client, name, volumeId);
    assert.equal((await createSnapshot(client, name, volumeId)).snapshotId, snapshotId);
    await client.call(deleteSnapshot, { snapshotId });
  }
  assert.equal(ids.size, NAMES.length);
  const { commands } = await shipped.box().control.commands({ last: 1000 });
  assert.ok(commands.every((command) => !JSON.stringify(command).includes("reboot")));
  assert.equal((await shipped.box().control.status()).isUp, true);
  assert.deepEqual(await shipped.box().disks(`slot~"nixos"`), foreign);
  await deleteVolumes(client, ...ids);
  assert.deepEqual(await shipped.box().files(), []);
});

const BAD_NAMES: { name: string; says: RegExp }[] = [
  { name: "n".repeat(129), says: /name/ },
  { name: "д".repeat(65), says: /name/ },
  { name: "bell\u0007", says: /name/ },
  { name: "nul\0", says: /name/ },
  { name: "", says: /name is empty/ },
];

Deno.test("a name that CSI does not allow is INVALID_ARGUMENT", async () => {
  await using shipped = await install();
  const { client } = shipped;
  for (const { name, says } of BAD_NAMES) {
    await refused(client.call(create, volumeRequest(name)), "INVALID_ARGUMENT", says);
    const cut = client.call(Controller.method.createSnapshot, { name, sourceVolumeId: "pvc-x" });
    await refused(cut, "INVALID_ARGUMENT", says);
  }
});

Deno.test("an expansion that names no size is refused, and changes nothing", async () => {
  await using shipped = await install();
  const { client } = shipped;
  const { volumeId, capacityBytes } = await createVolume(client, "v");
  for (const capacityRange of [undefined, {}]) {
    const request = { volumeId, ...(capacityRange === undefined ? {} : { capacityRange }) };
    const call = client.call(Controller.method.controllerExpandVolume, request);
    await refused(call, "INVALID_ARGUMENT", /capacity_range is empty/);
  }
  const { volume } = await client.call(Controller.method.controllerGetVolume, { volumeId });
  assert.equal(volume?.capacityBytes, capacityBytes);
});
