/** `rds-csi config check`: everything that is wrong with a configuration, before it is used. */
import { ConfigError, summarize } from "../config/config.ts";
import type { BackendConfig } from "../config/shape.ts";
import { loadConfig } from "./config_file.ts";
import { EXIT_CODE_OF_USAGE } from "./flag_values.ts";
import { readKeyFile } from "./key_file.ts";
import type { Output } from "./output.ts";

/** What is looked at beside the text of the file. */
export interface CheckFlags {
  /** Whether the key files must be there and hold keys; `--no-files` says no. */
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
    const read = await readKeyFile(privateKeyFile);
    if ("text" in read) return [];
    return [`backends[${index}].privateKeyFile: "${privateKeyFile}" ${read.finding}`];
  }));
  return problems.flat();
}
