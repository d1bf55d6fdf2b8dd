/** Programs of this machine that the laboratory needs: each with a deadline, and with its words when it fails. */

/** How a program is run. */
export interface HostProgramOptions {
  /** It is killed after so long. */
  readonly deadlineMs: number;
  readonly directory?: string;
}

/**
 * Runs a program to its end and gives its standard output.
 * @throws {Error} with what it wrote on standard error when it fails, is missing or takes too long.
 */
export async function runHostProgram(
  argv: readonly string[],
  { deadlineMs, directory }: HostProgramOptions,
): Promise<string> {
  const [program = "", ...args] = argv;
  const shown = argv.join(" ").slice(0, 200);
  const signal = AbortSignal.timeout(deadlineMs);
  const { success, code, stdout, stderr } = await outputOf(program, {
    args,
    stdin: "null",
    signal,
    ...(directory === undefined ? {} : { cwd: directory }),
    env: { LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
  });
  if (success) return new TextDecoder().decode(stdout);
  const words = new TextDecoder().decode(stderr).trim();
  const why = signal.aborted ? `not done within ${deadlineMs} ms` : `exit status ${code}`;
  throw new Error(`Cannot run ${shown}: ${why}${words === "" ? "" : `: ${words}`}`);
}

/** Whether a program is on this machine's search path. */
export async function hasHostProgram(name: string): Promise<boolean> {
  for (const directory of (Deno.env.get("PATH") ?? "").split(":")) {
    const found = await Deno.stat(`${directory}/${name}`).catch(() => undefined);
    if (found?.isFile) return true;
  }
  return false;
}

async function outputOf(
  program: string,
  options: Deno.CommandOptions,
): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command(program, options).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot run ${program}: it is not installed`, { cause: error });
  }
}
