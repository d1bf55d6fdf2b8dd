/** Loop devices: real block devices for tests, on a machine where we are allowed to make them. */
import { join } from "node:path";

/** Why there can be no loop device here, or undefined when there can. */
export function whyNoLoopDevices(): string | undefined {
  if (Deno.build.os !== "linux") return "not Linux";
  if (Deno.uid() !== 0) return "not root";
  try {
    Deno.statSync("/dev/loop-control");
    return undefined;
  } catch {
    return "no loop devices";
  }
}

/** A loop device over a file of zeros in a directory of its own. */
export interface LoopDevice extends AsyncDisposable {
  readonly path: string;
  readonly number: string;
  readonly directory: string;
  /** The file whose bytes are the device's. */
  readonly file: string;
}

/** Runs a tool to its end. @throws {Error} when it fails */
export async function tool(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout).trim();
}

/** Makes a loop device of that size. */
export async function openLoopDevice(sizeBytes: number): Promise<LoopDevice> {
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-loop-" });
  const file = join(directory, "disk.img");
  await Deno.writeFile(file, new Uint8Array());
  await Deno.truncate(file, sizeBytes);
  const path = await tool("losetup", "--find", "--show", file);
  const name = path.slice(path.lastIndexOf("/") + 1);
  const number = (await Deno.readTextFile(`/sys/class/block/${name}/dev`)).trim();
  return {
    path,
    number,
    directory,
    file,
    [Symbol.asyncDispose]: async () => {
      await tool("losetup", "--detach", path);
      await Deno.remove(directory, { recursive: true });
    },
  };
}
