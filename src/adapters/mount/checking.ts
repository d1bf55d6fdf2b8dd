/** Checking an ext file system that nothing has mounted. */
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { FsckPolicy } from "../../domain/volume_parameters.ts";
import type { ProgramEnd } from "../../ports/programs.ts";
import { CHECK_MS } from "./deadlines.ts";
import { probeDevice } from "./device_probe.ts";
import { toolWords } from "./mount_failures.ts";
import type { MountParts } from "./parts.ts";

/** What the end of e2fsck means. Its status is a sum of bits. */
export type CheckVerdict = "sound" | "needs-person" | "in-use" | "unreadable" | "failed";

const ERRORS_LEFT = 4;
/** 1: repaired. 2: a reboot is advised, which is for file systems in use. */
const SOUND_MAX = 3;

/** What is to be checked, and how. */
export interface CheckPlan {
  readonly device: BlockDevice;
  readonly policy: Exclude<FsckPolicy, "off">;
  /** Whether its superblock says that the journal has to be replayed. */
  readonly needsReplay: boolean;
}

/**
 * Replays the journal, and checks as the policy says.
 * @throws {StorageError} `not-ready` when it needs a person, `in-use` when something has it.
 */
export async function checkExt(
  parts: MountParts,
  { device, policy, needsReplay }: CheckPlan,
  signal: AbortSignal,
): Promise<void> {
  const run = (...args: readonly string[]): Promise<void> => runE2fsck(parts, device, args, signal);
  if (policy === "repair-safe") return await run("-p");
  // Reading only, it would leave the journal alone, and find what the journal makes good.
  if (needsReplay) await run("-E", "journal_only", "-p");
  await run("-n");
}

/**
 * Runs e2fsck on a device.
 * @throws {StorageError} `not-ready` when it needs a person, `in-use` when something has it.
 */
export async function runE2fsck(
  parts: MountParts,
  device: BlockDevice,
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const all = [...args, device.path];
  const call = { program: "e2fsck", args: all, deadlineMs: CHECK_MS, subject: device.number };
  const end = await parts.programs.run(call, signal);
  await judge(parts, device, end, signal);
}

async function judge(
  parts: MountParts,
  device: BlockDevice,
  end: ProgramEnd,
  signal: AbortSignal,
): Promise<void> {
  const { path } = device;
  switch (verdictOf(end)) {
    case "sound":
      return;
    case "in-use":
      throw new StorageError("in-use", `Cannot check ${path}: ${toolWords(end)}`);
    case "unreadable":
      throw new StorageError("unavailable", `Cannot check ${path}: ${toolWords(end)}`);
    case "failed":
      // It may have been the device: then reading it again fails, and says so.
      await probeDevice(parts, device, signal);
      throw new StorageError("unavailable", `Cannot check ${path}: ${toolWords(end)}`);
    case "needs-person":
      await probeDevice(parts, device, signal);
      throw new StorageError(
        "not-ready",
        `Cannot use the file system on ${path}: it is damaged, and repairing it needs a person ` +
          `(e2fsck -f ${path}): ${toolWords(end)}`,
      );
  }
}

/** Reads the end of e2fsck. */
export function verdictOf({ code, stdout, stderr }: ProgramEnd): CheckVerdict {
  if (code <= SOUND_MAX) return "sound";
  const text = `${stdout}\n${stderr}`;
  if (/is mounted|Device or resource busy|is in use/.test(text)) return "in-use";
  if (/Error reading block|Error writing block|Input\/output error|short read/i.test(text)) {
    return "unreadable";
  }
  if ((code & ERRORS_LEFT) !== 0) return "needs-person";
  return /superblock|super-block|UNEXPECTED INCONSISTENCY/i.test(text) ? "needs-person" : "failed";
}
