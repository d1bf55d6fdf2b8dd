/**
 * The file of a Unix socket: whether its place is free, who may use it, and its removal.
 *
 * A server binds beside the final place, sets the permissions, and then renames. So the socket is
 * never visible with wrong permissions, and what a dead process left is replaced in one step.
 */
import { dirname, join } from "node:path";
import { StorageError } from "../../domain/errors.ts";

/** Who may connect: the owner, and one group if it is given. */
export interface SocketAccess {
  /** A numeric group; with it the mode is 0660, without it 0600. */
  readonly groupId?: number;
}

/** A new name beside `path` to bind at before the rename; never more than eight bytes longer. */
export function bindPath(path: string): string {
  return join(dirname(path), `.${crypto.randomUUID().slice(0, 7)}`);
}

/**
 * Makes sure that the place at `path` may be taken: it is empty, or holds a socket that nobody
 * serves. The latter is left for the rename to replace.
 * @throws {StorageError} `in-use` when it is served or holds something that is not a socket;
 * `not-ready` when the directory is missing or cannot be read.
 */
export async function assertFree(path: string): Promise<void> {
  const found = await statOf(path);
  if (found === undefined) return;
  if (!found.isSocket) {
    throw refusal("in-use", path, "something that is not a socket is there; move it away");
  }
  if (await isServed(path)) {
    throw refusal("in-use", path, "another process serves this socket; stop it first");
  }
}

/** Gives a bound socket its permissions and puts it at its final place. */
export async function publish(
  boundPath: string,
  path: string,
  access: SocketAccess,
): Promise<void> {
  if (access.groupId !== undefined) await Deno.chown(boundPath, null, access.groupId);
  await Deno.chmod(boundPath, access.groupId === undefined ? 0o600 : 0o660);
  await Deno.rename(boundPath, path);
}

/** The identity of the file at `path`, to recognise it later; undefined when there is none. */
export async function fileIdentity(path: string): Promise<string | undefined> {
  return (await statOf(path))?.identity;
}

/** Removes the socket at `path` if it is still the one with this identity. */
export async function removeOwn(path: string, identity: string | undefined): Promise<void> {
  try {
    if (identity === undefined || (await fileIdentity(path)) !== identity) return;
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function statOf(path: string): Promise<{ identity: string; isSocket: boolean } | undefined> {
  try {
    const info = await Deno.lstat(path);
    return { identity: `${info.dev}:${info.ino}`, isSocket: info.isSocket === true };
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) {
      throw refusal("not-ready", path, "its directory cannot be read", cause);
    }
    await assertDirectory(dirname(path), path);
    return undefined;
  }
}

async function assertDirectory(directory: string, path: string): Promise<void> {
  try {
    if ((await Deno.stat(directory)).isDirectory) return;
  } catch (cause) {
    throw refusal("not-ready", path, `the directory ${directory} does not exist`, cause);
  }
  throw refusal("not-ready", path, `${directory} is not a directory`);
}

/** Whether a process accepts connections there; refused and vanished both mean no. */
async function isServed(path: string): Promise<boolean> {
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
    return true;
  } catch (error) {
    // Anything but these (no permission, a full backlog) may be a living server: do not take over.
    return !(error instanceof Deno.errors.ConnectionRefused) &&
      !(error instanceof Deno.errors.NotFound);
  }
}

function refusal(
  code: "in-use" | "not-ready",
  path: string,
  finding: string,
  cause?: unknown,
): StorageError {
  return new StorageError(code, `Cannot listen on ${path}: ${finding}`, { cause });
}
