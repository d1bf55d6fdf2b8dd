/** Programs and waiting, for a test that is itself inside a laboratory machine. */

const POLL_MS = 50;

/** Runs a program and gives its output. @throws {Error} when it fails */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) {
    throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout).trim();
}

/** Looks again and again. @throws {Error} when it does not come true in time */
export async function until(
  what: string,
  withinMs: number,
  look: () => Promise<boolean>,
): Promise<void> {
  const endMs = Date.now() + withinMs;
  while (!await look()) {
    if (Date.now() > endMs) throw new Error(`Cannot see ${what} within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A file's text without the white space around it; undefined when it is not there. */
export async function textAt(path: string): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch {
    return undefined;
  }
}

/** The names in a directory; none when it is not there. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
  } catch {
    return [];
  }
}
