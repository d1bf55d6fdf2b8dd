/** Who has a device, in words for people: what an exclusive open that fails does not say. */
import type { DeviceNumber } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import type { DeviceOpener } from "../../ports/kernel_calls.ts";
import type { NvmeContext } from "./context.ts";

/** More than a node runs; the list is for people. */
const PROCESSES_MAX = 4096;
const NAMED_MAX = 4;

/**
 * What is known to hold a device: mounts of it or of its partitions in any process's view, and
 * devices that were made on top of it. Empty when nothing shows, which proves nothing.
 */
export async function holdersOf(
  { files, paths }: NvmeContext,
  name: string,
  number: DeviceNumber,
): Promise<string[]> {
  const directory = `${paths.sys}/class/block/${name}`;
  const numbers = new Set<string>(await numbersOf({ files, paths }, name, number));
  const above = (await files.list(`${directory}/holders`)).map((each) => `device ${each}`);
  const swaps = (await files.read(`${paths.proc}/swaps`) ?? "").split("\n")
    .filter((line) => line.startsWith(`${paths.dev}/${name} `)).map(() => "swap");
  const found = [...above, ...swaps, ...await mountsOf({ files, paths }, numbers)];
  return found.slice(0, NAMED_MAX);
}

/**
 * The processes that have the device or a partition of it open, as far as this process's view of
 * the machine goes: that of a container without the host's process ids ends at its own.
 * @throws {StorageError} `unavailable` when that cannot be said in time
 */
export async function openersOf(
  context: NvmeContext,
  name: string,
  number: DeviceNumber,
  subject: string,
  signal: AbortSignal,
): Promise<readonly DeviceOpener[]> {
  const numbers = await numbersOf(context, name, number);
  const call = { kind: "find-openers", numbers } as const;
  const options = { subject, deadlineMs: context.timing.deviceCallMs };
  const found = await context.calls.call(call, options, signal);
  if (found.isOk) return found.answer;
  throw new StorageError(
    "unavailable",
    `Cannot find out who has ${name} open: ${found.errno}`,
  );
}

/** Openers in words. */
export function wordsFor(openers: readonly DeviceOpener[]): string[] {
  return openers.slice(0, NAMED_MAX).map(({ pid, name, canWrite }) =>
    `${pid === undefined ? `device ${name}` : `process ${pid} (${name})`} has it open${
      canWrite ? "" : " for reading"
    }`
  );
}

/** The device's own number and those of its partitions. */
async function numbersOf(
  { files, paths }: Pick<NvmeContext, "files" | "paths">,
  name: string,
  number: DeviceNumber,
): Promise<DeviceNumber[]> {
  const directory = `${paths.sys}/class/block/${name}`;
  const numbers = [number];
  for (const entry of await files.list(directory)) {
    if (!entry.startsWith(name)) continue;
    const partition = await files.read(`${directory}/${entry}/dev`);
    if (partition !== undefined) numbers.push(partition as DeviceNumber);
  }
  return numbers;
}

/** Mount points of the devices; a container can have a mount that no other process sees. */
async function mountsOf(
  { files, paths }: Pick<NvmeContext, "files" | "paths">,
  numbers: ReadonlySet<string>,
): Promise<string[]> {
  const places = new Map<string, string>();
  const processes = (await files.list(paths.proc)).filter((each) => /^\d+$/.test(each))
    .sort((left, right) => Number(left) - Number(right));
  for (const process of ["self", ...processes.slice(0, PROCESSES_MAX)]) {
    const table = await files.read(`${paths.proc}/${process}/mountinfo`) ?? "";
    for (const line of table.split("\n")) {
      const [, , number = "", , place = ""] = line.split(" ");
      if (!numbers.has(number) || places.has(place)) continue;
      places.set(place, process === "self" ? place : `${place} (as process ${process} sees it)`);
    }
    if (places.size >= NAMED_MAX) break;
  }
  return [...places.values()].map((place) => `mounted at ${place}`);
}
