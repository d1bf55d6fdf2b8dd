/** Data on volumes that can be told from any other, and what a program sees of a file system. */
import { createHash } from "node:crypto";
import { run } from "./nvme_host/loop_node.ts";

/** How much is written where checksums are compared. */
export const DATA_BYTES: number = 64 * 1024 ** 2;
const CHUNK_BYTES = 1024 ** 2;

/** Writes bytes that follow from `seed` to a file or device, and syncs it. @returns their digest */
export async function writeData(
  path: string,
  seed: string,
  bytes: number = DATA_BYTES,
): Promise<string> {
  const digest = createHash("sha256");
  using file = await Deno.open(path, { write: true, create: true });
  for (let at = 0; at < bytes; at += CHUNK_BYTES) {
    const chunk = chunkOf(seed, at).subarray(0, Math.min(CHUNK_BYTES, bytes - at));
    digest.update(chunk);
    for (let done = 0; done < chunk.length;) done += await file.write(chunk.subarray(done));
  }
  await file.sync();
  return digest.digest("hex");
}

/** The digest of the first bytes of a file or device. */
export async function digestOf(path: string, bytes: number = DATA_BYTES): Promise<string> {
  const digest = createHash("sha256");
  using file = await Deno.open(path);
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let at = 0; at < bytes;) {
    const count = await file.read(chunk.subarray(0, Math.min(CHUNK_BYTES, bytes - at)));
    if (count === null) throw new Error(`"${path}" ends at ${at}`);
    digest.update(chunk.subarray(0, count));
    at += count;
  }
  return digest.digest("hex");
}

/** The bytes of the file system at a path, as `df` says. */
export async function sizeOf(path: string): Promise<number> {
  return Number(
    (await run("stat", "--file-system", "--format=%b %S", path)).trim().split(" ")
      .reduce((product, word) => product * Number(word), 1),
  );
}

/** The kernel's id of the mount at a path: another mount has another one. */
export async function mountIdOf(path: string): Promise<string> {
  for (const line of (await Deno.readTextFile("/proc/self/mountinfo")).split("\n")) {
    const [id = "", , , , at] = line.split(" ");
    if (at === path) return id;
  }
  throw new Error(`nothing is mounted at "${path}"`);
}

/** Whether this machine lets processes grow a mounted ext4. */
export async function growsMountedExt4(): Promise<boolean> {
  const status = await Deno.readTextFile("/proc/self/status");
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return (effective >> SYS_RESOURCE & 1n) === 1n;
}

/** The number of CAP_SYS_RESOURCE. */
const SYS_RESOURCE = 24n;

function chunkOf(seed: string, at: number): Uint8Array {
  const block = createHash("sha512").update(`${seed} ${at}`).digest();
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let offset = 0; offset < CHUNK_BYTES; offset += block.length) {
    block.writeUInt32LE(offset, 0);
    chunk.set(block, offset);
  }
  return chunk;
}
