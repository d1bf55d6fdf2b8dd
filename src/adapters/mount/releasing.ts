/**
 * Taking away what is shown at a path.
 *
 * A mount leaves the kernel's table at the beginning of an unmount, not at its end: while the array
 * does not answer, the unmount hangs with everything unwritten in memory, and the table shows
 * nothing. Whoever believed the table would disconnect and lose it. So the last mount of a device is
 * noted before it is taken away, and the note goes only when the device could be opened
 * exclusively, which is the one proof that no file system has it.
 */
import { StorageError } from "../../domain/errors.ts";
import { sweepScratch } from "./binding.ts";
import { OPEN_MS, UNMOUNT_MS } from "./deadlines.ts";
import { foreignMountsOf, innerMountsOf, openersOf } from "./holders.ts";
import { isClosed, isFull, toolWords, unmountFailure } from "./mount_failures.ts";
import type { MountView } from "./mount_table.ts";
import type { MountParts } from "./parts.ts";
import { entryAt, isEmpty } from "./paths.ts";
import type { DeviceNote } from "./records.ts";

/** More mounts than that are on top of each other only when somebody mounts as fast as we unmount. */
const STACK_MAX = 4096;
/** How long the kernel, and programs that look at new devices, may take to let go. */
const PROOF_MS = 10_000;
/** The first pause between two attempts; each is twice the one before. */
const PROOF_PAUSE_MS = 20;
/** An exclusive open says so when there is no such device any more. */
const GONE: ReadonlySet<string> = new Set(["ENXIO", "ENODEV", "ENOENT"]);

/** Takes away every mount at a path, then the directory or device node, then proves it. */
export async function releasePath(
  parts: MountParts,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  await sweepScratch(parts, path);
  for (let count = 0;; count++) {
    const view = await parts.table.topmost(path);
    if (view === undefined) break;
    if (count === STACK_MAX) throw failure("in-use", path, "something mounts there all the time");
    await unmountTop(parts, path, view, signal);
  }
  // Before the proof: with the directory go the copies of the mount in other mount namespaces.
  await removeEntry(parts, path);
  const note = await parts.notes.get("releasing", path);
  if (note === undefined) return;
  await proveReleased(parts, path, note, signal);
  await parts.notes.remove("releasing", path);
}

/**
 * Forgets unmounts that need no proof any more, because the device is gone: whoever asked for them
 * may never ask again.
 */
export async function dropOldNotes({ notes, tables }: MountParts): Promise<void> {
  const now = await tables.bootId();
  for (const { key, bootId, number, sequence } of await notes.list("releasing")) {
    const isSame = bootId === now && (await tables.device(number))?.sequence === sequence;
    if (!isSame) await notes.remove("releasing", key);
  }
}

async function unmountTop(
  parts: MountParts,
  path: string,
  view: MountView,
  signal: AbortSignal,
): Promise<void> {
  const { notes, tables, table } = parts;
  const isLast = await table.isOnlyAt(view.device, path);
  const shown = isLast ? await tables.device(view.device) : undefined;
  if (shown !== undefined) {
    const { sequence } = shown;
    const bootId = await tables.bootId();
    if (view.isAlive && !view.entry.superOptions.includes("ro")) {
      await syncFileSystem(parts, path, view, signal);
    }
    await dropOldNotes(parts);
    await notes.put("releasing", { key: path, bootId, number: view.device, sequence });
  }
  const args = ["-i", "-c", path];
  const call = { program: "umount", args, deadlineMs: UNMOUNT_MS, subject: view.device };
  const end = await parts.programs.run(call, signal);
  if (end.code === 0) {
    if (isLast) await table.forgetDevice(view.entry);
    return;
  }
  const kind = unmountFailure(end);
  if (kind === "not-mounted") return;
  await notes.remove("releasing", path);
  if (kind === "other") throw failure("unavailable", path, toolWords(end));
  throw failure("in-use", path, `it is used by ${await usersOf(parts, path)}`);
}

/** What cannot be written out is said here, and nowhere else: an unmount drops it without a word. */
async function syncFileSystem(
  { programs }: MountParts,
  path: string,
  { device }: MountView,
  signal: AbortSignal,
): Promise<void> {
  // A program, not a kernel call: while an array is away one of these hangs for each of its
  // volumes, and a program that hangs is fifty times smaller than a worker.
  const call = { program: "sync", args: ["-f", path], deadlineMs: UNMOUNT_MS, subject: device };
  const end = await programs.run(call, signal);
  if (end.code === 0 || isClosed(end)) return;
  const words = toolWords(end);
  if (isFull(end)) throw failure("out-of-space", path, `what was written does not fit: ${words}`);
  const finding = `what was written could not be stored: ${words}; the array may be full`;
  throw failure("unavailable", path, finding);
}

/** Removes the empty directory or the device node at a path. Never more than the one entry. */
async function removeEntry({ notes }: MountParts, path: string): Promise<void> {
  const info = await entryAt(path);
  if (info?.isDirectory && !await isEmpty(path)) {
    throw failure("not-ready", path, "it holds files of somebody's");
  }
  if (info !== undefined && !info.isDirectory && !info.isBlockDevice) {
    throw failure("not-ready", path, "it is no mount and no device of ours");
  }
  if (info !== undefined) await remove(path);
  if (info?.isDirectory !== true) await notes.remove("exposed", path);
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOENT") return;
    if (code === "EBUSY") throw failure("in-use", path, "something is mounted on it", cause);
    if (code === "ENOTEMPTY") throw failure("not-ready", path, "it holds files", cause);
    throw failure("unavailable", path, "its directory cannot be changed", cause);
  }
}

/**
 * Proves that nothing has the device any more that was mounted at `path`.
 * @throws {StorageError} `unavailable` while the kernel has not let go; `in-use` when another mount
 * namespace has it mounted.
 */
async function proveReleased(
  parts: MountParts,
  path: string,
  note: DeviceNote,
  signal: AbortSignal,
): Promise<void> {
  const { tables, table, kernelCalls, clock, files } = parts;
  if (note.bootId !== await tables.bootId()) return;
  const giveUpMs = clock.monotonicMs() + PROOF_MS;
  const { number } = note;
  for (let pauseMs = PROOF_PAUSE_MS;; pauseMs *= 2) {
    const shown = await tables.device(number);
    if (shown?.sequence !== note.sequence) return;
    // Mounted again since: then whoever did so answers for it.
    if ((await table.mountsOf(number)).length > 0) return;
    const call = { kind: "open-exclusively", path: shown.path, number } as const;
    const options = { deadlineMs: OPEN_MS, subject: number };
    const result = await kernelCalls.call(call, options, signal);
    if (result.isOk || GONE.has(result.errno)) return;
    if (result.errno !== "EBUSY") {
      throw failure("unavailable", path, `${shown.path} cannot be tried (${result.errno})`);
    }
    if (clock.monotonicMs() > giveUpMs) break;
    await clock.sleep(pauseMs, signal);
  }
  const foreign = await foreignMountsOf(number, files);
  if (foreign.length > 0) throw failure("in-use", path, `it is mounted at ${foreign.join(", ")}`);
  const finding = `it is unmounted, and the kernel still holds device ${number}`;
  throw failure("unavailable", path, finding);
}

async function usersOf({ files }: MountParts, path: string): Promise<string> {
  const users = [...await innerMountsOf(path, files), ...await openersOf(path, files)];
  return users.length === 0 ? "something that cannot be seen from here" : users.join(", ");
}

function failure(
  code: StorageError["code"],
  path: string,
  finding: string,
  cause?: unknown,
): StorageError {
  return new StorageError(code, `Cannot release ${path}: ${finding}`, { cause });
}
