/**
 * What a person sees of the demo: one line a step. A terminal gets colour and a line that says what
 * is running; a pipe gets plain lines, each written once.
 */

/** A step that is over. */
export interface FinishedStep {
  readonly title: string;
  readonly detail: string;
  readonly durationMs: number;
  /** The RouterOS commands that the step sent to the box, in order. */
  readonly commands: readonly string[];
  readonly isOk: boolean;
}

/** How the demo prints. */
export interface ScreenOptions {
  readonly isTerminal: boolean;
  readonly showsCommands: boolean;
  readonly write: (text: string) => void;
}

const TITLE_WIDTH = 34;
/** Commands are long lines; this much of each is enough to see what it does. */
const COMMAND_WIDTH = 400;

/** Prints steps as they run and end. */
export class Screen {
  readonly #options: ScreenOptions;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  /** Says what is running now; only a terminal shows it, and the next line replaces it. */
  running(title: string): void {
    if (this.#options.isTerminal) this.#options.write(`\r\x1b[2K  … ${title}`);
  }

  /** Prints a step that is over, with its commands when they were asked for. */
  finished(step: FinishedStep): void {
    const { isTerminal, showsCommands, write } = this.#options;
    if (isTerminal) write("\r\x1b[2K");
    const mark = step.isOk ? this.#paint("32", "ok  ") : this.#paint("31", "FAIL");
    const time = `${step.durationMs.toFixed(0)} ms`.padStart(8);
    const count = countOf(step.commands.length, "command").padStart(12);
    write(`${mark} ${step.title.padEnd(TITLE_WIDTH)} ${time} ${count}  ${step.detail}\n`);
    if (!showsCommands) return;
    for (const command of step.commands) {
      write(`${this.#paint("2", `       ${shorten(command)}`)}\n`);
    }
  }

  /** Prints a line of its own. */
  line(text: string): void {
    this.#options.write(`${text}\n`);
  }

  #paint(code: string, text: string): string {
    return this.#options.isTerminal ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

/** "1 command", "3 commands". */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function shorten(command: string): string {
  return command.length <= COMMAND_WIDTH ? command : `${command.slice(0, COMMAND_WIDTH)}…`;
}
