/** The same controller over an array in memory: many more sequences in the same time. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryRds } from "../../src/adapters/memory/rds.ts";
import type { Backend } from "../../src/application/backends.ts";
import { StorageError } from "../../src/domain/errors.ts";
import type { CopyProof } from "../../src/domain/snapshot.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import type { CsiClient } from "../../tools/trial/csi_client.ts";
import { startController } from "./controller_process.ts";
import type { ControllerProcess } from "./controller_process.ts";
import { Mortal } from "./mortal.ts";
import type { Copies } from "./oracle.ts";
import { STORAGE_ADDRESS } from "./volume_calls.ts";
import type { Inventory, World } from "./world.ts";

/** What a lost call to the array looks like. */
interface Loss {
  readonly moment: "before" | "after";
  /** Whether nothing is ever answered, instead of a failure. */
  readonly isSilent: boolean;
  skip: number;
  times: number;
}

const PROOF_OF: Readonly<Record<Copies, CopyProof>> = {
  cow: { result: "independent-cow" },
  full: { result: "independent-full" },
  refused: { result: "refused", reason: "it is told to" },
};

/** Starts a controller over an array in memory. */
export async function openMemoryWorld(
  copies: Copies,
  wrap: (backend: Backend) => Backend = (it) => it,
): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "rds-csi-model-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const world = new MemoryWorld(copies, directory, wrap);
  stack.use(world.lives);
  await world.restart();
  world.resources = stack.move();
  return world;
}

class MemoryWorld implements World {
  readonly copies: Copies;
  readonly lives: AsyncDisposable;
  resources: AsyncDisposable | undefined;
  readonly answers: Set<string> = new Set();
  readonly #rds: MemoryRds;
  readonly #directory: string;
  readonly #wrap: (backend: Backend) => Backend;
  readonly #losses: Loss[] = [];
  readonly #ending = new Set<Promise<unknown>>();
  #life: { readonly mortal: Mortal; readonly controller: ControllerProcess } | undefined;
  #lifeCount = 0;

  constructor(copies: Copies, directory: string, wrap: (backend: Backend) => Backend) {
    this.copies = copies;
    this.#directory = directory;
    this.#wrap = wrap;
    this.#rds = new MemoryRds({ copies: PROOF_OF[copies] });
    this.lives = { [Symbol.asyncDispose]: () => this.#endAll() };
  }

  get client(): CsiClient {
    if (this.#life === undefined) throw new Error("Cannot call: no controller runs");
    return this.#life.controller.client;
  }

  get mayHang(): boolean {
    return this.#losses.some(({ isSilent }) => isSilent);
  }

  inflict(fault: Fault): Promise<void> {
    const isSilent = ["hang", "hang-after", "half-open"].includes(fault.kind);
    const runs = ["reset-after", "reset-middle", "truncate", "hang-after", "lose-replies"];
    const moment = runs.includes(fault.kind) ? "after" : "before";
    const { times, skip = 0 } = "times" in fault ? fault : { times: 1 };
    this.#losses.push({ moment, isSilent, skip, times });
    return Promise.resolve();
  }

  fill(): Promise<void> {
    return Promise.reject(new Error("Cannot fill an array in memory"));
  }

  cutShort(): Promise<void> {
    return Promise.reject(new Error("Cannot cut short what takes no time"));
  }

  calm(): void {
    this.#losses.length = 0;
  }

  crashAt(command: number, moment: "before" | "after"): void {
    this.#life?.mortal.dieAt(command, moment);
  }

  async restart(): Promise<void> {
    this.#life?.mortal.die();
    const life = this.#lifeCount++;
    const mortal = new Mortal(() => this.#bury());
    const backend = this.#wrap({
      name: "memory",
      volumes: this.#disturbed(this.#rds.volumes, mortal),
      snapshots: this.#disturbed(this.#rds.snapshots, mortal),
      storageAddress: STORAGE_ADDRESS,
      isReachable: () => true,
    });
    this.#life = { mortal, controller: await startController(backend, this.#directory, life) };
  }

  write(id: string, content: string): Promise<void> {
    return new Promise((resolve) => resolve(this.#rds.write(id, content)));
  }

  read(id: string): Promise<string> {
    return new Promise((resolve) => resolve(this.#rds.read(id)));
  }

  async inventory(): Promise<Inventory> {
    const signal = new AbortController().signal;
    const volumes = await this.#rds.volumes.list(signal);
    const snapshots = await this.#rds.snapshots.list(signal);
    const items = [...volumes, ...snapshots].map(({ id }) => id).sort();
    const strays = this.#rds.itemCount === items.length ? [] : ["an item that no list shows"];
    const { availableBytes: freeBytes } = await this.#rds.volumes.capacity(signal);
    return { items, files: items, freeBytes, foreign: [], violations: strays };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources?.[Symbol.asyncDispose]();
  }

  #disturbed<Port extends object>(port: Port, mortal: Mortal): Port {
    return new Proxy(port, {
      get: (target, key): unknown => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        return (...given: unknown[]): Promise<unknown> =>
          this.#perform(mortal, given, () => Reflect.apply(member, target, given));
      },
    });
  }

  async #perform(
    mortal: Mortal,
    given: readonly unknown[],
    work: () => unknown,
  ): Promise<unknown> {
    mortal.sends();
    const loss = this.#strike();
    if (loss === undefined) return await work();
    if (loss.moment === "after") await work();
    const signal = given.at(-1);
    if (loss.isSilent && signal instanceof AbortSignal) await aborted(signal);
    throw new StorageError("unavailable", "Cannot say what became of it: the reply was lost");
  }

  #strike(): Loss | undefined {
    const [loss] = this.#losses;
    if (loss === undefined) return undefined;
    if (loss.skip-- > 0) return undefined;
    if (--loss.times <= 0) this.#losses.shift();
    return loss;
  }

  #bury(): void {
    const life = this.#life;
    this.#life = undefined;
    if (life === undefined) return;
    const ended = life.controller.end().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  async #endAll(): Promise<void> {
    this.#life?.mortal.die();
    await Promise.all(this.#ending);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
