/** The commands for a person at a node, through the program, on a node without a kernel. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { StageRecordFiles } from "../../../src/adapters/stage-records/stage_record_files.ts";
import { openTrialHost } from "../../../src/adapters/trial-host/trial_host.ts";
import type { VolumeId } from "../../../src/domain/volume_id.ts";
import type { NvmeTarget } from "../../../src/ports/nvme_host.ts";
import type { StageRecord } from "../../../src/ports/stage_records.ts";
import { checkoutProgram } from "../../../tools/trial/processes.ts";
import { aRecord } from "../../contract/stage_records.ts";
import { openTrialNode } from "../trial-host/trial_node.ts";
import type { TrialNode } from "../trial-host/trial_node.ts";

const FOREVER = new AbortController().signal;
const LONGEST_MS = 30_000;
const DISK_BYTES = 64 * 1024 ** 2;
const TROUBLE = { reason: "it holds a partition table", count: 6, retryAtMs: 1_800_000_000_000 };

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...args: readonly string[]): Promise<Ended> {
  const [program = "", ...leading] = checkoutProgram();
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...leading, "node", ...args],
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(LONGEST_MS),
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** A node with one volume: staged, connected, mounted, and with a record. */
interface Staged extends AsyncDisposable {
  readonly node: TrialNode;
  readonly records: StageRecordFiles;
  readonly volumeId: VolumeId;
  readonly target: NvmeTarget;
  readonly stagingPath: string;
  /** The flags that say which node it is. */
  readonly place: readonly string[];
}

async function aStagedVolume(parts: Partial<StageRecord> = {}): Promise<Staged> {
  const node = await openTrialNode();
  const records = await StageRecordFiles.open(node.stateDirectory);
  const target = await node.box.exportDisk(DISK_BYTES);
  const device = await node.host.connect(target, FOREVER);
  const stagingPath = join(node.directory, "staging");
  await node.fileSystems.format(device, "ext4", [], FOREVER);
  const mount = { fileSystem: "ext4", options: [], isReadOnly: false } as const;
  await node.mounter.mount({ device, path: stagingPath, ...mount }, FOREVER);
  const record: StageRecord = {
    ...aRecord("disk-0"),
    stagingPath,
    phase: "staged",
    capability: {
      mode: "SINGLE_NODE_WRITER",
      access: { type: "mount", fileSystem: "ext4", mountFlags: ["noatime"] },
    },
    device,
    ...parts,
  };
  await records.write(record);
  const attach = `trial:${dirname(node.box.directory)}`;
  return {
    node,
    records,
    volumeId: record.volumeId,
    target,
    stagingPath,
    place: ["--attach", attach, "--state-directory", node.stateDirectory],
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  };
}

/** The connections of the node, as a process that starts now sees them. */
async function connections({ node }: Staged): Promise<string[]> {
  const { host } = await openTrialHost(node.box.directory, node.stateDirectory);
  return (await host.sessions(FOREVER)).map(({ nqn }) => nqn);
}

Deno.test("node list shows a line for each volume, and what endangers them", async () => {
  await using staged = await aStagedVolume();
  const { code, out, err } = await run("list", ...staged.place);
  assert.deepEqual([code, err], [0, ""]);
  const [headings, row, ...rest] = out.split("\n");
  assert.match(headings ?? "", /^VOLUME +PHASE +CONNECTION +DEVICE +SIZE +CONDITION$/);
  assert.match(row ?? "", /^pvc-[0-9a-f-]{36} +staged +live +\/.*\.img +0\.1 GiB +well$/);
  assert.match(rest.join("\n"), /^\nDanger: this is a trial/);
});

Deno.test("node list -o json has every volume with its connection and its record", async () => {
  await using staged = await aStagedVolume({ trouble: TROUBLE });
  const { code, out } = await run("list", ...staged.place, "-o", "json");
  assert.equal(code, 0);
  const { volumes, unreadable, dangers } = JSON.parse(out);
  assert.deepEqual([volumes.length, unreadable, dangers.length], [1, [], 1]);
  const [{ volumeId, phase, condition, connection, device, record }] = volumes;
  assert.deepEqual([volumeId, phase, condition], [staged.volumeId, "staged", { isWell: true }]);
  assert.equal(connection.state, "live");
  assert.equal(device.sizeBytes, DISK_BYTES);
  assert.equal(record.stagingPath, staged.stagingPath);
  assert.deepEqual(record.trouble, {
    reason: TROUBLE.reason,
    failures: 6,
    retryAt: "2027-01-15T08:00:00.000Z",
  });
});

Deno.test("node list shows connections without a record, and records that cannot be read", async () => {
  await using staged = await aStagedVolume();
  const { node, records, volumeId, place } = staged;
  const other = await node.box.exportDisk(DISK_BYTES);
  await node.host.connect(other, FOREVER);
  const name = `${volumeId}.json`;
  await Deno.writeTextFile(join(node.stateDirectory, "volumes", name), "{");
  await records.write(aRecord("gone"));
  const { out } = await run("list", ...place);
  assert.match(out, /^pvc-[0-9a-f-]+ +none +live .* unclaimed$/m);
  assert.match(out, new RegExp(`^${volumeId} +unreadable +live .* record-unreadable$`, "m"));
  assert.match(out, /^pvc-[0-9a-f-]+ +staging +none +none +no-connection$/m);
  assert.ok(out.includes(`Cannot read the record ${name}: see rds-csi node inspect`));
  const inspected = await run("inspect", volumeId, ...place);
  assert.equal(inspected.code, 1);
  assert.match(inspected.err, /^rds-csi: Cannot use the stage record .*\.json: it is no JSON\. /);
});

Deno.test("node list says so when the node has no volumes", async () => {
  await using staged = await aStagedVolume();
  await staged.records.remove(staged.volumeId);
  await staged.node.host.abandon(staged.target.nqn, FOREVER);
  assert.match((await run("list", ...staged.place)).out, /^This node has no volumes\.\n/);
});

Deno.test("node inspect tells all about a volume, also where it is used", async () => {
  await using staged = await aStagedVolume({ trouble: TROUBLE });
  const { volumeId, stagingPath, place, node } = staged;
  const target = join(node.directory, "pod");
  await node.mounter.bind(stagingPath, target, false, FOREVER);
  const { code, out } = await run("inspect", volumeId, ...place);
  assert.equal(code, 0);
  const lines = out.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(lines.slice(0, 3), [["volume", volumeId], ["phase", "staged"], [
    "condition",
    "well",
  ]]);
  assert.match(out, /^connection +live, 127\.0\.0\.1 port \d+$/m);
  assert.ok(out.includes(`used at          ${target}\n                 ${stagingPath}\n`), out);
  assert.match(out, /^staged as +ext4, SINGLE_NODE_WRITER, noatime$/m);
  assert.match(out, /^failures +6\nlast failure +it holds a partition table\n/m);
  const { uses } = JSON.parse((await run("inspect", volumeId, ...place, "-o", "json")).out);
  assert.deepEqual(uses, [target, stagingPath]);
});

Deno.test("node inspect says why a volume is not well", async () => {
  await using staged = await aStagedVolume();
  await staged.node.loseConnection(staged.target.nqn);
  const { out } = await run("inspect", staged.volumeId, ...staged.place);
  assert.match(out, /^condition +waiting-for-box: the connection to the array is lost/m);
});

Deno.test("node detach does nothing unless told that data is lost, and says which", async () => {
  await using staged = await aStagedVolume();
  const { volumeId, stagingPath, place } = staged;
  const before = await staged.records.read(volumeId);
  const { code, out, err } = await run("detach", volumeId, ...place);
  assert.deepEqual([code, out], [1, ""]);
  assert.match(
    err,
    /^rds-csi: Cannot detach volume "pvc-.*": that loses data\n {2}connection {2}live/,
  );
  assert.ok(err.includes(`used at     ${stagingPath}\n`));
  assert.ok(err.includes(`rds-csi node detach --force-lose-unwritten ${volumeId}\n`));
  assert.deepEqual(await staged.records.read(volumeId), before);
  assert.deepEqual(await connections(staged), [staged.target.nqn]);
});

Deno.test("node detach --force-lose-unwritten ends the connection and marks the record", async () => {
  await using staged = await aStagedVolume();
  const { volumeId, place, stagingPath } = staged;
  const { code, out } = await run("detach", "--force-lose-unwritten", volumeId, ...place);
  assert.equal(code, 0);
  assert.match(out, /^Volume pvc-.* was detached; what was not written is lost\.\nWhat is at /);
  assert.ok(out.includes(stagingPath));
  assert.equal((await staged.records.read(volumeId))?.phase, "abandoned");
  assert.deepEqual(await connections(staged), []);
  const again = await run("detach", "--force-lose-unwritten", volumeId, ...place, "-o", "json");
  assert.equal(again.code, 0);
  const { wasConnected, isMarked } = JSON.parse(again.out);
  assert.deepEqual([wasConnected, isMarked], [false, true]);
});

Deno.test("node detach gives up a volume whose record cannot be read, too", async () => {
  await using staged = await aStagedVolume();
  const { volumeId, place, node } = staged;
  await Deno.writeTextFile(join(node.stateDirectory, "volumes", `${volumeId}.json`), "{");
  const ended = await run("detach", "--force-lose-unwritten", volumeId, ...place, "-o", "json");
  assert.equal(ended.code, 0, ended.err);
  const { wasConnected, isMarked } = JSON.parse(ended.out);
  assert.deepEqual([wasConnected, isMarked], [true, false]);
  assert.deepEqual(await connections(staged), []);
});

Deno.test("node reset-breaker forgets a volume's failures and nothing else", async () => {
  await using staged = await aStagedVolume({ trouble: TROUBLE });
  const { volumeId, place, records } = staged;
  const { trouble: _, ...calm } = await records.read(volumeId) ?? aRecord("none");
  const { code, out } = await run("reset-breaker", volumeId, ...place);
  assert.equal(code, 0);
  assert.match(out, /^Volume pvc-.* had failed 6 times; the next call stages it again\.\n$/);
  assert.deepEqual(await records.read(volumeId), calm);
  const again = await run("reset-breaker", volumeId, ...place);
  assert.match(again.out, /has not failed; there is nothing to reset/);
  const json = await run("reset-breaker", volumeId, ...place, "-o", "json");
  assert.deepEqual(JSON.parse(json.out), { volumeId, failures: 0 });
});

Deno.test("a volume that the node does not have is named as that, with code 1", async () => {
  await using staged = await aStagedVolume();
  const { volumeId } = aRecord("somewhere else");
  for (const command of ["inspect", "detach", "reset-breaker"]) {
    const { code, err } = await run(command, volumeId, ...staged.place);
    assert.equal(code, 1);
    assert.match(err, /^rds-csi: Cannot find volume "pvc-.*": this node has no record of it/);
  }
});

const WRONG_USE: { name: string; args: string[]; says: RegExp }[] = [
  { name: "a name that is no volume's id", args: ["inspect", "data"], says: /<volume> is "data"/ },
  { name: "no volume", args: ["detach"], says: /missing required argument 'volume'/ },
  { name: "an unknown command", args: ["lsit"], says: /too many arguments for 'node'/ },
  { name: "an unknown format", args: ["list", "-o", "yaml"], says: /allowed: text, json/ },
  { name: "an unknown way", args: ["list", "--attach", "usb"], says: /--attach is "usb"/ },
  {
    name: "a trial without a state directory",
    args: ["list", "--attach", "trial:/tmp"],
    says: /--state-directory/,
  },
  { name: "nothing but its role", args: [], says: /required option '--node-name/ },
];

for (const { name, args, says } of WRONG_USE) {
  Deno.test(`rds-csi node with ${name} ends with code 2 and says why`, async () => {
    const { code, err } = await run(...args);
    assert.equal(code, 2, err);
    assert.match(err, says);
  });
}

Deno.test("a state directory that no node used is an error, and is not made", async () => {
  const missing = join(await Deno.makeTempDir({ prefix: "rds-csi-operator-" }), "none");
  const place = ["--attach", "trial:/tmp", "--state-directory", missing];
  for (const command of [["list"], ["reset-breaker", aRecord("one").volumeId]]) {
    const { code, err } = await run(...command, ...place);
    assert.equal(code, 1);
    assert.match(
      err,
      /^rds-csi: Cannot use the state directory ".*": there are no records of a node\n$/,
    );
  }
  await assert.rejects(Deno.stat(missing), Deno.errors.NotFound);
  await Deno.remove(dirname(missing));
});

Deno.test("rds-csi node --help names what it serves with, and the commands", async () => {
  const { out } = await run("--help");
  for (const word of ["--node-name", "list", "inspect", "detach", "reset-breaker"]) {
    assert.ok(out.includes(word), word);
  }
});
