/** What a laboratory leaves for those who look for a cause, and for fixtures of unit tests. */
import { join } from "node:path";
import type { Machine } from "./machine.ts";
import { guestScript } from "./segment.ts";

const DEADLINE_MS = 60_000;
/** Each is the output of a command, in a file of its own. */
const OUTPUTS: Readonly<Record<string, string>> = {
  "dmesg.txt": "dmesg",
  "mountinfo.txt": "cat /proc/self/mountinfo",
  "processes.txt": "ps axo pid,ppid,stat,wchan:32,args",
  "nvmet.txt": "cd /sys/kernel/config/nvmet 2>/dev/null && find . -type l -o -type f -print",
  "kernel.txt": "uname -a; cat /proc/cmdline; lsmod",
};

/**
 * Copies the logs of a machine into `directory`, and, while it runs, what its kernel says: dmesg,
 * mounts, processes, and as sysfs.tar the trees of NVMe and of block devices. What cannot be had
 * is left out; what is missing is in problems.txt.
 */
export async function collectMachine(machine: Machine, directory: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  const problems: string[] = [];
  const attempt = async (what: string, act: () => Promise<void>): Promise<void> => {
    await act().catch((error) => problems.push(`${what}: ${error}`));
  };
  await attempt("serial log", async () => {
    await Deno.copyFile(machine.serialLog, join(directory, "serial.log"));
  });
  if (machine.isRunning) {
    for (const [name, command] of Object.entries(OUTPUTS)) {
      await attempt(name, async () => {
        const { stdout } = await machine.exec(command, { deadlineMs: DEADLINE_MS });
        await Deno.writeTextFile(join(directory, name), stdout);
      });
    }
    await attempt("sysfs.tar", async () => {
      const script = `perl ${guestScript("collect_sysfs.pl")} /lab/sysfs.tar`;
      await machine.run(script, { deadlineMs: DEADLINE_MS });
    });
  }
  await attempt("shared files", () => copyLogs(machine.shared, directory));
  if (problems.length > 0) {
    await Deno.writeTextFile(join(directory, "problems.txt"), `${problems.join("\n")}\n`);
  }
}

async function copyLogs(shared: string, directory: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(shared)) {
    if (!isFile || !/\.(log|journal|tar)$/.test(name)) continue;
    await Deno.copyFile(join(shared, name), join(directory, name));
  }
}
