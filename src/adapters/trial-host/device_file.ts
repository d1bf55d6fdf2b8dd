/** Reading and writing the backing file of a disk at exact places. */

/**
 * `length` bytes of the file from `offset` on.
 * @throws {Error} when the file has fewer.
 */
export async function readAt(
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  using file = await Deno.open(path);
  await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) throw new Error(`"${path}" ends at ${offset + filled}`);
    filled += count;
  }
  return bytes;
}

/** Writes bytes into the file from `offset` on; they are on the disk when this returns. */
export async function writeAt(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(offset, Deno.SeekMode.Start);
  await writeAll(file, bytes);
  await file.syncData();
}

/** Writes bytes where the file stands. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}
