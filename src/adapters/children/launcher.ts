/** Starting processes: the one place that does, so that a test can put rules in its place. */

/** What is started, and which of its streams are wanted. */
export interface Launch {
  /** The name, looked up in `PATH`, or an absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  /** Whether its standard input can be written; otherwise it reads nothing. */
  readonly hasInput: boolean;
}

/** A process that was started. */
export interface Child {
  readonly pid: number;
  /** Its exit status; 128 + the signal's number when a signal ended it. */
  readonly status: Promise<{ readonly code: number }>;
  /** Only there when it was started with input. */
  readonly stdin: WritableStream<Uint8Array<ArrayBufferLike>>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Sends SIGKILL. @throws {TypeError} when it has ended */
  kill(signal: "SIGKILL"): void;
}

/** Starts a process. @throws what the runtime throws when it cannot */
export type Launcher = (launch: Launch) => Child;

/**
 * Starts a process of this machine, with messages in English. It never keeps ours from ending: who
 * waits for it has a timer that does.
 */
export function launchProcess({ program, args, hasInput }: Launch): Child {
  const child = new Deno.Command(program, {
    args: [...args],
    env: { LC_ALL: "C" },
    stdin: hasInput ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  child.unref();
  return child;
}
