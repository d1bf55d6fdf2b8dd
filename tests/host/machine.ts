/** Whether this machine can run the host laboratory. */
import { join } from "node:path";

/** What the tests run; each comes with a package of any distribution. */
const TOOLS = ["losetup", "mount", "umount", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"];
const TOOL_DIRECTORIES = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Why the host laboratory cannot run here, or undefined when it can. */
export function whyNotHere(): string | undefined {
  if (Deno.build.os !== "linux") return `it needs Linux, this is ${Deno.build.os}`;
  if (Deno.uid() !== 0) return "it needs root";
  if (!exists("/dev/loop-control")) return "this machine has no loop devices";
  const missing = TOOLS.filter((tool) =>
    !TOOL_DIRECTORIES.some((directory) => exists(join(directory, tool)))
  );
  return missing.length === 0 ? undefined : `this machine lacks ${missing.join(", ")}`;
}

/** A test that needs the host laboratory: left out, with the reason, where that cannot run. */
export function hostTest(name: string, run: () => Promise<void>): void {
  const reason = whyNotHere();
  const shown = reason === undefined ? name : `${name} (not here: ${reason})`;
  Deno.test({ name: shown, ignore: reason !== undefined, fn: run });
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
