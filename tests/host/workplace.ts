/** A directory for one test, from which nothing stays: no process, mount, loop device or file. */
import { startOfProcess } from "../../src/adapters/children/stuck_children.ts";

const JANITOR = new URL("janitor.ts", import.meta.url).pathname;

/** A temporary directory whose janitor outlives the test, even a killed one. */
export class Workplace implements AsyncDisposable {
  readonly directory: string;
  readonly #janitor: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(directory: string) {
    this.directory = directory;
    this.#janitor = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", JANITOR, directory],
      // The runtime kills its other children when it ends, by a failure of a test file also.
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#janitor.stdin.getWriter();
  }

  /** Makes the directory. */
  static async open(): Promise<Workplace> {
    const made = await Deno.makeTempDir({ prefix: "rds-csi-host-" });
    return new Workplace(await Deno.realPath(made));
  }

  /** Makes a process of this test end with it, however it ends. */
  owns(pid: number): void {
    const start = startOfProcess(pid);
    // It is over already, or the janitor is: neither needs anything done.
    if (start !== undefined) {
      this.#input.write(new TextEncoder().encode(`${pid} ${start}\n`)).catch(() => {});
    }
  }

  /** Removes everything. @throws {Error} with what the janitor could not do. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    const { success, stderr } = await this.#janitor.output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  }
}
