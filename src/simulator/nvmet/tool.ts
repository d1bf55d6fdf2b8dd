/** Programs of the machine that the exports need, each with a deadline. */

/** Long enough for a machine in software emulation that is busy. */
const DEADLINE_MS = 60_000;

/**
 * Runs a program and gives what it printed, without the line end.
 * @throws {Error} with the program's words when it fails or does not end within a minute.
 */
export async function runTool(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr, signal } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { LC_ALL: "C" },
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout).trimEnd();
  const reason = signal === null ? decoder.decode(stderr).trim() : `ended by ${signal}`;
  throw new Error(`Cannot run ${program} ${args.join(" ")}: ${reason}`);
}
