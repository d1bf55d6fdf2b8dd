/**
 * The tree of configfs below `/sys/kernel/config/nvmet`, as the few operations that are needed:
 * directories are objects of the kernel, files their attributes, links say what is exported where.
 */

/** Where Linux shows nvmet once the module is loaded and configfs is mounted. */
export const NVMET_ROOT = "/sys/kernel/config/nvmet";

/**
 * Paths are relative to the root (`subsystems/<nqn>/attr_serial`). What the kernel refuses is
 * thrown as the error it gave.
 */
export interface KernelTree {
  /** The names in a directory; none when it is not there. */
  list(path: string): Promise<readonly string[]>;
  /** An attribute without its line end. @throws {Error} when it is not there. */
  read(path: string): Promise<string>;
  write(path: string, value: string): Promise<void>;
  /** Makes an object. @throws {Error} when it is there already. */
  makeDirectory(path: string): Promise<void>;
  /** Removes an object. Idempotent. */
  removeDirectory(path: string): Promise<void>;
  /** Links the object at `target` into the directory `into`, under its own name. */
  link(target: string, into: string): Promise<void>;
  /** Removes a link. Idempotent. */
  unlink(path: string): Promise<void>;
}

/**
 * The tree of this machine's kernel. The calls are asynchronous because disabling a namespace waits
 * for the requests in flight: the console has to answer meanwhile.
 */
export class ConfigfsTree implements KernelTree {
  readonly #root: string;

  constructor(root: string = NVMET_ROOT) {
    this.#root = root;
  }

  async list(path: string): Promise<readonly string[]> {
    try {
      const names: string[] = [];
      for await (const { name } of Deno.readDir(`${this.#root}/${path}`)) names.push(name);
      return names.sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  async read(path: string): Promise<string> {
    return (await Deno.readTextFile(`${this.#root}/${path}`)).replace(/\n$/, "");
  }

  write(path: string, value: string): Promise<void> {
    return Deno.writeTextFile(`${this.#root}/${path}`, value, { create: false });
  }

  makeDirectory(path: string): Promise<void> {
    return Deno.mkdir(`${this.#root}/${path}`);
  }

  removeDirectory(path: string): Promise<void> {
    return removeIfPresent(`${this.#root}/${path}`);
  }

  link(target: string, into: string): Promise<void> {
    const name = target.slice(target.lastIndexOf("/") + 1);
    return Deno.symlink(`${this.#root}/${target}`, `${this.#root}/${into}/${name}`);
  }

  unlink(path: string): Promise<void> {
    return removeIfPresent(`${this.#root}/${path}`);
  }
}

async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
