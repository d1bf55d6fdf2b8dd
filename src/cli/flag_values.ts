/** Reading the values of command-line flags; a refusal names the flag, the value, what is allowed. */
import { isAbsolute } from "node:path";

/** A flag has a value that is not allowed. The program ends with {@link EXIT_CODE_OF_USAGE}. */
export class FlagError extends Error {
  constructor(flag: string, value: string, allowed: string, options?: ErrorOptions) {
    super(`${flag} is "${value}"; allowed: ${allowed}`, options);
    this.name = "FlagError";
  }
}

/** The exit code for a command line that makes no sense. */
export const EXIT_CODE_OF_USAGE = 2;

/**
 * The exit code for a command that ends early: what an action chose, and the usage's code for what
 * the parser of the command line refused.
 */
export function exitCodeOf(error: { readonly code: string; readonly exitCode: number }): number {
  const isOfParser = error.code !== "commander.error" && error.exitCode !== 0;
  return isOfParser ? EXIT_CODE_OF_USAGE : error.exitCode;
}

/** One of `choices`. @throws {FlagError} when it is none. */
export function choiceOf<T extends string>(
  flag: string,
  value: string,
  choices: readonly T[],
): T {
  const choice = choices.find((known) => known === value);
  if (choice === undefined) throw new FlagError(flag, value, choices.join(", "));
  return choice;
}

/** A whole number from `least` to `most`. @throws {FlagError} when it is none. */
export function integerOf(flag: string, value: string, least: number, most: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  if (number >= least && number <= most) return number;
  throw new FlagError(flag, value, `a whole number from ${least} to ${most}`);
}

/** A whole number, or undefined for `none`. @throws {FlagError} when it is neither. */
export function limitOf(flag: string, value: string, most: number): number | undefined {
  if (value === "none") return undefined;
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  if (number >= 1 && number <= most) return number;
  throw new FlagError(flag, value, `none, or a whole number from 1 to ${most}`);
}

/** Pairs as in `read=20,add=400`. @throws {FlagError} when a part is no `name=number`. */
export function numbersByName(flag: string, value: string): Record<string, number> {
  const pairs = value.split(",").map((part): [string, number] => {
    const match = /^([a-z]+)=(\d+(?:\.\d+)?)$/.exec(part.trim());
    if (match === null) throw new FlagError(flag, value, "name=number, several with commas");
    return [match[1] ?? "", Number(match[2])];
  });
  return Object.fromEntries(pairs);
}

/** Runs `read` and words its `RangeError` as a refusal of `flag`. */
export function explained<T>(flag: string, value: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const refusal = new FlagError(flag, value, "", { cause: error });
    refusal.message = `${flag} is "${value}": ${error.message}`;
    throw refusal;
  }
}

/** The text of the file a flag names. @throws {FlagError} when it cannot be read. */
export async function fileOf(flag: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new FlagError(flag, path, "a file that can be read", { cause: error });
  }
}

/** The directory a flag names, made when it is missing. @throws {FlagError} when it cannot be. */
export async function madeDirectory(flag: string, path: string): Promise<string> {
  if (!isAbsolute(path)) throw new FlagError(flag, path, "an absolute path");
  try {
    await Deno.mkdir(path, { recursive: true });
    return path;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FlagError(flag, path, `a directory that is there or can be made (${reason})`, {
      cause,
    });
  }
}
