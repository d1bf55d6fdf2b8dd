/**
 * What the kernel's log says of a connect that failed. The kernel answers with one error number
 * for many reasons; which one it was stands nowhere else.
 */
import { StorageError } from "../../domain/errors.ts";
import type { NvmeContext } from "./context.ts";

/** The lines that name a reason; all others only tell that something failed. */
const TELLING = [
  /Connect (Invalid|command failed|rejected)/i,
  /is not allowed, hostnqn/i,
  /found same host(nqn|id)/i,
  /Duplicate cntlid/i,
  /Invalid MNAN value/i,
  /unknown parameter or missing value/i,
  /ignoring nsid \d+ because/i,
  /identifiers changed for nsid/i,
  /IDs don't match/i,
  /unable to set any I\/O queues/i,
];
const LINES_MAX = 2;
const LINE_LENGTH_MAX = 240;
const DEADLINE_MS = 3000;
/** The log has its own clock, which a busy machine reads a little late. */
const SLACK_SECONDS = 1;

/** Seconds since the machine was started, as the log counts them; undefined where it is not told. */
export async function uptimeSeconds(
  { files, paths }: Pick<NvmeContext, "files" | "paths">,
): Promise<number | undefined> {
  const seconds = Number.parseFloat(await files.read(`${paths.proc}/uptime`) ?? "");
  return Number.isNaN(seconds) ? undefined : seconds;
}

/**
 * The last lines of a log that tell why, without their times; lines of other volumes are left out.
 * @param log what `dmesg` prints
 * @param sinceSeconds on the log's clock
 */
export function tellingLines(log: string, sinceSeconds: number, nqn: string): string[] {
  const lines: string[] = [];
  for (const line of log.split("\n")) {
    const [, time, text = ""] = /^\[\s*(\d+\.\d+)\]\s+(nvme.*)$/.exec(line) ?? [];
    if (time === undefined || Number(time) < sinceSeconds - SLACK_SECONDS) continue;
    const isOfAnother = text.includes("nqn.") && !text.includes(nqn);
    if (isOfAnother || !TELLING.some((pattern) => pattern.test(text))) continue;
    lines.push(text.trim().slice(0, LINE_LENGTH_MAX));
  }
  return lines.slice(-LINES_MAX);
}

/** The error with what the log says of it; the error itself where that cannot be had. */
export async function withKernelLog(
  { programs }: NvmeContext,
  error: StorageError,
  sinceSeconds: number | undefined,
  nqn: string,
  signal: AbortSignal,
): Promise<StorageError> {
  if (sinceSeconds === undefined) return error;
  const lines = await programs.run(
    { program: "dmesg", args: [], deadlineMs: DEADLINE_MS, subject: "the kernel's log" },
    signal,
  ).then(({ stdout }) => tellingLines(stdout, sinceSeconds, nqn), (problem: unknown) => {
    // A log that cannot be read must not hide the failure itself.
    if (problem instanceof StorageError) return [];
    throw problem;
  });
  if (lines.length === 0) return error;
  const { code, message, cause } = error;
  return new StorageError(code, `${message}; the kernel says: ${lines.join("; ")}`, { cause });
}
