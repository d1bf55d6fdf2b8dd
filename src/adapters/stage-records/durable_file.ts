/** Files that are whole after any crash, and on the disk before anybody is told so. */
import { dirname } from "node:path";

/** What ends the name of a file that is being written. */
export const PART_SUFFIX = ".new";

/**
 * Puts a text in place of whatever is at `path`, mode 0600. After a crash there is the old file or
 * the new one, and perhaps a part with the suffix {@link PART_SUFFIX}.
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  // Two processes may write: the one that serves, and a command of a person.
  const part = `${path}.${crypto.randomUUID()}${PART_SUFFIX}`;
  try {
    await writePart(part, new TextEncoder().encode(text));
    await Deno.rename(part, path);
  } catch (error) {
    await removeIfThere(part);
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Removes a file for good; one that is not there is a success. */
export async function removeDurably(path: string): Promise<void> {
  if (await removeIfThere(path)) await syncDirectory(dirname(path));
}

/** Makes a directory and its parents for good, mode 0700; one that is there is a success. */
export async function makeDirectoryDurably(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  await syncDirectory(dirname(path));
}

async function writePart(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
  await file.sync();
}

/** A name is on the disk when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  using directory = await Deno.open(path);
  await directory.sync();
}

async function removeIfThere(path: string): Promise<boolean> {
  try {
    await Deno.remove(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
