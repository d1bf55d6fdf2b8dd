/** Stage records in files: the contract, and what a process that is killed leaves. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { StageRecordFiles } from "../../../src/adapters/stage-records/stage_record_files.ts";
import type { VolumeId } from "../../../src/domain/volume_id.ts";
import { aFullRecord, aRecord, testStageRecordsContract } from "../../contract/stage_records.ts";
import type { RecordsHarness } from "../../contract/stage_records.ts";

interface FilesHarness extends RecordsHarness {
  readonly records: StageRecordFiles;
  /** The state directory. */
  readonly directory: string;
  pathOf(volumeId: VolumeId): string;
}

async function open(): Promise<FilesHarness> {
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-records-" });
  const pathOf = (volumeId: VolumeId): string => join(directory, "volumes", `${volumeId}.json`);
  return {
    records: await StageRecordFiles.open(directory),
    directory,
    pathOf,
    damage: async (volumeId) => {
      // What a crash without fsync would leave: the length is right and the bytes are zeros.
      const { size } = await Deno.stat(pathOf(volumeId));
      await Deno.writeFile(pathOf(volumeId), new Uint8Array(size));
    },
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

async function namesIn(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
}

testStageRecordsContract("files", open);

Deno.test("files: another process reads what one has written", async () => {
  await using harness = await open();
  const record = aFullRecord("one");
  await harness.records.write(record);
  const other = await StageRecordFiles.openExisting(harness.directory);
  assert.deepEqual(await other.read(record.volumeId), record);
});

Deno.test("files: a record is for root's eyes, and nothing else is in the directory", async () => {
  await using harness = await open();
  const { volumeId } = aRecord("one");
  await harness.records.write(aRecord("one"));
  const { mode } = await Deno.stat(harness.pathOf(volumeId));
  assert.equal((mode ?? 0) & 0o777, 0o600);
  assert.deepEqual(await namesIn(join(harness.directory, "volumes")), [`${volumeId}.json`]);
});

Deno.test("files: a start removes what a killed write left, and keeps every record", async () => {
  await using harness = await open();
  const record = aRecord("one");
  await harness.records.write(record);
  const part = `${harness.pathOf(record.volumeId)}.0b6cbb6c.new`;
  await Deno.writeTextFile(part, '{"schema":1,"volumeId":"pvc-');
  assert.deepEqual(await harness.records.list(), { records: [record], unreadable: [] });
  // A command beside the node must not remove what the node is just writing.
  await StageRecordFiles.openExisting(harness.directory);
  assert.ok((await Deno.stat(part)).isFile);
  const { records, unreadable } = await (await StageRecordFiles.open(harness.directory)).list();
  assert.deepEqual([records, unreadable], [[record], []]);
  await assert.rejects(Deno.stat(part), Deno.errors.NotFound);
});

Deno.test("files: a process that is killed while it writes leaves one record or the other", async () => {
  await using harness = await open();
  const module = new URL(
    "../../../src/adapters/stage-records/stage_record_files.ts",
    import.meta.url,
  ).href;
  const [short, long] = [aRecord("one"), aFullRecord("one")];
  const code = `
    const { StageRecordFiles } = await import(${JSON.stringify(module)});
    const records = await StageRecordFiles.open(${JSON.stringify(harness.directory)});
    const versions = ${JSON.stringify([short, long])};
    await records.write(versions[0]);
    console.log("written");
    for (let turn = 1; ; turn++) await records.write(versions[turn % 2]);
  `;
  for (const delayMs of [0, 3, 7, 12, 20]) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", code],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    const killed = Promise.withResolvers<void>();
    setTimeout(() => {
      child.kill("SIGKILL");
      killed.resolve();
    }, delayMs);
    await killed.promise;
    await child.status;
    await reader.cancel();
    const found = await harness.records.read(short.volumeId);
    assert.ok(found !== undefined);
    assert.deepEqual(found, found.phase === "staged" ? long : short);
  }
});

const DAMAGES: { name: string; text: string; says: RegExp }[] = [
  { name: "an empty file", text: "", says: /it is no JSON/ },
  { name: "a file that was cut off", text: '{"schema":1,"volumeId":"pvc', says: /it is no JSON/ },
  { name: "something else", text: "[]", says: /it is no object/ },
  {
    name: "a newer schema",
    text: '{"schema":2}',
    says: /its schema is 2, and this version reads 1/,
  },
  { name: "no schema", text: "{}", says: /its schema is undefined/ },
  { name: "a file that is too large", text: " ".repeat(65_537), says: /it has 65537 bytes/ },
];

for (const { name, text, says } of DAMAGES) {
  Deno.test(`files: ${name} is refused with the file's name and what to do`, async () => {
    await using harness = await open();
    const { volumeId } = aRecord("one");
    await Deno.writeTextFile(harness.pathOf(volumeId), text);
    await assert.rejects(harness.records.read(volumeId), (error: Error) => {
      assert.match(error.message, says);
      assert.ok(
        error.message.startsWith(`Cannot use the stage record ${harness.pathOf(volumeId)}: `),
      );
      assert.match(
        error.message,
        /When the volume is not in use on this node, move the file away$/,
      );
      return true;
    });
  });
}

Deno.test("files: the record of another volume under a volume's name is refused", async () => {
  await using harness = await open();
  const [one, two] = [aRecord("one"), aRecord("two")];
  await harness.records.write(one);
  await Deno.copyFile(harness.pathOf(one.volumeId), harness.pathOf(two.volumeId));
  await assert.rejects(harness.records.read(two.volumeId), /it is the record of pvc-/);
});

Deno.test("files: a directory and a file of another name are listed, not read", async () => {
  await using harness = await open();
  const { volumeId } = aRecord("one");
  await Deno.mkdir(harness.pathOf(volumeId));
  await Deno.writeTextFile(join(harness.directory, "volumes", "notes.json"), "{}");
  await Deno.writeTextFile(join(harness.directory, "volumes", "README"), "");
  await assert.rejects(harness.records.read(volumeId), /it is no file/);
  const { records, unreadable } = await harness.records.list();
  assert.deepEqual([records, unreadable.toSorted()], [[], ["notes.json", `${volumeId}.json`]]);
});

Deno.test("files: what could not be read again is not written", async () => {
  await using harness = await open();
  const record = aRecord("one");
  await harness.records.write(record);
  for (const wrong of [{ stagingPath: "relative" }, { bootId: "" }]) {
    await assert.rejects(harness.records.write({ ...record, ...wrong }), { code: "invalid" });
  }
  const trouble = { reason: "x".repeat(65_536), count: 1, retryAtMs: 0 };
  await assert.rejects(harness.records.write({ ...record, trouble }), /it would have \d+ bytes/);
  assert.deepEqual(await harness.records.read(record.volumeId), record);
});

Deno.test("files: a directory that no node used is not made by looking", async () => {
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-records-" });
  await assert.rejects(StageRecordFiles.openExisting(directory), { code: "not-found" });
  assert.deepEqual(await namesIn(directory), []);
  await Deno.remove(directory);
});

Deno.test("files: a write that fails says why, and leaves the record as it was", async () => {
  await using harness = await open();
  await Deno.remove(join(harness.directory, "volumes"), { recursive: true });
  await assert.rejects(
    harness.records.write(aRecord("one")),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, "unavailable");
      assert.match(error.message, /^Cannot write the stage record .*: .+/);
      return true;
    },
  );
});
