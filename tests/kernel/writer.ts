/** A writer in a node (tools/lab/writer.pl), and the judgement of what it wrote. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  checkRecords,
  longestStallMs,
  parseWriterJournal,
  RECORD_BYTES,
  type WriterJournal,
} from "../../tools/lab/writer_check.ts";
import type { LabNode } from "./scenario.ts";
import type { LabVolume } from "./volume.ts";
import { until } from "./waiting.ts";

const WRITER = fileURLToPath(new URL("../../tools/lab/writer.pl", import.meta.url));
const PAUSE_MS = 100;
const READ_MS = 180_000;

/** A running writer. */
export class LabWriter {
  readonly volume: LabVolume;
  readonly node: LabNode;
  readonly run: string;
  readonly #pid: number;

  private constructor(volume: LabVolume, node: LabNode, run: string, pid: number) {
    this.volume = volume;
    this.node = node;
    this.run = run;
    this.#pid = pid;
  }

  /** Starts one on a published volume; waits for its first confirmed records. */
  static async start(
    volume: LabVolume,
    signal: AbortSignal,
    node: LabNode = volume.lab.node,
  ): Promise<LabWriter> {
    const run = volume.plan.name.slice(-32);
    const argv = [WRITER, volume.dataPath, `/lab/${run}.journal`, run, PAUSE_MS];
    const pid = await node.machine.start(`exec perl ${argv.join(" ")}`, `/lab/${run}.log`);
    const writer = new LabWriter(volume, node, run, pid);
    await writer.waitForRecords(3, 60_000, signal);
    return writer;
  }

  /** What it noted so far. */
  async journal(): Promise<WriterJournal> {
    const path = join(this.node.machine.shared, `${this.run}.journal`);
    return parseWriterJournal(await Deno.readTextFile(path).catch(() => ""));
  }

  /** Waits until `count` more records are confirmed than there are now. */
  async waitForRecords(count: number, withinMs: number, signal: AbortSignal): Promise<void> {
    const before = (await this.journal()).confirmed.length;
    await until({
      what: `${count} more records of ${this.run}`,
      withinMs,
      signal,
      seen: () => before,
      look: async () => (await this.journal()).confirmed.length >= before + count || undefined,
    });
  }

  /** Waits for an error. */
  async waitForError(withinMs: number, signal: AbortSignal): Promise<string> {
    return await until({
      what: `an error of ${this.run}`,
      withinMs,
      signal,
      look: async () => (await this.journal()).failed[0]?.errno,
    });
  }

  /** Ends it after the record at hand. @throws {Error} when it does not end in time */
  async stop(signal: AbortSignal, withinMs = 30_000): Promise<WriterJournal> {
    await this.node.machine.exec(`kill -TERM ${this.#pid}`);
    return await until({
      what: `the end of writer ${this.run}`,
      withinMs,
      signal,
      look: async () => {
        const journal = await this.journal();
        return journal.hasEnded ? journal : undefined;
      },
    });
  }

  /** Ends it, and asserts that it saw no error and that all it confirmed can be read. */
  async stopAndCheck(signal: AbortSignal): Promise<Written> {
    const journal = await this.stop(signal);
    assert.deepEqual(journal.failed, [], `${this.run} saw errors`);
    return await this.checkRecords();
  }

  /**
   * Asserts that all it confirmed can be read from the device, wherever the volume is now.
   * @param forgottenAtMs when the box forgot what it had in memory, by the host's clock: a record
   * that was under way then may be lost; absent: none may
   */
  async checkRecords(node: LabNode = this.node, forgottenAtMs?: number): Promise<Written> {
    const journal = await this.journal();
    const last = journal.confirmed.at(-1)?.number ?? 0;
    const bytes = await readRecords(this.volume, node, this.run, last + 2);
    const all = checkRecords(bytes, this.run, journal);
    const findings = all.filter(({ number }) => !isUnderWay(journal, number, forgottenAtMs));
    assert.deepEqual(findings.slice(0, 5), [], `${this.run} lost records`);
    assert.ok(journal.confirmed.length > 0, `${this.run} confirmed nothing`);
    return {
      longestFsyncMs: longestStallMs(journal),
      records: journal.confirmed.length,
      lostUnderWay: all.length,
    };
  }
}

/** What a writer wrote, found whole. */
export interface Written {
  readonly longestFsyncMs: number;
  readonly records: number;
  /** Records that were lost and may be, see {@link LabWriter.checkRecords}. */
  readonly lostUnderWay: number;
}

/** The clocks of host and machine differ by less. */
const CLOCKS_MS = 2_000;

/** Whether a record was begun before and confirmed after a moment. */
function isUnderWay(
  { confirmed }: WriterJournal,
  number: number,
  atMs: number | undefined,
): boolean {
  const record = confirmed.find((one) => one.number === number);
  if (atMs === undefined || record === undefined) return false;
  const { startedMs, durationMs } = record;
  return startedMs < atMs + CLOCKS_MS && startedMs + durationMs > atMs + CLOCKS_MS;
}

/** The first `count` records as the device has them: what is in memory is dropped before. */
async function readRecords(
  volume: LabVolume,
  node: LabNode,
  run: string,
  count: number,
): Promise<Uint8Array> {
  const [path, copy] = [volume.dataPath, `${run}.data`];
  const read = `dd if=${path} of=/lab/${copy} bs=1M iflag=fullblock`;
  const limit = `count=${Math.ceil((count * RECORD_BYTES) / (1024 * 1024))}`;
  const drop = "echo 3 >/proc/sys/vm/drop_caches";
  await node.machine.run(`${drop}; ${read} ${limit} status=none`, {
    deadlineMs: READ_MS,
  });
  const file = join(node.machine.shared, copy);
  const bytes = await Deno.readFile(file);
  await Deno.remove(file);
  return bytes.subarray(0, count * RECORD_BYTES);
}
