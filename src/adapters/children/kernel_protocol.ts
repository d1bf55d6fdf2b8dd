/**
 * What is said between us and a worker for kernel calls: one line of JSON each way at a time. The
 * worker speaks first, and says which protocol it has: its file may be newer than we are.
 */
import type { KernelCall } from "../../ports/kernel_calls.ts";

/** What a worker says when it can take calls. */
export const GREETING = '{"protocol":1}';

/** More than the longest answer: windows of a device in base64. */
export const LINE_BYTES_MAX: number = 32 * 1024 ** 2;
/** What all windows of one call whose bytes are wanted may have together. */
const WANTED_BYTES_MAX = 16 * 1024 ** 2;
const WINDOWS_MAX = 256;

/** What a worker answers. */
export type WorkerAnswer =
  | { readonly isOk: true; readonly answer: unknown }
  | { readonly isOk: false; readonly errno: string };

/**
 * A call as a line, without its end.
 * @throws {RangeError} for a call that nobody should make: windows that are malformed or too large
 */
export function callLine(call: KernelCall): string {
  if (call.kind === "read-device") {
    const { windows } = call;
    const isWrong = windows.some(({ offset, length }) =>
      !Number.isSafeInteger(offset + length) || offset < 0 || length <= 0
    );
    const wanted = windows.filter(({ want }) => want === "bytes")
      .reduce((sum, { length }) => sum + length, 0);
    if (isWrong || windows.length > WINDOWS_MAX || wanted > WANTED_BYTES_MAX) {
      throw new RangeError(`Cannot read ${windows.length} windows of ${wanted} wanted bytes`);
    }
  }
  return JSON.stringify(call);
}

/** What an answer's line says. @throws {Error} when it is none */
export function parseAnswer(line: string): WorkerAnswer {
  const value: unknown = JSON.parse(line);
  if (typeof value === "object" && value !== null && "isOk" in value) {
    if (value.isOk === true && "answer" in value) return { isOk: true, answer: value.answer };
    if (value.isOk === false && "errno" in value && typeof value.errno === "string") {
      return { isOk: false, errno: value.errno };
    }
  }
  throw new Error(`"${line.slice(0, 200)}" is no answer`);
}
