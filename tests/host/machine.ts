/** Whether this machine can run the host laboratory, and what of it a directory has in use. */
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

/** What of this machine is in use below a directory. */
export interface Remains {
  /** Mount points below it, and of loop devices over files below it; the deepest last. */
  readonly mounts: readonly string[];
  /** Loop devices over files below it, for example `/dev/loop3`. */
  readonly loops: readonly string[];
}

/** What is mounted or attached below a directory now. */
export function remainsBelow(directory: string): Remains {
  const loops: string[] = [];
  const numbers = new Set<string>();
  for (const { name } of Deno.readDirSync("/sys/block")) {
    const file = textOf(`/sys/block/${name}/loop/backing_file`);
    if (file === undefined || !file.startsWith(`${directory}/`)) continue;
    loops.push(`/dev/${name}`);
    numbers.add(textOf(`/sys/block/${name}/dev`)?.trim() ?? "");
  }
  const mounts: string[] = [];
  for (const line of Deno.readTextFileSync("/proc/self/mountinfo").split("\n")) {
    const [, , number = "", , path = ""] = line.split(" ");
    const source = line.split(" - ")[1]?.split(" ")[1] ?? "";
    const isOurs = path.startsWith(`${directory}/`) || numbers.has(number) ||
      loops.includes(source);
    if (isOurs) mounts.push(path);
  }
  return { mounts, loops: loops.sort() };
}

function textOf(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined; // no loop device, or none any more
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
