/** Looking at the private key file of a backend, before anything is dialled. */
import { checkClientKey } from "../adapters/routeros-ssh/client_key.ts";
import { StorageError } from "../domain/errors.ts";

/** No private key is as long; a wrong path, such as a device, must not fill the memory. */
const LARGEST_BYTES = 64 * 1024;

/** A key file's text, or what is wrong with it in words that follow the file's name. */
export type KeyFile = { readonly text: string } | { readonly finding: string };

/** Reads and checks the private key in `path`. What it finds never holds a part of the key. */
export async function readKeyFile(path: string): Promise<KeyFile> {
  try {
    using file = await Deno.open(path);
    const { isFile, size } = await file.stat();
    if (!isFile) return { finding: "is not a file" };
    if (size > LARGEST_BYTES) return { finding: `has ${size} bytes, which is no key` };
    const text = await new Response(file.readable).text();
    checkClientKey(text, undefined);
    return { text };
  } catch (error) {
    if (error instanceof StorageError) return { finding: `is of no use: ${error.message}` };
    if (error instanceof Deno.errors.NotFound) return { finding: "does not exist" };
    return { finding: `cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}
