/** The ways in which a console line ends early. */
import { RouterOsError } from "../menu.ts";

/** The line cannot be parsed: nothing of it runs, and nothing in it can catch this. */
export class ConsoleSyntaxError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ConsoleSyntaxError";
  }
}

/** A failure of a command that ran, with its place: `no such item (/disk/set; line 1)`. */
export class ConsoleFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ConsoleFailure";
  }
}

/** The caller left, or a bound of the session is reached. `:onerror` cannot catch it. */
export class ConsoleInterrupted extends Error {
  constructor() {
    super("interrupted");
    this.name = "ConsoleInterrupted";
  }
}

/** `:return` ran: the rest of the line is skipped without a word. */
export class ConsoleReturn extends Error {
  constructor() {
    super("return");
    this.name = "ConsoleReturn";
  }
}

/** The error with the place it came from; what already has one, or is no console error, is kept. */
export function located(error: unknown, place: string): unknown {
  return error instanceof RouterOsError ? new ConsoleFailure(`${error.text} (${place})`) : error;
}

/** An error of the language itself, as against one of a command. */
export function scriptError(text: string): RouterOsError {
  return new RouterOsError(`script error: ${text}`);
}
