/**
 * What a simulated box exports, read from its data directory. The form of the files is documented
 * with the simulator (`src/simulator/box/export_list.ts` and `journal.ts`): a marker, a snapshot
 * of the state, and a journal of the changes since; whoever reads them needs nothing else.
 */
import { join } from "node:path";
import { StorageError } from "../../domain/errors.ts";
import type { TransportAddress } from "../../domain/nvme.ts";

/** One disk that the box exports over NVMe/TCP. */
export interface ExportedFile {
  readonly nqn: string;
  readonly port: number;
  /** The file with the disk's bytes. */
  readonly backingPath: string;
  /** What the box calls the namespace; empty where it has no name. */
  readonly namespaceUuid: string;
}

/** The part of a disk's record that we read; everything is checked before it is used. */
interface DiskRecord {
  readonly configured?: Readonly<Record<string, unknown>>;
  readonly backing?: unknown;
  readonly identity?: { readonly namespaceUuid?: unknown };
}

const MARKER_NAME = "rds-simulator.json";
const SCHEMA = 1;
/** The journal may be folded into a new snapshot between two reads; this often we try again. */
const ATTEMPTS = 5;
const DEFAULT_PORT = 4420;
const BACKING = /^(files|detached)(\/[^/]+)+$/;
/** The addresses of a simulator on this machine, the only kind whose files can be reached. */
const THIS_MACHINE = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/**
 * Checks that the directory is a simulator's, so that a mistyped path is never written to.
 * @throws {StorageError} `invalid` when it has no marker, or one of another schema.
 */
export async function checkSimulatorDirectory(directory: string): Promise<void> {
  const text = await readIfPresent(join(directory, MARKER_NAME));
  if (text === undefined) {
    throw new StorageError(
      "invalid",
      `Cannot attach to "${directory}": it is no simulator's directory (no ${MARKER_NAME} in it)`,
    );
  }
  checkSchema(directory, parse(text));
}

/**
 * The exports of the box as they are now.
 * @throws {StorageError} `unavailable` when the simulator's state cannot be read.
 */
export async function readExports(directory: string): Promise<ExportedFile[]> {
  await checkSimulatorDirectory(directory);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await readSnapshot(directory);
    const journal = await readIfPresent(join(directory, `journal-${before.generation}.jsonl`));
    const { generation } = await readSnapshot(directory);
    if (generation !== before.generation) continue;
    const changes = [...before.records, ...parseJournal(journal ?? "")];
    return exportsAmong(directory, disksAfter(changes));
  }
  throw new StorageError("unavailable", `Cannot read "${directory}": its state keeps changing`);
}

/** @throws {StorageError} `unavailable` when nothing could reach the export at this address. */
export function checkReachable(nqn: string, at: TransportAddress, { port }: ExportedFile): void {
  if (!THIS_MACHINE.test(at.address)) {
    throw unanswered(nqn, at, "a trial reaches simulators on this machine only");
  }
  if (at.port !== port) throw unanswered(nqn, at, `the simulator exports it on port ${port}`);
}

/** What a caller gets where nothing answers. */
export function unanswered(
  nqn: string,
  { address, port }: TransportAddress,
  reason: string,
): StorageError {
  const what = `${nqn} at ${address} port ${port}`;
  return new StorageError("unavailable", `Cannot connect to ${what}: ${reason}`);
}

async function readSnapshot(
  directory: string,
): Promise<{ readonly generation: number; readonly records: readonly unknown[] }> {
  const text = await readIfPresent(join(directory, "state.json"));
  if (text === undefined) {
    throw new StorageError("unavailable", `Cannot read "${directory}": it holds no state yet`);
  }
  const snapshot = parse(text);
  checkSchema(directory, snapshot);
  const { generation, records } = snapshot;
  return { generation: Number(generation), records: Array.isArray(records) ? records : [] };
}

/** Every complete line; the last may have been cut short by a kill. */
function parseJournal(text: string): unknown[] {
  const lines = text.split("\n");
  lines.pop();
  return lines.map((line): unknown => JSON.parse(line));
}

function disksAfter(changes: readonly unknown[]): Map<string, DiskRecord> {
  const disks = new Map<string, DiskRecord>();
  for (const change of changes) {
    if (!Array.isArray(change) || change[0] !== "disk") continue;
    const [, key, record] = change as readonly unknown[];
    if (isRecord(record)) disks.set(String(key), record);
    else disks.delete(String(key));
  }
  return disks;
}

function exportsAmong(directory: string, disks: ReadonlyMap<string, DiskRecord>): ExportedFile[] {
  const exports: ExportedFile[] = [];
  for (const { configured = {}, backing, identity } of disks.values()) {
    if (configured["nvme-tcp-export"] !== true || configured["disabled"] === true) continue;
    // A disk that starts inside its file cannot be shown as the file.
    if (Number(configured["file-offset"] ?? 0) !== 0) continue;
    if (typeof backing !== "string" || !BACKING.test(backing) || backing.includes("/../")) continue;
    const nqn = configured["nvme-tcp-server-nqn"];
    exports.push({
      nqn: typeof nqn === "string" && nqn !== ""
        ? nqn
        : `nqn.2000-02.com.mikrotik:${String(configured["slot"] ?? "")}`,
      port: Number(configured["nvme-tcp-server-port"] ?? DEFAULT_PORT),
      backingPath: join(directory, backing),
      namespaceUuid: String(identity?.namespaceUuid ?? ""),
    });
  }
  return exports;
}

function checkSchema(directory: string, found: Readonly<Record<string, unknown>>): void {
  if (found["schema"] === SCHEMA) return;
  throw new StorageError(
    "invalid",
    `Cannot attach to "${directory}": its schema is ${String(found["schema"])}, not ${SCHEMA}`,
  );
}

function parse(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
