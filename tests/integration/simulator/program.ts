/** Runs `rds-csi simulate` as a process, as a person or a parent process would. */
import type { ReadyLine } from "../../../src/cli/run_simulator.ts";
import { inTime } from "./ssh_client.ts";

const PROGRAM = new URL("../../../src/main.ts", import.meta.url);
const CONFIG = new URL("../../../deno.json", import.meta.url);

/** What a finished program left. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end. */
export async function runProgram(...args: string[]): Promise<Finished> {
  const output = await command(args).output();
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}

/** A simulator that runs as a process; ended when disposed of. */
export class RunningProgram implements AsyncDisposable {
  readonly ready: ReadyLine;
  readonly #process: Deno.ChildProcess;

  private constructor(ready: ReadyLine, process: Deno.ChildProcess) {
    this.ready = ready;
    this.#process = process;
  }

  /** Starts `simulate --ready-json` and waits for its line. */
  static async start(...args: string[]): Promise<RunningProgram> {
    const process = command(["--ready-json", ...args]).spawn();
    try {
      const line = await inTime(firstLine(process.stdout), "start the simulator");
      await process.stderr.cancel();
      return new RunningProgram(JSON.parse(line) as ReadyLine, process);
    } catch (error) {
      process.kill("SIGKILL");
      throw error;
    }
  }

  /** Ends it as Ctrl-C does; gives the exit code. */
  async stop(): Promise<number> {
    this.#process.kill("SIGINT");
    return (await inTime(this.#process.status, "stop the simulator")).code;
  }

  /** Ends it without a chance to tidy up. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await this.#process.status;
  }
}

function command(args: readonly string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--no-check",
      "--config",
      CONFIG.pathname,
      PROGRAM.href,
      "simulate",
      ...args,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  });
}

async function firstLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
  }
  throw new Error(`the program ended after printing "${text}"`);
}
