/**
 * The node as it is shipped, which ends itself by SIGKILL at a call of its ports that a file names:
 * when the call has had its effect and nobody knows of it yet, or while it is being made.
 *
 * The first argument is that file: JSON with the number of the call, counted from 1 since the file
 * was written, over all ports, or nothing at all. The others are the program's.
 */
import { parseArgs } from "node:util";
import { KERNEL_CALLS_COMMAND } from "../../src/adapters/children/own_program.ts";
import type { NodeFlags } from "../../src/cli/node.ts";

/** What the file says. */
export interface DeathPlan {
  /** Another number each time, so that a plan is told from the one before. */
  readonly id: number;
  readonly callNumber: number;
  /** `during`: so long after its begin that a program it runs has been started. */
  readonly moment: "after" | "during";
}

const BEGUN_MS = 3;

/** What the guardian asks beside the calls; it changes nothing, so dying there shows nothing. */
const UNCOUNTED: ReadonlySet<string | symbol> = new Set(["list", "sessions", "dangers", "stuck"]);

class Mortality {
  readonly #planFile: string;
  #id = 0;
  #calls = 0;

  constructor(planFile: string) {
    this.#planFile = planFile;
  }

  /** Puts the possible end at every call of a port. */
  wrap<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, key): unknown => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        return (...given: unknown[]): unknown => {
          const perform = (): unknown => Reflect.apply(member, target, given);
          return UNCOUNTED.has(key) ? perform() : this.#call(perform);
        };
      },
    });
  }

  async #call(perform: () => unknown): Promise<unknown> {
    const moment = this.#count();
    const performed = perform();
    if (moment === "during") setTimeout(die, BEGUN_MS);
    const result = await performed;
    if (moment !== undefined) die();
    return result;
  }

  /** Counts a call; gives the moment of death when it is the one that is planned. */
  #count(): DeathPlan["moment"] | undefined {
    const text = Deno.readTextFileSync(this.#planFile);
    if (text === "") return undefined;
    const { id, callNumber, moment } = JSON.parse(text) as DeathPlan;
    if (id !== this.#id) this.#calls = 0;
    this.#id = id;
    this.#calls += 1;
    return this.#calls === callNumber ? moment : undefined;
  }
}

function die(): void {
  Deno.kill(Deno.pid, "SIGKILL");
}

async function main([first = "", ...rest]: readonly string[]): Promise<number> {
  if (first === KERNEL_CALLS_COMMAND) {
    const { serveKernelCalls } = await import("../../src/adapters/children/worker_main.ts");
    return serveKernelCalls();
  }
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...rest],
    allowPositionals: true,
    options: { "node-name": text, "attach": text, "endpoint": text, "state-directory": text },
  });
  const flags: NodeFlags = {
    nodeName: values["node-name"] ?? "",
    attach: values.attach ?? "",
    endpoint: values.endpoint ?? "",
    stateDirectory: values["state-directory"] ?? "",
  };
  const { runNode } = await import("../../src/cli/node.ts");
  const { PROCESS_OUTPUT } = await import("../../src/cli/output.ts");
  const mortality = new Mortality(first);
  await runNode(flags, PROCESS_OUTPUT, (port) => mortality.wrap(port));
  return 0;
}

Deno.exit(await main(Deno.args));
