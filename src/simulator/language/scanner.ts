/** A place in the text of a console line, and the ways to move it. */
import { ConsoleSyntaxError } from "./failures.ts";

/** Reads one line; a newline outside a string ends it, unless a backslash joins the lines. */
export class Scanner {
  readonly text: string;
  /** The index of the next character, from 0. */
  position = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** The character at the position, whatever it is; empty at the end of the text. */
  get raw(): string {
    return this.text.charAt(this.position);
  }

  /** The character at the position; empty at the end of the line. */
  get char(): string {
    const char = this.raw;
    return char === "\n" || (char === "\r" && this.peek(1) === "\n") ? "" : char;
  }

  /** The character `offset` places further on. */
  peek(offset: number): string {
    return this.text.charAt(this.position + offset);
  }

  /** Whether the text continues with exactly this. */
  startsWith(text: string): boolean {
    return this.text.startsWith(text, this.position);
  }

  /** Moves over blanks and joined line ends. */
  skipBlanks(): void {
    for (;;) {
      const char = this.raw;
      if (char === " " || char === "\t") this.position += 1;
      else if (char !== "\\" || !this.skipJoin()) return;
    }
  }

  /** Moves over a backslash at the end of a line, if the position is at one. */
  skipJoin(): boolean {
    if (this.startsWith("\\\r\n")) this.position += 3;
    else if (this.startsWith("\\\n")) this.position += 2;
    else return false;
    return true;
  }

  /** Moves to the end of the line. */
  skipLine(): void {
    while (this.char !== "") this.position += 1;
  }

  /** What the sticky expression matches here, moving over it; undefined when it does not. */
  match(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.position;
    const found = sticky.exec(this.text)?.[0];
    if (found === undefined || found === "") return undefined;
    this.position += found.length;
    return found;
  }

  /** Moves over one character that must be there. */
  expect(char: string): void {
    if (this.char !== char) this.fail("syntax error");
    this.position += 1;
  }

  /** Whether nothing more belongs to the current command. */
  atCommandEnd(): boolean {
    return ";]}".includes(this.char);
  }

  /** The line of a place, from 1. */
  lineAt(position: number): number {
    let line = 1;
    for (let index = 0; index < position; index++) {
      if (this.text.charAt(index) === "\n") line += 1;
    }
    return line;
  }

  /**
   * Gives up on the line.
   * @throws {ConsoleSyntaxError} always, with line and column of the place, both from 1.
   */
  fail(text: string, at: number = this.position): never {
    const column = at - (this.text.lastIndexOf("\n", at - 1) + 1) + 1;
    throw new ConsoleSyntaxError(`${text} (line ${this.lineAt(at)} column ${column})`);
  }
}
