/**
 * Showing a mounted tree at one more path.
 *
 * A read-only bind takes two steps with most versions of mount: for a moment the tree is there
 * writable, and for ever when the process ends between them. So both steps are done at a place of
 * ours, and what is there is bound to the path: such a bind begins as read-only as its source.
 */
import { join } from "node:path";
import { base64url, sha256Of } from "../../domain/digest.ts";
import { StorageError } from "../../domain/errors.ts";
import { PLAIN_MS } from "./deadlines.ts";
import { toolWords } from "./mount_failures.ts";
import { topmostAt } from "./mountinfo.ts";
import type { MountParts } from "./parts.ts";
import { isMissing, onThisMachine } from "./paths.ts";

/** Options of a mount, not of its file system, that a change to read-only must name to keep. */
const KEPT_OPTIONS: ReadonlySet<string> = new Set([
  ...["nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime"],
]);

/**
 * Binds what is mounted at `from` to the directory `path`.
 * @throws {StorageError} `not-ready` when the kernel refuses.
 */
export async function bindTree(
  parts: MountParts,
  { from, path, isReadOnly, subject }: {
    readonly from: string;
    readonly path: string;
    readonly isReadOnly: boolean;
    readonly subject: string;
  },
  signal: AbortSignal,
): Promise<void> {
  const run = async (...args: readonly string[]): Promise<void> => {
    const call = { program: "mount", args, deadlineMs: PLAIN_MS, subject };
    const end = await parts.programs.run(call, signal);
    if (end.code === 0) return;
    throw new StorageError("not-ready", `Cannot bind ${from} to ${path}: ${toolWords(end)}`);
  };
  if (!isReadOnly) return await run("-c", "--bind", from, path);
  const scratch = join(parts.scratchDirectory, scratchName(path));
  await onThisMachine("make", scratch, Deno.mkdir(scratch, { recursive: true }));
  try {
    await run("-c", "--bind", from, scratch);
    const options = topmostAt(await parts.tables.mounts(), scratch)?.mountOptions ?? [];
    const kept = options.filter((option) => KEPT_OPTIONS.has(option));
    await run("-c", "-o", ["remount", "bind", "ro", ...kept].join(","), scratch);
    await run("-c", "--bind", scratch, path);
  } finally {
    await sweepScratch(parts, path);
  }
}

/**
 * Takes away mounts of a moment that were left at our place, all or the one for that path. One that
 * cannot be taken away now is seen as a use of its device, and tried again by the next call.
 */
export async function sweepScratch(
  { programs, tables, scratchDirectory }: MountParts,
  forPath?: string,
): Promise<void> {
  const prefix = forPath === undefined
    ? `${scratchDirectory}/`
    : join(scratchDirectory, scratchName(forPath));
  // A mount has its directory, so without one there is none.
  const left = (await directoriesIn(scratchDirectory)).filter((path) => path.startsWith(prefix));
  if (left.length === 0) return;
  // Not the caller's signal: what was begun is ended also when nobody waits for it any more.
  const signal = new AbortController().signal;
  for (const { path } of (await tables.mounts()).reverse()) {
    if (!path.startsWith(prefix)) continue;
    const call = {
      program: "umount",
      args: ["-i", "-c", path],
      deadlineMs: PLAIN_MS,
      subject: path,
    };
    await programs.run(call, signal).catch(() => undefined);
  }
  for (const path of left) await Deno.remove(path).catch(() => undefined);
}

function scratchName(path: string): string {
  return base64url(sha256Of(path));
}

async function directoriesIn(directory: string): Promise<string[]> {
  try {
    return await Array.fromAsync(Deno.readDir(directory), ({ name }) => join(directory, name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
