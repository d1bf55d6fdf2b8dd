/** What a trial with loop devices has in use of this machine: what must be gone at its end. */

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
