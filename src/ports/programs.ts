/**
 * Programs of this machine, run as children so that none of them can hold up the caller: what
 * hangs in the kernel cannot be killed, only left behind.
 */

/** One run of a program. There is no shell: arguments reach the program as they are. */
export interface ProgramCall {
  /** The name, looked up in `PATH`, or an absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  /** Text for its standard input; absent: it reads nothing. */
  readonly input?: string;
  /** Milliseconds after which it is killed, and left behind when that does not end it. */
  readonly deadlineMs: number;
  /** What it works on, for people and for the rule of one: a device number or an NQN. */
  readonly subject: string;
}

/** How a program ended. */
export interface ProgramEnd {
  /** The exit status; 128 + the signal's number when a signal ended it. */
  readonly code: number;
  /** At most 64 KiB of each, the end where there was more. */
  readonly stdout: string;
  readonly stderr: string;
}

/** A child that was killed at its deadline and that the kernel has not let end. */
export interface StuckChild {
  readonly pid: number;
  /** The program or kernel call, for example `umount`. */
  readonly what: string;
  readonly subject: string;
  /** Milliseconds since it was started. */
  readonly ageMs: number;
}

/** Runs programs. */
export interface Programs {
  /**
   * Runs a program to its end.
   * @throws {StorageError} `unavailable` when it did not end by its deadline, when a child for the
   * same subject is still stuck, or when too many are stuck on this node; `not-ready` when there
   * is no such program.
   */
  run(call: ProgramCall, signal: AbortSignal): Promise<ProgramEnd>;

  /** Children that are stuck now. They are never waited for. */
  stuck(): StuckChild[];
}
