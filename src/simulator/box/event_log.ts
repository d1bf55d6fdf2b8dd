/** The log of the box (`/log`): a bounded ring in memory, gone after a restart as on a real box. */

/** One line of the log. */
export interface LogEntry {
  readonly number: number;
  readonly timeMs: number;
  readonly topics: string;
  readonly message: string;
}

const MAXIMUM_ENTRIES = 1000;

/** The newest entries, oldest first. */
export class EventLog {
  readonly #nowMs: () => number;
  #entries: LogEntry[] = [];
  #last = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(topics: string, message: string): void {
    this.#last += 1;
    this.#entries.push({ number: this.#last, timeMs: this.#nowMs(), topics, message });
    if (this.#entries.length > 2 * MAXIMUM_ENTRIES) {
      this.#entries = this.#entries.slice(-MAXIMUM_ENTRIES);
    }
  }

  entries(): readonly LogEntry[] {
    return this.#entries.slice(-MAXIMUM_ENTRIES);
  }
}
