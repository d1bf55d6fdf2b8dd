/** `rds-csi config check`: everything that is wrong with a configuration, before it is used. */
import { type BackendConfig, ConfigError, summarize } from "../config.ts";
import { loadConfig } from "./config_file.ts";
import { EXIT_CODE_OF_USAGE } from "./flag_values.ts";
import type { Output } from "./output.ts";

/** What is looked at beside the text of the file. */
export interface CheckFlags {
  /** Whether the key files must be there; `--no-files` says no. */
  readonly files: boolean;
}

/** Checks the file in `path` and prints every problem, or a summary. @returns the exit code */
export async function checkConfig(
  path: string,
  flags: CheckFlags,
  output: Output,
): Promise<number> {
  try {
    const config = await loadConfig(path);
    const problems = flags.files ? await keyFileProblems(config.backends) : [];
    if (problems.length > 0) throw new ConfigError(problems);
    output.out([`${path} is fine`, ...summarize(config).map((line) => `  ${line}`), ""].join("\n"));
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const count = error.problems.length === 1 ? "1 problem" : `${error.problems.length} problems`;
    const lines = error.problems.map((problem) => `  ${problem}`);
    output.err([`${path} has ${count}:`, ...lines, ""].join("\n"));
    return EXIT_CODE_OF_USAGE;
  }
}

async function keyFileProblems(backends: readonly BackendConfig[]): Promise<string[]> {
  const problems = await Promise.all(backends.map(async ({ privateKeyFile }, index) => {
    const finding = await findingOf(privateKeyFile);
    const key = `backends[${index}].privateKeyFile`;
    return finding === undefined ? [] : [`${key}: "${privateKeyFile}" ${finding}`];
  }));
  return problems.flat();
}

/** What is wrong with a key file; its content is not looked at beyond its first line. */
async function findingOf(path: string): Promise<string | undefined> {
  try {
    using file = await Deno.open(path);
    if (!(await file.stat()).isFile) return "is not a file";
    const start = new Uint8Array(64);
    const length = await file.read(start) ?? 0;
    const text = new TextDecoder().decode(start.subarray(0, length));
    return /^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)
      ? undefined
      : "holds no private key in OpenSSH or PEM form";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "does not exist";
    return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
