/** Comparing RouterOS versions, and what each brought (crawls of the command tree, 7.9 to 7.24). */

/** Whether `version` is `floor` or later; missing parts count as zero (`7.21` is `7.21.0`). */
export function isAtLeast(version: string, floor: string): boolean {
  const have = version.split(".").map(Number);
  const need = floor.split(".").map(Number);
  for (let part = 0; part < Math.max(have.length, need.length); part++) {
    const difference = (have[part] ?? 0) - (need[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** The versions in which what a client may look for appeared. */
export const SINCE: {
  readonly fileDisks: string;
  readonly compress: string;
  readonly btrfsFileSystem: string;
  readonly btrfsSubvolume: string;
  readonly serverNqn: string;
  readonly fileCopy: string;
} = {
  fileDisks: "7.17",
  compress: "7.18",
  btrfsFileSystem: "7.17",
  btrfsSubvolume: "7.18",
  serverNqn: "7.21",
  fileCopy: "7.23",
};
