/** Letting a file system fill its device. */
import type { FileSystemType } from "../../domain/access.ts";
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import { GROW_MS } from "./deadlines.ts";
import { probeDevice } from "./device_probe.ts";
import { toolWords } from "./mount_failures.ts";
import type { MountParts } from "./parts.ts";

const FORBIDDEN = " (growing a mounted file system needs CAP_SYS_RESOURCE; without it, it grows " +
  "when the volume is staged again)";

/**
 * Grows what is mounted at `path`. One whose superblock says that it fills its device is left
 * alone, which is what nearly every stage finds; else the tool finds out what there is to do.
 * @throws {StorageError} `not-ready` when the kernel does not allow it; `unavailable` otherwise.
 */
export async function growMounted(
  parts: MountParts,
  device: BlockDevice,
  fileSystem: FileSystemType,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  // What the disk says may be older than what the mount knows, and then smaller: never larger.
  const finding = await probeDevice(parts, device, signal);
  if (finding.kind === "file-system" && finding.sizeBytes >= device.sizeBytes) return;
  const { program, args } = growCommand(device, fileSystem, path);
  const call = { program, args, deadlineMs: GROW_MS, subject: device.number };
  const end = await parts.programs.run(call, signal);
  if (end.code === 0) return;
  const words = toolWords(end);
  const isForbidden = /Permission denied|Operation not permitted/.test(words);
  throw new StorageError(
    isForbidden ? "not-ready" : "unavailable",
    `Cannot grow the ${fileSystem} at ${path}: ${words}` +
      (isForbidden ? FORBIDDEN : ""),
  );
}

function growCommand(
  device: BlockDevice,
  fileSystem: FileSystemType,
  path: string,
): { readonly program: string; readonly args: readonly string[] } {
  switch (fileSystem) {
    case "ext4":
    case "ext3":
      return { program: "resize2fs", args: [device.path] };
    case "xfs":
      return { program: "xfs_growfs", args: ["-d", path] };
    case "btrfs":
      return { program: "btrfs", args: ["filesystem", "resize", "max", path] };
  }
}
