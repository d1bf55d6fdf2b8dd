/**
 * The wording of mount and umount (util-linux) and sync (coreutils) in the C locale, read in one
 * place. The kernel's own log says more and is not ours to read; so the likely causes are named.
 * Pure.
 */
import type { FileSystemType } from "../../domain/access.ts";
import type { ProgramEnd } from "../../ports/programs.ts";

/** Why a mount was refused, for people: the tool's words, then what it is likely to mean. */
export function mountRefusal(end: ProgramEnd, fileSystem: FileSystemType): string {
  const words = toolWords(end);
  const meaning = MEANINGS.find(([pattern]) => pattern.test(words))?.[1](fileSystem);
  return meaning === undefined ? words : `${words}: ${meaning}`;
}

/** Whether the kernel refused what it read, without saying what: EINVAL has many causes. */
export function isVagueRefusal(end: ProgramEnd): boolean {
  return /wrong fs type, bad option, bad superblock/.test(end.stderr);
}

/** Whether the tool may have failed to read or write the device; damage can look the same. */
export function isDeviceFailure({ stdout, stderr }: ProgramEnd): boolean {
  return DEVICE_FAILURE.test(`${stdout}\n${stderr}`);
}

/** What a failed umount says. */
export function unmountFailure(end: ProgramEnd): "busy" | "not-mounted" | "other" {
  if (/target is busy|device is busy/.test(end.stderr)) return "busy";
  if (/not mounted|no mount point specified|not found/.test(end.stderr)) return "not-mounted";
  return "other";
}

/** Whether sync says that there is no room, or that the owner may have no more of it. */
export function isFull(end: ProgramEnd): boolean {
  return /No space left on device|Disk quota exceeded/.test(end.stderr);
}

/** Whether sync could not even open the path: a file system that has given up takes nothing more. */
export function isClosed(end: ProgramEnd): boolean {
  return /error opening .*: Input\/output error/.test(end.stderr);
}

/** The last words of a tool on one line, without its own name and the usage it prints. */
export function toolWords({ code, stdout, stderr }: ProgramEnd): string {
  const text = (stderr.trim() === "" ? stdout : stderr).replace(/^usage:[^]*/im, "");
  const lines = text.split("\n").map((line) => line.trim().replace(SPEAKER, ""))
    .filter((line) => line !== "" && !line.startsWith("dmesg(1) may have more"));
  const words = lines.slice(-WORDS_LINES_MAX).join("; ").replace(/\.$/, "");
  return words === "" ? `status ${code}` : words.slice(0, WORDS_LENGTH_MAX);
}

/** Our message names the path already. */
const SPEAKER = /^(u?mount|sync): (\/.*?: |error syncing .*?: )?/;
const WORDS_LINES_MAX = 4;
const WORDS_LENGTH_MAX = 400;

const DEVICE_FAILURE =
  /can't read superblock|Input\/output error|No such device or address|short write/i;

const MEANINGS: readonly (readonly [RegExp, (fileSystem: FileSystemType) => string])[] = [
  [
    /wrong fs type, bad option, bad superblock/,
    (fileSystem) =>
      `the kernel does not know a mount option, or a feature of this ${fileSystem} that a newer ` +
      `kernel gave it, or the file system is damaged`,
  ],
  [
    /Structure needs cleaning/i,
    (fileSystem) =>
      fileSystem === "xfs"
        ? "the file system is damaged; a person must look at it with xfs_repair -n"
        : `the file system is damaged; a person must look at it`,
  ],
  [
    /unknown filesystem type/,
    (fileSystem) => `this kernel has no ${fileSystem} (load the module: modprobe ${fileSystem})`,
  ],
  [DEVICE_FAILURE, () => "the device could not be read"],
  [
    /already mounted or mount point busy/,
    () => "something else has the device, or it is mounted elsewhere in another way",
  ],
  [
    /write-protected|read-only but explicit read-write/i,
    () => "the device can only be read",
  ],
  [
    /File exists/,
    () => "another device with the same file-system UUID is mounted on this node",
  ],
];
