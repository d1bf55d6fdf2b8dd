/**
 * Cleans up after a test, however that ended. It runs as a process of its own, is told on standard
 * input which processes belong to the test, one `pid start` a line, and acts when that input ends:
 * because the test is over, or because it was killed. What it had to put right it prints.
 */
import { startOfProcess } from "../../src/adapters/children/stuck_children.ts";
import { remainsBelow } from "../../tools/trial/remains.ts";

const ROUNDS_MAX = 50;
const ROUND_MS = 100;

/** An interrupt reaches every process of a terminal, and this one has work left. */
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => {});
}

async function readProcesses(): Promise<[pid: number, start: string][]> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of Deno.stdin.readable) text += decoder.decode(chunk, { stream: true });
  return text.split("\n").filter((line) => line !== "").map((line) => {
    const [pid, start = ""] = line.split(" ");
    return [Number(pid), start];
  });
}

async function run(program: string, ...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

/** Takes away mounts and loop devices below the directory, whatever holds them. */
async function release(directory: string): Promise<string[]> {
  const found = new Set<string>();
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const { mounts, loops } = remainsBelow(directory);
    if (mounts.length + loops.length === 0) return [...found];
    for (const what of [...mounts, ...loops]) found.add(what);
    for (const path of mounts.toReversed()) {
      await run("umount", path) || await run("umount", "--lazy", path);
    }
    for (const path of loops) await run("losetup", "--detach", path);
    await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
  }
  throw new Error(`Cannot clean up: ${JSON.stringify(remainsBelow(directory))} stays`);
}

async function cleanUp(directory: string): Promise<void> {
  const found: string[] = [];
  for (const [pid, start] of await readProcesses()) {
    if (startOfProcess(pid) !== start) continue;
    Deno.kill(pid, "SIGKILL");
    found.push(`process ${pid}`);
  }
  found.push(...await release(directory));
  if (!await run("rm", "--recursive", "--force", "--one-file-system", directory)) {
    throw new Error(`Cannot clean up: ${directory} stays`);
  }
  for (const what of found) Deno.stdout.writeSync(new TextEncoder().encode(`${what}\n`));
}

const [directory = ""] = Deno.args;
if (!directory.startsWith("/") || directory === "/") throw new Error("no directory was given");
await cleanUp(directory);
Deno.exit(0);
