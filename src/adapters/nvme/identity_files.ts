/** The files of a host's identity on this machine. */
import type { IdentityFiles } from "./host_identity.ts";

/** Reads and keeps them; what is made survives a power failure. */
export const machineIdentityFiles: IdentityFiles = {
  async read(path): Promise<string | undefined> {
    try {
      return await Deno.readTextFile(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  },

  async create(path, text): Promise<void> {
    const directory = path.slice(0, path.lastIndexOf("/"));
    await Deno.mkdir(directory, { recursive: true });
    const part = `${path}.${crypto.randomUUID()}`;
    try {
      {
        using file = await Deno.open(part, { write: true, createNew: true, mode: 0o600 });
        const bytes = new TextEncoder().encode(text);
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
        await file.sync();
      }
      // A link, unlike a rename, leaves what is there already.
      await Deno.link(part, path);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    } finally {
      await removeIfPresent(part);
    }
    using opened = await Deno.open(directory, { read: true });
    await opened.sync();
  },
};

async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
