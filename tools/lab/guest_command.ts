/** Commands inside a laboratory machine, over its forwarded command port (guest/command.sh). */
import { writeAll } from "./qmp.ts";

/** What a command did. */
export interface CommandResult {
  /** The exit status; 124 or 137 when it was killed at its deadline. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The machine did not answer, or the connection to it broke: the command may run or have run. */
export class NoAnswerError extends Error {
  override name = "NoAnswerError";
}

/** How long the connection may take beyond the command itself, which its machine ends in time. */
const GRACE_MS = 15_000;
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Runs shell text on the machine whose command port is `port`.
 * @throws {NoAnswerError} when the machine does not answer in time, or goes away.
 */
export async function runInGuest(
  port: number,
  command: string,
  { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal?: AbortSignal },
): Promise<CommandResult> {
  signal?.throwIfAborted();
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let isLate = false;
  const close = (): void => {
    try {
      connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  };
  const timer = setTimeout(() => {
    isLate = true;
    close();
  }, deadlineMs + GRACE_MS);
  signal?.addEventListener("abort", close, { once: true });
  try {
    const script = new TextEncoder().encode(command);
    const head = new TextEncoder().encode(`${Math.ceil(deadlineMs / 1000)} ${script.length}\n`);
    await writeAll(connection, concat(head, script));
    return await readResult(connection);
  } catch (error) {
    signal?.throwIfAborted();
    const why = isLate ? `no answer within ${deadlineMs} ms` : "the connection broke";
    const shown = command.slice(0, 200);
    throw new NoAnswerError(`Cannot run "${shown}" in the machine: ${why}`, { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", close);
    close();
  }
}

/** Reads until the answer is complete; the machine clears up after that. */
async function readResult(connection: Deno.Conn): Promise<CommandResult> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let head: Head | undefined;
  const buffer = new Uint8Array(256 * 1024);
  while (head === undefined || length < head.bytes) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error(`the answer ended after ${length} bytes`);
    length += count;
    if (length > OUTPUT_BYTES_MAX) throw new Error(`more than ${OUTPUT_BYTES_MAX} bytes of output`);
    chunks.push(buffer.slice(0, count));
    head ??= headOf(concat(...chunks));
  }
  const text = (start: number, end: number): string =>
    new TextDecoder().decode(all.subarray(start, end));
  const all = concat(...chunks);
  return {
    code: head.code,
    stdout: text(head.outputStart, head.errorsStart),
    stderr: text(head.errorsStart, head.bytes),
  };
}

/** The first line of an answer: where its parts are. */
interface Head {
  readonly code: number;
  readonly outputStart: number;
  readonly errorsStart: number;
  readonly bytes: number;
}

function headOf(bytes: Uint8Array): Head | undefined {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return undefined;
  const found = /^(\d+) (\d+) (\d+)$/.exec(new TextDecoder().decode(bytes.subarray(0, end)));
  if (found === null) throw new Error("the answer has no head");
  const [code = 0, output = 0, errors = 0] = found.slice(1).map(Number);
  const errorsStart = end + 1 + output;
  return { code, outputStart: end + 1, errorsStart, bytes: errorsStart + errors };
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
