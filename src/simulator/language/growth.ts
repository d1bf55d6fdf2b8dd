/** How large the values of a line may grow; a loop that doubles one would end in no memory. */
import { ConsoleInterrupted } from "./failures.ts";

/** Characters of one text. */
export const MAX_TEXT_LENGTH: number = 16 * 1024 * 1024;

/** Values in one array. */
export const MAX_ARRAY_LENGTH = 1_000_000;

/** Bounds a text that is about to be made. @throws {ConsoleInterrupted} when it is too long. */
export function checkTextLength(length: number): void {
  if (length > MAX_TEXT_LENGTH) throw new ConsoleInterrupted();
}

/** Bounds an array that is about to be made. @throws {ConsoleInterrupted} when it is too long. */
export function checkArrayLength(length: number): void {
  if (length > MAX_ARRAY_LENGTH) throw new ConsoleInterrupted();
}
