/**
 * The worker for kernel calls: this program again, as a process of its own. It takes a call on
 * standard input, waits for the kernel, answers on standard output, and takes the next; it ends
 * with its input, which is when the process that started it has ended.
 *
 * Nothing here is asynchronous: while a call waits there is nothing else for it to do.
 */
import type { KernelCall } from "../../ports/kernel_calls.ts";
import { act } from "./kernel_actions.ts";
import { GREETING } from "./kernel_protocol.ts";
import type { WorkerAnswer } from "./kernel_protocol.ts";
import { KernelError, LibC } from "./libc.ts";

const CHUNK_BYTES = 64 * 1024;
/** A call is a line of options or of windows; more than this is none. */
const CALL_BYTES_MAX = 1024 ** 2;

/** Serves until its input ends. @returns the exit code */
export function serveKernelCalls(): number {
  using libc = new LibC();
  try {
    say(GREETING);
    for (const line of lines()) say(JSON.stringify(answerOf(libc, line)));
  } catch (error) {
    // Whoever asked has ended; there is nobody to tell.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
  return 0;
}

function answerOf(libc: LibC, line: string): WorkerAnswer {
  try {
    // The other end is this same program, and writes what the type says.
    return { isOk: true, answer: act(libc, JSON.parse(line) as KernelCall) };
  } catch (error) {
    if (error instanceof KernelError) return { isOk: false, errno: error.errno };
    throw error;
  }
}

function* lines(): Generator<string> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  const decoder = new TextDecoder();
  let text = "";
  for (let count = readInput(chunk); count !== null; count = readInput(chunk)) {
    text += decoder.decode(chunk.subarray(0, count), { stream: true });
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      yield line;
    }
    if (text.length > CALL_BYTES_MAX) throw new RangeError("Cannot take a call of that length");
  }
}

function readInput(chunk: Uint8Array): number | null {
  return Deno.stdin.readSync(chunk);
}

function say(line: string): void {
  let rest = new TextEncoder().encode(`${line}\n`);
  while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
}
