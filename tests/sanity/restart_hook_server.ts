/**
 * A place in csi-sanity where the controller can be killed: the suite runs a command of ours before
 * each spec to make the staging directory. The command asks us over a socket, we kill the controller
 * as a crash would, start it again, and only then let the suite go on.
 */
import { join } from "node:path";
import type { Trial } from "../../tools/trial/processes.ts";

/** Serves the command; disposing of it closes the socket. */
export class RestartHook implements AsyncDisposable {
  /** The command to give to csi-sanity. */
  readonly command: string;
  readonly #listener: Deno.Listener;
  readonly #trial: Trial;
  #restarts = 0;

  private constructor(command: string, listener: Deno.Listener, trial: Trial) {
    this.command = command;
    this.#listener = listener;
    this.#trial = trial;
  }

  /** How often the controller was killed. */
  get restarts(): number {
    return this.#restarts;
  }

  static async start(trial: Trial): Promise<RestartHook> {
    const socket = join(trial.directory, "restart.sock");
    const command = join(trial.directory, "restart-hook");
    const client = new URL("restart_hook_client.ts", import.meta.url).pathname;
    const run = `exec "${Deno.execPath()}" run --quiet -A "${client}" "${socket}" "$1"`;
    await Deno.writeTextFile(command, `#!/bin/sh\n${run}\n`, { mode: 0o755 });
    const hook = new RestartHook(command, Deno.listen({ transport: "unix", path: socket }), trial);
    hook.#serve();
    return hook;
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      await this.#trial.restartController("SIGKILL");
      this.#restarts++;
      await connection.write(new TextEncoder().encode("restarted\n"));
      connection.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    return Promise.resolve();
  }
}
