import type { LineClass } from "../faults.ts";

/** How a command ended, seen from the box. */
export type CommandOutcome =
  /** It ran and was answered in full. */
  | "answered"
  /** It ran, but the answer was cut or never sent. */
  | "reply-lost"
  /** It never ran. */
  | "not-run"
  /** It was stopped because its client went away or the box rebooted. */
  | "aborted"
  /** It still runs, or hangs. */
  | "running";

/** One command line that came in over SSH: one exec request. */
export interface CommandRecord {
  /** Counts from 1. */
  readonly sequence: number;
  readonly user: string;
  readonly class: LineClass;
  /** The line, cut after {@link MAX_RECORDED_LINE_CHARACTERS}. */
  readonly line: string;
  readonly outcome: CommandOutcome;
  /** From the exec request to the end of the reply; 0 while it runs. */
  readonly durationMs: number;
  readonly replyBytes: number;
}

/** Sums since the start of the simulator. */
export interface Counters {
  /** Connections taken, also those that never logged in. */
  readonly connections: number;
  /** Connections turned away: by a fault, the session limit or a reboot. */
  readonly refused: number;
  readonly logins: number;
  readonly loginFailures: number;
  /** Exec requests. */
  readonly commands: number;
  readonly commandsByClass: Readonly<Record<LineClass, number>>;
  readonly commandsByOutcome: Readonly<Record<CommandOutcome, number>>;
  readonly replyBytes: number;
}

/** The records kept; older ones are forgotten. */
export const MAX_RECORDS = 1000;

/** The longest line kept of a record. */
export const MAX_RECORDED_LINE_CHARACTERS = 8192;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A command that runs; say how it ended, once. */
export type EndCommand = (outcome: CommandOutcome, replyBytes: number) => void;

/** Remembers the last commands and counts all of them. */
export class CommandLog {
  readonly #records: Mutable<CommandRecord>[] = [];
  readonly #nowMs: () => number;
  readonly #byClass: Record<LineClass, number> = { read: 0, add: 0, change: 0, remove: 0 };
  readonly #byOutcome: Record<CommandOutcome, number> = {
    answered: 0,
    "reply-lost": 0,
    "not-run": 0,
    aborted: 0,
    running: 0,
  };
  #commands = 0;
  #replyBytes = 0;
  /** Counted by the server. */
  readonly connections: { taken: number; refused: number; logins: number; loginFailures: number } =
    { taken: 0, refused: 0, logins: 0, loginFailures: 0 };

  /** `nowMs` is a clock that never goes back, in milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Records that a command came in. */
  begin(user: string, lineClass: LineClass, line: string): EndCommand {
    const startedMs = this.#nowMs();
    const record: Mutable<CommandRecord> = {
      sequence: ++this.#commands,
      user,
      class: lineClass,
      line: line.slice(0, MAX_RECORDED_LINE_CHARACTERS),
      outcome: "running",
      durationMs: 0,
      replyBytes: 0,
    };
    this.#byClass[lineClass] += 1;
    this.#byOutcome.running += 1;
    this.#records.push(record);
    if (this.#records.length > MAX_RECORDS) this.#records.shift();
    return (outcome, replyBytes) => {
      this.#byOutcome.running -= 1;
      this.#byOutcome[outcome] += 1;
      this.#replyBytes += replyBytes;
      record.outcome = outcome;
      record.replyBytes = replyBytes;
      record.durationMs = Math.round((this.#nowMs() - startedMs) * 1000) / 1000;
    };
  }

  /** The last `last` records with a sequence above `since`, oldest first. */
  records(last: number, since = 0): CommandRecord[] {
    const later = this.#records.filter((record) => record.sequence > since);
    return last <= 0 ? [] : later.slice(-last).map((record) => ({ ...record }));
  }

  /** The sums until now. */
  counters(): Counters {
    return {
      connections: this.connections.taken,
      refused: this.connections.refused,
      logins: this.connections.logins,
      loginFailures: this.connections.loginFailures,
      commands: this.#commands,
      commandsByClass: { ...this.#byClass },
      commandsByOutcome: { ...this.#byOutcome },
      replyBytes: this.#replyBytes,
    };
  }
}
