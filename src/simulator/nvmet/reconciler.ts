/**
 * Brings the kernel's exports to what is wanted, from whatever state they are in: it looks first
 * and does the difference, so that a process that was killed goes on where the last one stopped,
 * and sessions to what is right already never notice.
 */
import type { LoopDevice } from "./loop_devices.ts";
import type { NvmetKernel } from "./machine.ts";
import {
  linkSubsystem,
  type PortLinks,
  readPorts,
  removeIdlePorts,
  unlinkSubsystem,
} from "./ports.ts";
import { canBecome, deviceOf, isMarked, prepareSubsystem, removeSubsystem } from "./subsystem.ts";
import { isSameWanted, type WantedExport } from "./wanted_export.ts";

/** Where the exports are made, and how the ones of this box are told from others. */
export interface ExportPlace {
  /** The numeric address that the ports listen on. */
  readonly address: string;
  /** The model of the subsystems of this box; a subsystem with another one is never touched. */
  readonly marker: string;
  /** The canonical directory of the backing files: loop devices over them are this box's. */
  readonly directory: string;
}

/** What could not be done, by NQN, or by `box` for what concerns all. */
export type Problems = ReadonlyMap<string, string>;

/** What a pass found; a subsystem that it removed is taken out. */
interface Look {
  readonly ours: Set<string>;
  readonly ports: PortLinks;
  readonly loops: readonly LoopDevice[];
}

/** Converges on demand; one call at a time. */
export class Reconciler {
  readonly #kernel: NvmetKernel;
  readonly #place: ExportPlace;
  /** What was last done without a problem; it is not looked at again until it has to change. */
  readonly #done = new Map<string, WantedExport>();

  constructor(kernel: NvmetKernel, place: ExportPlace) {
    this.#kernel = kernel;
    this.#place = place;
  }

  /** Whether the kernel has anything of this box. */
  async hasExports(): Promise<boolean> {
    return (await this.#ours()).length > 0;
  }

  /** Whether this was done without a problem. */
  isDone(wanted: WantedExport): boolean {
    const done = this.#done.get(wanted.nqn);
    return done !== undefined && isSameWanted(done, wanted);
  }

  /** Forgets what was done, so that the next call looks at everything. */
  distrust(): void {
    this.#done.clear();
  }

  /**
   * One pass. Each subsystem in `ended` is taken down first, even when it is wanted again: its
   * export was switched off in between, and its sessions have to end. A problem with one
   * subsystem keeps no other from being done.
   */
  async converge(
    wanted: readonly WantedExport[],
    ended: ReadonlySet<string> = new Set(),
  ): Promise<Problems> {
    const problems = new Map<string, string>();
    const changed = wanted.filter((one) => ended.has(one.nqn) || !this.isDone(one));
    for (const { nqn } of changed) this.#done.delete(nqn);
    let look: Look | undefined;
    await attempt(problems, "box", async () => {
      look = await this.#look();
      await this.#removeUnwanted(look, wanted, ended, problems);
    });
    if (look === undefined) return problems;
    const seen: Look = look;
    // All are ready before the first is linked: a port that is open and does not know a subsystem
    // yet tells its hosts to give up for good.
    for (const one of changed) await this.#do(problems, one, () => this.#prepare(seen, one));
    for (const one of changed) await this.#do(problems, one, () => this.#link(seen, one));
    await attempt(problems, "box", () => this.#tidy());
    for (const one of changed) if (!problems.has(one.nqn)) this.#done.set(one.nqn, one);
    return problems;
  }

  async #removeUnwanted(
    look: Look,
    wanted: readonly WantedExport[],
    ended: ReadonlySet<string>,
    problems: Map<string, string>,
  ): Promise<void> {
    const names = new Set(wanted.map(({ nqn }) => nqn));
    for (const nqn of look.ours) {
      if (names.has(nqn) && !ended.has(nqn)) continue;
      this.#done.delete(nqn);
      await attempt(problems, nqn, () => this.#remove(look, nqn));
    }
  }

  async #prepare(look: Look, wanted: WantedExport): Promise<void> {
    const isOurs = look.ours.has(wanted.nqn);
    if (isOurs && !await canBecome(this.#kernel, wanted, look.loops)) {
      await this.#remove(look, wanted.nqn);
    }
    await prepareSubsystem(this.#kernel, wanted, this.#place.marker, look.loops);
  }

  async #link({ ports }: Look, wanted: WantedExport): Promise<void> {
    const { tree } = this.#kernel;
    await unlinkSubsystem(tree, ports, wanted.nqn, wanted.port);
    if (!wanted.isLinked) return;
    await linkSubsystem(tree, wanted.nqn, this.#place.address, wanted.port);
  }

  /** Unlinks before it disables: a host must never see its namespace vanish while connected. */
  async #remove(look: Look, nqn: string): Promise<void> {
    const device = await deviceOf(this.#kernel, nqn);
    await unlinkSubsystem(this.#kernel.tree, look.ports, nqn);
    await removeSubsystem(this.#kernel, nqn);
    look.ours.delete(nqn);
    const loop = look.loops.find(({ path }) => path === device);
    if (loop === undefined || !this.#isOurFile(loop.backingPath)) return;
    await this.#kernel.loops.detach(loop.path);
  }

  /** Removes ports without links, and loop devices over this box's files that nothing is on. */
  async #tidy(): Promise<void> {
    await removeIdlePorts(this.#kernel.tree, this.#place.address);
    const used = new Set<string | undefined>();
    for (const nqn of await this.#ours()) used.add(await deviceOf(this.#kernel, nqn));
    for (const { path, backingPath } of await this.#kernel.loops.list()) {
      if (this.#isOurFile(backingPath) && !used.has(path)) await this.#kernel.loops.detach(path);
    }
  }

  #isOurFile(path: string): boolean {
    return path.startsWith(`${this.#place.directory}/`);
  }

  /** What there is, read once for each pass. */
  async #look(): Promise<Look> {
    const { tree, loops } = this.#kernel;
    const ours = new Set(await this.#ours());
    return { ours, ports: await readPorts(tree), loops: await loops.list() };
  }

  async #ours(): Promise<string[]> {
    const ours: string[] = [];
    for (const nqn of await this.#kernel.tree.list("subsystems")) {
      if (await isMarked(this.#kernel, nqn, this.#place.marker)) ours.push(nqn);
    }
    return ours;
  }

  /** Goes on only with what has had no problem so far. */
  async #do(
    problems: Map<string, string>,
    { nqn }: WantedExport,
    act: () => Promise<void>,
  ): Promise<void> {
    if (!problems.has(nqn)) await attempt(problems, nqn, act);
  }
}

async function attempt(
  problems: Map<string, string>,
  about: string,
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act();
  } catch (error) {
    problems.set(about, error instanceof Error ? error.message : String(error));
  }
}
