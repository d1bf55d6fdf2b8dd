/**
 * Letting an ext file system fill its device before it is mounted, for processes that may not do so
 * afterwards. It takes a whole check first, so it is done only where there is no other way.
 */
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import { runE2fsck } from "./checking.ts";
import { CHECK_MS, PLAIN_MS } from "./deadlines.ts";
import { toolWords } from "./mount_failures.ts";
import type { MountParts } from "./parts.ts";

/** CAP_SYS_RESOURCE by its number: the kernel asks for it where a mounted ext grows. */
const SYS_RESOURCE = 24n;

/**
 * Grows an ext that nothing has mounted, unless this process can grow it mounted, or it fills its
 * device already.
 * @throws {StorageError} `not-ready` when it is damaged; `unavailable` otherwise.
 */
export async function growUnmounted(
  parts: MountParts,
  device: BlockDevice,
  signal: AbortSignal,
): Promise<void> {
  const { files, programs, table } = parts;
  if (mayGrowMounted(await files.read("/proc/self/status") ?? "")) return;
  if ((await table.mountsOf(device.number)).length > 0) return;
  const { path, number: subject } = device;
  const look = { program: "dumpe2fs", args: ["-h", path], deadlineMs: PLAIN_MS, subject };
  const header = await programs.run(look, signal);
  if (header.code !== 0 || !isSmaller(header.stdout, device.sizeBytes)) return;
  await runE2fsck(parts, device, ["-f", "-p"], signal);
  const grow = { program: "resize2fs", args: [path], deadlineMs: CHECK_MS, subject };
  const end = await programs.run(grow, signal);
  if (end.code === 0) return;
  throw new StorageError(
    "unavailable",
    `Cannot grow the file system on ${path}: ${toolWords(end)}`,
  );
}

/** Whether a process with this `/proc/self/status` may grow a mounted ext. */
export function mayGrowMounted(status: string): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return effective !== undefined && (BigInt(`0x${effective}`) >> SYS_RESOURCE & 1n) === 1n;
}

/** Whether the header that dumpe2fs printed is that of a file system a block or more too small. */
export function isSmaller(header: string, deviceBytes: number): boolean {
  const [blocks, blockBytes] = ["Block count", "Block size"].map((name) =>
    Number(new RegExp(`^${name}:\\s*(\\d+)$`, "m").exec(header)?.[1])
  );
  if (blocks === undefined || blockBytes === undefined) return false;
  return (blocks + 1) * blockBytes <= deviceBytes;
}
