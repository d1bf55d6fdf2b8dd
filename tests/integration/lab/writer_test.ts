/** The writer of the laboratory writes what its checker expects. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { checkRecords, parseWriterJournal, RECORD_BYTES } from "../../../tools/lab/writer_check.ts";

const WRITER = new URL("../../../tools/lab/writer.pl", import.meta.url).pathname;
const DEADLINE_MS = 30_000;

async function write(target: string, journal: string, ...more: string[]): Promise<number> {
  const { code } = await new Deno.Command("perl", {
    args: [WRITER, target, journal, "run-1", "0", ...more],
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).output();
  return code;
}

Deno.test("writer.pl confirms records that the checker finds whole, also when it goes on", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const [target, journal] = [join(directory, "data"), join(directory, "journal")];
    assert.equal(await write(target, journal, "0", "3"), 0);
    assert.equal(await write(target, journal, "3", "2"), 0);
    const bytes = await Deno.readFile(target);
    const noted = parseWriterJournal(await Deno.readTextFile(journal));
    assert.equal(bytes.length, 5 * RECORD_BYTES);
    assert.deepEqual(noted.confirmed.map(({ number }) => number), [0, 1, 2, 3, 4]);
    assert.equal(noted.hasEnded, true);
    assert.deepEqual(checkRecords(bytes, "run-1", noted), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("writer.pl notes the error of a target that cannot be written, and gives up", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const journal = join(directory, "journal");
    assert.equal(await write("/dev/full", journal), 0);
    const noted = parseWriterJournal(await Deno.readTextFile(journal));
    assert.deepEqual(noted.confirmed, []);
    assert.equal(noted.failed.length, 10);
    assert.deepEqual(noted.failed.map(({ errno }) => errno), noted.failed.map(() => "ENOSPC"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
