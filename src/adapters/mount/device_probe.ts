/** Reading of a device what has to be looked at, past the page cache and all or nothing. */
import type { BlockDevice } from "../../domain/block_device.ts";
import { StorageError } from "../../domain/errors.ts";
import { READ_MS } from "./deadlines.ts";
import type { DeviceWindow } from "../../ports/kernel_calls.ts";
import type { MountParts } from "./parts.ts";
import { checkDevicePath } from "./paths.ts";
import { frontWindows, probeWindows } from "./probe_windows.ts";
import { readWindows, recognise } from "./recognise.ts";
import type { Finding } from "./recognise.ts";

/**
 * What the bytes of a device say. Where its beginning shows one whole file system the rest is not
 * read: it decides only whether a device is blank.
 * @throws {StorageError} `unavailable` when one of them cannot be read, or the device is not the
 * same before and after.
 */
export async function probeDevice(
  { tables, kernelCalls }: MountParts,
  device: BlockDevice,
  signal: AbortSignal,
): Promise<Finding> {
  const { path, number } = device;
  await checkDevicePath(device);
  const before = await tables.device(number);
  if (before === undefined) throw unreadable(path, `device ${number} is gone`);
  const look = async (windows: readonly DeviceWindow[]): Promise<Finding> => {
    const call = { kind: "read-device", path, number, windows } as const;
    const options = { deadlineMs: READ_MS, subject: number };
    const result = await kernelCalls.call(call, options, signal);
    if (!result.isOk) throw unreadable(path, result.errno);
    return recognise(readWindows(windows, result.answer), before.sizeBytes);
  };
  const atFront = await look(frontWindows(before.sizeBytes));
  const finding = atFront.kind === "file-system"
    ? atFront
    : await look(probeWindows(before.sizeBytes));
  const after = await tables.device(number);
  if (after?.sequence !== before.sequence || after.sizeBytes !== before.sizeBytes) {
    throw unreadable(path, "it changed meanwhile");
  }
  return finding;
}

function unreadable(path: string, finding: string): StorageError {
  return new StorageError("unavailable", `Cannot read ${path}: ${finding}`);
}
