/** The shipped program as a process of a laboratory machine. */
import { join } from "node:path";
import { NODE_V8_FLAGS } from "../bundle.ts";
import type { Machine } from "./machine.ts";

/** The bundle's name in every machine's shared directory. */
const BUNDLE = "rds-csi.js";
const POLL_MS = 200;
const START_MS = 120_000;
const END_MS = 60_000;

/** A process of `rds-csi` in a machine, not started yet. What it prints is appended to a log. */
export class GuestProgram {
  readonly #machine: Machine;
  readonly #log: string;
  #pid: number | undefined;

  /** @param role names the log, below the machine's shared directory */
  constructor(machine: Machine, role: string) {
    this.#machine = machine;
    this.#log = `${role}.log`;
  }

  /** The process id in the machine. @throws {Error} when it was not started */
  get pid(): number {
    if (this.#pid === undefined) throw new Error(`Cannot give a process of ${this.#log}: none`);
    return this.#pid;
  }

  /** Copies the program to where the machine can start it. */
  static async install(machine: Machine, bundle: string): Promise<void> {
    await Deno.mkdir(machine.shared, { recursive: true });
    await Deno.copyFile(bundle, join(machine.shared, BUNDLE));
  }

  /** Starts it; it is not ready yet. */
  async start(args: readonly string[]): Promise<void> {
    const argv = [
      ...["env", "DENO_DIR=/run/deno", "DENO_NO_UPDATE_CHECK=1", Deno.execPath(), "run"],
      ...["--quiet", "--no-lock", "--no-config", "-A", `--v8-flags=${NODE_V8_FLAGS}`],
      ...[`/lab/${BUNDLE}`, ...args],
    ];
    this.#pid = await this.#machine.start(
      `exec ${argv.map(quoted).join(" ")}`,
      `/lab/${this.#log}`,
    );
  }

  /** Sends a signal and waits for the end; one that is gone already is fine. @throws {Error} */
  async stop(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    if (this.#pid === undefined) return;
    const gone = `kill -s ${signal.slice(3)} ${this.#pid} 2>/dev/null
      while kill -0 ${this.#pid} 2>/dev/null; do sleep 0.1; done`;
    await this.#machine.run(gone, { deadlineMs: END_MS });
    this.#pid = undefined;
  }

  /** Forgets the process: its machine lost power. */
  forget(): void {
    this.#pid = undefined;
  }

  /** What it wrote so far, of all starts. */
  async log(): Promise<string> {
    try {
      return await Deno.readTextFile(join(this.#machine.shared, this.#log));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  /**
   * Waits until `isReady` gives something, at most two minutes.
   * @throws {Error} with the end of its log when it ends before, or is not ready in time.
   */
  async waitUntil<T>(isReady: () => Promise<T | undefined>): Promise<T> {
    const last = Date.now() + START_MS;
    while (true) {
      const found = await isReady();
      if (found !== undefined) return found;
      const { code } = await this.#machine.exec(`kill -0 ${this.pid} 2>/dev/null`);
      const problem = code !== 0 ? "ended" : Date.now() > last ? "is not ready" : undefined;
      if (problem !== undefined) {
        const text = (await this.log()).slice(-4096);
        throw new Error(
          `The program of ${this.#log} on ${this.#machine.name} ${problem}:\n${text}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
