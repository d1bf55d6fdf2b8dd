/**
 * Removing and renaming files that disks may have open. The box allows both: the open file lives
 * on without its name until the disk is removed or the box reboots; then the data is gone.
 */
import type { DiskTable } from "./disk_table.ts";
import { slotOf } from "./disk_record.ts";
import type { FileTable } from "./file_table.ts";
import { type FileRecord, FILES_PREFIX } from "./records.ts";
import type { ViolationLog } from "./violation_log.ts";

/** What these operations work with. */
export interface OpenFilesParts {
  readonly files: FileTable;
  readonly disks: DiskTable;
  readonly violations: ViolationLog;
}

/** Removes a file, or a directory with all in it; open files are a violation, not an error. */
export function removeFiles(parts: OpenFilesParts, name: string): void {
  const { files, disks, violations } = parts;
  for (const record of files.within(name).reverse()) {
    const users = record.kind === "file" ? disks.usersOf(record.name) : [];
    if (users.length === 0) {
      files.remove(record);
      continue;
    }
    const slots = users.map((disk) => `"${slotOf(disk)}"`).join(" and ");
    violations.record("file-removed-in-use", `${record.name} was removed while ${slots} used it`);
    disks.moveBacking(users, files.detach(record));
  }
}

/** Renames a file or directory; disks keep what they have open, under its new name. */
export function renameFile(parts: OpenFilesParts, record: FileRecord, name: string): void {
  const { files, disks } = parts;
  const open = files.within(record.name).map((file) => ({
    to: name + file.name.slice(record.name.length),
    users: file.kind === "file" ? disks.usersOf(file.name) : [],
  }));
  files.rename(record, name);
  for (const { to, users } of open) disks.moveBacking(users, FILES_PREFIX + to);
}
