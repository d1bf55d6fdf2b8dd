/**
 * State on disk: a snapshot (`state.json`) and a journal of the changes since
 * (`journal-<generation>.jsonl`). A change is one appended line, written before the command
 * answers, so that a killed simulator has lost nothing. When the journal outgrows the state it is
 * folded into a new snapshot, which replaces the old one by a rename.
 *
 * `state.json` is `{"schema": 1, "generation": 7, "records": [["disk", "*2B", {…}], …]}`; a line of
 * the journal is `["disk", "*2B", {…}]`, or `["disk", "*2B"]` for a deletion.
 */

/** The version of the files' form; a directory of another version is refused. */
export const STATE_SCHEMA = 1;

/** The file that says a directory belongs to a simulator. */
export const MARKER_NAME = "rds-simulator.json";

/** One change: collection, key, record. Without a record it is a deletion. */
export type StateChange = readonly [string, string, unknown] | readonly [string, string];

/** Where changes are kept. */
export interface Journal {
  /** Keeps one change. `dump` gives the whole state when the journal has to be folded. */
  append(change: StateChange, dump: () => StateChange[]): void;
  close(): void;
}

/** A journal that keeps nothing, for boxes in memory. */
export const NO_JOURNAL: Journal = { append: () => {}, close: () => {} };

const MINIMUM_LINES_TO_FOLD = 2000;

/** The snapshot file, parsed. */
interface Snapshot {
  readonly schema: number;
  readonly generation: number;
  readonly records: readonly StateChange[];
}

/**
 * What the files in `directory` hold: the snapshot's records and then every later change, in
 * order. A last line that was cut short by a kill is left out.
 * @throws {Error} when the state is of another schema version or unreadable.
 */
export function readStateChanges(
  directory: string,
): { readonly generation: number; readonly changes: readonly StateChange[] } {
  const snapshotText = readIfPresent(`${directory}/state.json`);
  if (snapshotText === undefined) return { generation: 0, changes: [] };
  const snapshot = JSON.parse(snapshotText) as Snapshot;
  if (snapshot.schema !== STATE_SCHEMA) {
    throw new Error(
      `Cannot read the simulator state in "${directory}": schema ${snapshot.schema}, not ${STATE_SCHEMA}`,
    );
  }
  const journal = readIfPresent(journalPath(directory, snapshot.generation)) ?? "";
  const lines = journal.split("\n");
  lines.pop(); // empty after a complete last line, else the torn rest of one
  const changes = lines.map((line) => JSON.parse(line) as StateChange);
  return { generation: snapshot.generation, changes: [...snapshot.records, ...changes] };
}

/** The journal of `directory`, which starts with a fresh snapshot of `records`. */
export class DirectoryJournal implements Journal {
  readonly #directory: string;
  #generation: number;
  #file: Deno.FsFile;
  #lines = 0;
  #linesToFold = MINIMUM_LINES_TO_FOLD;

  constructor(directory: string, generation: number, records: StateChange[]) {
    this.#directory = directory;
    this.#generation = generation;
    this.#file = this.#fold(records);
  }

  append(change: StateChange, dump: () => StateChange[]): void {
    this.#appendLine(`${JSON.stringify(change)}\n`);
    this.#lines += 1;
    if (this.#lines < this.#linesToFold) return;
    const full = this.#file;
    try {
      this.#file = this.#fold(dump());
      full.close();
    } catch {
      // The journal holds all that the snapshot would; there may be room for one later.
      this.#linesToFold = 2 * this.#lines;
    }
  }

  /** Takes a half-written line back, or the next one would be lost with it. */
  #appendLine(line: string): void {
    const end = this.#file.seekSync(0, Deno.SeekMode.Current);
    try {
      writeAll(this.#file, line);
    } catch (error) {
      if (this.#file.statSync().isFile) this.#file.truncateSync(end);
      this.#file.seekSync(end, Deno.SeekMode.Start);
      throw error;
    }
  }

  close(): void {
    this.#file.close();
  }

  /** Writes a snapshot of the next generation and opens its empty journal. */
  #fold(records: StateChange[]): Deno.FsFile {
    const old = journalPath(this.#directory, this.#generation);
    const generation = this.#generation + 1;
    const path = journalPath(this.#directory, generation);
    const file = Deno.openSync(path, { create: true, truncate: true, write: true });
    const snapshot: Snapshot = { schema: STATE_SCHEMA, generation, records };
    try {
      replaceFile(`${this.#directory}/state.json`, JSON.stringify(snapshot));
    } catch (error) {
      file.close();
      removeIfPresent(path);
      throw error;
    }
    this.#generation = generation;
    removeIfPresent(old);
    this.#lines = 0;
    this.#linesToFold = Math.max(MINIMUM_LINES_TO_FOLD, 2 * records.length);
    return file;
  }
}

/**
 * Makes `directory` a simulator's directory, or checks that it is one.
 * @throws {Error} when it has files and no marker, or a marker of another schema version.
 */
export function claimDirectory(directory: string): void {
  Deno.mkdirSync(directory, { recursive: true });
  const marker = readIfPresent(`${directory}/${MARKER_NAME}`);
  if (marker === undefined) {
    if (!Deno.readDirSync(directory)[Symbol.iterator]().next().done) {
      throw new Error(
        `Cannot use "${directory}" for the simulator: it has files and no ${MARKER_NAME}`,
      );
    }
    const text = { purpose: "state of a simulated RouterOS box", schema: STATE_SCHEMA };
    replaceFile(`${directory}/${MARKER_NAME}`, `${JSON.stringify(text)}\n`);
    return;
  }
  const schema = (JSON.parse(marker) as { readonly schema?: unknown }).schema;
  if (schema !== STATE_SCHEMA) {
    throw new Error(
      `Cannot use "${directory}" for the simulator: schema ${schema}, not ${STATE_SCHEMA}`,
    );
  }
}

function journalPath(directory: string, generation: number): string {
  return `${directory}/journal-${generation}.jsonl`;
}

/** Replaces a file so that a reader sees the old or the new text, never half. */
function replaceFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  const file = Deno.openSync(temporary, { create: true, truncate: true, write: true });
  try {
    writeAll(file, text);
    file.syncSync();
  } finally {
    file.close();
  }
  Deno.renameSync(temporary, path);
}

function writeAll(file: Deno.FsFile, text: string): void {
  let rest: Uint8Array = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
}

function readIfPresent(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
