/** Processes with rules, in place of the machine's: some end, some must be killed, some hang. */
import type { Child, Launch } from "../../../../src/adapters/children/launcher.ts";
import { GREETING } from "../../../../src/adapters/children/kernel_protocol.ts";

/** How a process takes what it is told. */
export type Temper =
  /** Goes on until it is killed. */
  | "runs"
  /** Waits for a device: a kill takes effect only when the device answers. */
  | "hangs";

/** One process. */
export class FakeProcess implements Child {
  readonly pid: number;
  readonly status: Promise<{ readonly code: number }>;
  readonly stdin: WritableStream<Uint8Array<ArrayBufferLike>>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly launch: Launch;
  temper: Temper = "runs";
  isKilled = false;
  hasEnded = false;
  readonly #resolve: (status: { readonly code: number }) => void;
  #out: ReadableStreamDefaultController<Uint8Array> | undefined;
  #err: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(pid: number, launch: Launch, onInput: (line: string, self: FakeProcess) => void) {
    this.pid = pid;
    this.launch = launch;
    const { promise, resolve } = Promise.withResolvers<{ readonly code: number }>();
    this.status = promise;
    this.#resolve = resolve;
    this.stdout = new ReadableStream({ start: (each) => void (this.#out = each) });
    this.stderr = new ReadableStream({ start: (each) => void (this.#err = each) });
    this.stdin = new WritableStream({
      write: (bytes) => onInput(new TextDecoder().decode(bytes).trimEnd(), this),
      abort: () => this.#noInput(),
      close: () => this.#noInput(),
    });
  }

  /** Writes a line. */
  say(line: string): void {
    this.#out?.enqueue(new TextEncoder().encode(`${line}\n`));
  }

  complain(line: string): void {
    this.#err?.enqueue(new TextEncoder().encode(`${line}\n`));
  }

  /** Ends by itself, or because what it waited for has come. */
  end(code: number): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    for (const stream of [this.#out, this.#err]) {
      try {
        stream?.close();
      } catch {
        // The reader has cancelled it.
      }
    }
    this.#resolve({ code });
  }

  /** A worker ends with its input; one that hangs does not see that. */
  #noInput(): void {
    if (this.temper === "runs") this.end(0);
  }

  kill(): void {
    if (this.hasEnded) throw new TypeError("it has ended");
    this.isKilled = true;
    if (this.temper === "runs") this.end(137);
  }
}

/** A machine whose processes are all of {@link FakeProcess}. */
export class FakeProcesses {
  /** Every process there ever was, in the order of its start. */
  readonly all: FakeProcess[] = [];
  /** What each process is like. */
  temper: Temper = "runs";
  /** What a worker answers to a line; undefined: nothing, ever. */
  answer: (line: string) => string | undefined = () => '{"isOk":true,"answer":null}';
  isSilent = false;
  /** Counts up when a process id is given to another process. */
  #reuses = 0;

  readonly launch = (launch: Launch): FakeProcess => {
    const child = new FakeProcess(100 + this.all.length, launch, (line, self) => {
      const answer = this.answer(line);
      if (answer === undefined) self.temper = this.temper;
      else self.say(answer);
    });
    if (launch.hasInput && !this.isSilent) child.say(GREETING);
    else child.temper = this.temper;
    this.all.push(child);
    return child;
  };

  readonly startOf = (pid: number): string | undefined => {
    const found = this.all.find((each) => each.pid === pid);
    if (found === undefined) return undefined;
    if (this.#reuses > 0) return `another ${this.#reuses}`;
    return found.hasEnded ? undefined : `start of ${pid}`;
  };

  /** The machine gives all process ids to other processes. */
  reusePids(): void {
    this.#reuses++;
  }

  get running(): FakeProcess[] {
    return this.all.filter(({ hasEnded }) => !hasEnded);
  }
}
