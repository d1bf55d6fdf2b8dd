/** The programs of this machine that a node needs for all that volumes may be. */
import { join } from "node:path";
import type { Attachment } from "./attach.ts";

const FOR_MOUNTS = ["mount", "umount", "mknod", "sync"] as const;
const FOR_FILE_SYSTEMS = [
  ...["mkfs.ext4", "mkfs.ext3", "e2fsck", "resize2fs", "dumpe2fs"],
  ...["mkfs.xfs", "xfs_growfs", "mkfs.btrfs", "btrfs"],
] as const;
const EXECUTABLE = 0o111;

/** Those programs that `PATH` does not lead to, by name. */
export async function missingTools({ kind }: Attachment): Promise<string[]> {
  if (kind === "trial") return [];
  const tools = [...FOR_MOUNTS, ...FOR_FILE_SYSTEMS, ...(kind === "loop" ? ["losetup"] : [])];
  const missing: string[] = [];
  for (const tool of tools) if (!await isInPath(tool)) missing.push(tool);
  return missing;
}

async function isInPath(tool: string): Promise<boolean> {
  for (const directory of (Deno.env.get("PATH") ?? "").split(":")) {
    try {
      const { isFile, mode } = await Deno.stat(join(directory, tool));
      if (isFile && ((mode ?? 0) & EXECUTABLE) !== 0) return true;
    } catch {
      // It is not in this one.
    }
  }
  return false;
}
