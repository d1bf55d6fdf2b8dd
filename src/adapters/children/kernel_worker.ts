/** Our end of one worker for kernel calls. */
import { StorageError } from "../../domain/errors.ts";
import type { Child, Launcher } from "./launcher.ts";
import { GREETING, LINE_BYTES_MAX } from "./kernel_protocol.ts";
import { Tail } from "./tail.ts";

const ERROR_BYTES_MAX = 4096;

/** A worker process; it takes one line at a time. */
export class KernelWorker {
  readonly child: Child;
  /** Fulfilled once the process has ended. */
  readonly ended: Promise<void>;
  #hasEnded = false;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBufferLike>>;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;
  readonly #errors: Tail;

  /** Starts one. @throws {StorageError} `unavailable` when the machine refuses */
  constructor(launch: Launcher, [program = "", ...args]: readonly string[]) {
    try {
      this.child = launch({ program, args, hasInput: true });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `Cannot start a worker for kernel calls: ${reason}`;
      throw new StorageError("unavailable", message, { cause });
    }
    this.#input = this.child.stdin.getWriter();
    this.#output = this.child.stdout.getReader();
    this.#errors = new Tail(this.child.stderr, ERROR_BYTES_MAX);
    this.ended = this.child.status.then(() => {}, () => {}).then(() => {
      this.#hasEnded = true;
    });
  }

  /** Whether it can be asked: one that has ended cannot. */
  get isUsable(): boolean {
    return !this.#hasEnded;
  }

  /** Waits until it takes calls. @throws {StorageError} `unavailable` when it ends instead */
  async greet(): Promise<void> {
    const line = await this.#readLine();
    if (line === GREETING) return;
    const message = `Cannot start a worker for kernel calls: it says "${line.slice(0, 200)}"`;
    throw new StorageError("unavailable", message);
  }

  /** Sends one line and gives the one it answers with. @throws {StorageError} `unavailable` */
  async ask(line: string): Promise<string> {
    try {
      await this.#input.write(new TextEncoder().encode(`${line}\n`));
    } catch {
      throw await this.#gone();
    }
    return await this.#readLine();
  }

  /** Lets go of it: it ends when its input does, as soon as the kernel lets it. */
  async release(): Promise<void> {
    await Promise.all([
      this.#input.abort().catch(() => {}), // it has ended already
      this.#output.cancel().catch(() => {}),
      this.#errors.stop(),
    ]);
  }

  async #readLine(): Promise<string> {
    const chunks: Uint8Array<ArrayBufferLike>[] = [];
    let length = 0;
    for (;;) {
      const part = await this.#output.read().catch(() => undefined);
      if (part === undefined || part.done) throw await this.#gone();
      chunks.push(part.value);
      length += part.value.length;
      if (part.value.at(-1) === NEW_LINE) return textOf(chunks, length - 1);
      if (length > LINE_BYTES_MAX) {
        const message =
          `Cannot use the answer of a worker: it has more than ${LINE_BYTES_MAX} bytes`;
        throw new StorageError("unavailable", message);
      }
    }
  }

  async #gone(): Promise<StorageError> {
    await this.#errors.ended;
    const [reason = "it says nothing"] = this.#errors.text().trim().split("\n").slice(-1);
    const message = `Cannot make a kernel call: its worker ended: ${reason.slice(0, 500)}`;
    return new StorageError("unavailable", message);
  }
}

const NEW_LINE = 0x0a;

function textOf(chunks: readonly Uint8Array[], length: number): string {
  const bytes = new Uint8Array(length + 1);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return new TextDecoder().decode(bytes.subarray(0, length));
}
