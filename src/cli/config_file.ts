/** Reading the configuration file that a flag names. */
import { parseConfig } from "../config/config.ts";
import type { Config } from "../config/shape.ts";
import type { ConfigOverrides } from "../config/file.ts";
import { FlagError } from "./flag_values.ts";

/** No configuration is as large; a wrong path, such as a device, must not fill the memory. */
const LARGEST_BYTES = 1024 * 1024;

/**
 * Reads and checks the configuration in `path`.
 * @throws {ConfigError} with every problem; {@link FlagError} when the file cannot be read.
 */
export async function loadConfig(path: string, overrides: ConfigOverrides = {}): Promise<Config> {
  return parseConfig(await readBounded(path), overrides);
}

async function readBounded(path: string): Promise<string> {
  try {
    using file = await Deno.open(path);
    const { isFile, size } = await file.stat();
    if (!isFile) throw new RangeError("it is not a file");
    if (size > LARGEST_BYTES) throw new RangeError(`it has ${size} bytes`);
    return await new Response(file.readable).text();
  } catch (cause) {
    throw new FlagError("the configuration file", path, allowedFile(cause), { cause });
  }
}

function allowedFile(cause: unknown): string {
  const reason = cause instanceof Error ? cause.message.split(":")[0] : String(cause);
  return `a YAML file of at most 1 MiB that can be read (${reason})`;
}
