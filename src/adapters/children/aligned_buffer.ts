/** Memory that the kernel can read into directly, without a copy in its page cache. */

/** More than any device asks for. */
const ALIGNMENT_BYTES = 4096;

/** Memory of that length whose address is a multiple of 4096. */
export function alignedBuffer(length: number): Uint8Array<ArrayBuffer> {
  const buffer = new ArrayBuffer(length + ALIGNMENT_BYTES);
  const address = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)));
  const past = Number(address % BigInt(ALIGNMENT_BYTES));
  return new Uint8Array(buffer, (ALIGNMENT_BYTES - past) % ALIGNMENT_BYTES, length);
}
